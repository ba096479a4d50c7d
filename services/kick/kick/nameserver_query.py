"""A DNS question as it came over the wire; reads only what a server of zones needs. Pure.

Our own reader: it looks at each byte once, follows no pointers, and can end in two ways only.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

HEADER = struct.Struct("!HHHHHH")
LONGEST_NAME = 255
"""Bytes, with the length of each label and the root's."""

FORMERR, NOTIMP = 1, 4
_QR, _OPCODE, _RD, _CD = 0x8000, 0x7800, 0x0100, 0x0010
_OPT = 41


@dataclass(frozen=True, slots=True)
class Query:
    """One question."""

    id: int
    kept: int
    """The flags that an answer repeats."""
    labels: tuple[bytes, ...]
    """As asked, in their case."""
    type: int
    kind: int
    """The class."""
    question: bytes
    """As it came."""
    size: int | None
    """Bytes that the asker takes over UDP; None without EDNS."""
    version: int
    """Of EDNS."""


class BadQueryError(ValueError):
    """It gets an answer that holds nothing but a code."""

    def __init__(self, id_: int, kept: int, code: int) -> None:
        """`kept`: the flags of the question that an answer repeats."""
        super().__init__(f"code {code}")
        self.id, self.kept, self.code = id_, kept, code


def read(packet: bytes) -> Query | None:
    """The question in a packet; None for what gets no answer at all.

    Raises BadQueryError for a packet that is a question and cannot be answered as one.
    """
    if len(packet) < HEADER.size:
        return None
    id_, flags, questions, answers, authority, additional = HEADER.unpack_from(packet)
    if flags & _QR:
        # An answer to an answer could go on for ever.
        return None
    kept = flags & (_OPCODE | _RD | _CD)
    if flags & _OPCODE:
        raise BadQueryError(id_, kept, NOTIMP)
    if questions != 1 or answers or authority:
        raise BadQueryError(id_, kept, FORMERR)
    try:
        labels, at = _name(packet, HEADER.size)
        type_, kind = struct.unpack_from("!HH", packet, at)
        question = packet[HEADER.size : at + 4]
        size, version = _options(packet, at + 4, additional)
    except (struct.error, IndexError, ValueError) as exc:
        raise BadQueryError(id_, kept, FORMERR) from exc
    return Query(id_, kept, labels, type_, kind, question, size, version)


def _name(packet: bytes, at: int) -> tuple[tuple[bytes, ...], int]:
    start, labels = at, []
    while packet[at]:
        length = packet[at]
        label = packet[at + 1 : at + 1 + length]
        if length > 63 or len(label) != length:
            # Above 63 it would be a pointer, and there is nothing yet to point to.
            raise ValueError("not a label")
        labels.append(label)
        at += 1 + length
    if at + 1 - start > LONGEST_NAME:
        raise ValueError("the name is too long")
    return tuple(labels), at + 1


def _options(packet: bytes, at: int, count: int) -> tuple[int | None, int]:
    """What EDNS says: how much the asker takes, and in which version it speaks."""
    found: tuple[int | None, int] = (None, 0)
    for _ in range(count):
        root = packet[at] == 0
        while not root and packet[at]:
            if packet[at] > 63:
                at += 1
                break
            at += 1 + packet[at]
        type_, size, ttl, length = struct.unpack_from("!HHIH", packet, at + 1)
        at += 1 + 10 + length
        if at > len(packet):
            raise ValueError("cut short")
        if type_ != _OPT:
            continue
        if not root or found[0] is not None:
            raise ValueError("EDNS twice, or not of the root")
        found = size, (ttl >> 16) & 0xFF
    return found
