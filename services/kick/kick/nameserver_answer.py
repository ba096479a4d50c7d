"""A packet with a question -> the packet with its answer. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import dnslib

from kick.nameserver_lookup import (
    NEGATIVE_TTL,
    NOERROR,
    NXDOMAIN,
    REFUSED,
    Found,
    View,
    look_up,
    serial_of,
)
from kick.nameserver_query import HEADER, BadQueryError, Query, read
from toolkit.clients.dns.snapshot import Snapshot
from toolkit.spec.dns import Record

OUR_SIZE = 1232
"""Bytes that a packet may have without being cut into pieces anywhere."""
OLD_SIZE = 512
"""What an asker takes that does not say."""
LONGEST_STRING = 255
SERVFAIL, BADVERS = 2, 16

_AA, _QR, _TC = 0x0400, 0x8000, 0x0200
_IN, _ANY, _OPT = 1, 255, 41
_TYPES = {1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 16: "TXT", 28: "AAAA", 33: "SRV", _ANY: "ANY"}
_NUMBERS = {word: number for number, word in _TYPES.items()}
_TRANSFERS = frozenset({251, 252})
_ODD = re.compile(rb"[^!-\-/-\[\]-~]")


def respond(view: View, packet: bytes, *, udp: bool) -> bytes | None:
    """The answer to a packet; None where there should be none."""
    try:
        query = read(packet)
    except BadQueryError as exc:
        return HEADER.pack(exc.id, _QR | exc.kept | exc.code, 0, 0, 0, 0)
    if query is None:
        return None
    if query.version:
        return _pack(query, BADVERS)
    if query.kind not in {_IN, _ANY} or query.type in _TRANSFERS:
        return _pack(query, REFUSED)
    name = text_of(query.labels)
    found = look_up(view, name, _TYPES.get(query.type, str(query.type)))
    whole = _answer(query, name, found)
    room = min(max(query.size or OLD_SIZE, OLD_SIZE), OUR_SIZE)
    if udp and len(whole) > room:
        return _pack(query, found.code, flags=_AA | _TC)
    return whole


def failure(packet: bytes) -> bytes | None:
    """The answer that says no more than that it failed."""
    try:
        query = read(packet)
    except BadQueryError:
        return None
    return None if query is None else _pack(query, SERVFAIL)


def text_of(labels: Iterable[bytes]) -> str:
    """A name in our spelling; what no record of ours has in its name, as decimal escapes."""
    return ".".join(
        _ODD.sub(lambda odd: b"\\%03d" % odd[0][0], label).decode("ascii").lower()
        for label in labels
    )


def _answer(query: Query, name: str, found: Found) -> bytes:
    if found.code == REFUSED:
        return _pack(query, REFUSED)
    sections: list[list[dnslib.RR]] = [[], [], []]
    # Names that were asked for come back as they were written.
    asked = dnslib.DNSLabel(query.labels)
    for section, records in zip((0, 2), (found.records, found.further), strict=True):
        for record in records:
            label = asked if record.name == name else _label(record.name)
            sections[section] += _rrs(label, record)
    if found.negative is not None:
        sections[1] += _soa(found.negative)
    return _pack(query, found.code, sections, flags=_AA)


def _pack(
    query: Query, code: int, sections: list[list[dnslib.RR]] | None = None, *, flags: int = 0
) -> bytes:
    sections = sections or [[], [], []]
    buffer = dnslib.DNSBuffer()
    counts = [len(section) for section in sections]
    counts[2] += query.size is not None
    buffer.append(HEADER.pack(query.id, _QR | flags | query.kept | (code & 0xF), 1, *counts))
    buffer.append(query.question)
    for section in sections:
        for rr in section:
            rr.pack(buffer)
    packed = bytes(buffer.data)
    if query.size is not None:
        high = (code >> 4) << 24
        packed += b"\0" + _OPT.to_bytes(2) + OUR_SIZE.to_bytes(2) + high.to_bytes(4) + b"\0\0"
    return packed


def _soa(zone: Snapshot) -> list[dnslib.RR]:
    record = serial_of(zone.names[zone.zone.name]["SOA"], zone)
    return _rrs(_label(record.name), Record(record.name, "SOA", NEGATIVE_TTL, record.values))


def _rrs(label: dnslib.DNSLabel, record: Record) -> list[dnslib.RR]:
    number = _NUMBERS[record.type]
    return [
        dnslib.RR(label, number, _IN, record.ttl or 0, _rdata(record.type, value))
        for value in record.values
    ]


def _rdata(type_: str, value: str) -> dnslib.RD:
    match type_:
        case "A":
            return dnslib.A(value)
        case "AAAA":
            return dnslib.AAAA(value)
        case "CNAME":
            return dnslib.CNAME(_label(value))
        case "NS":
            return dnslib.NS(_label(value))
        case "SRV":
            priority, weight, port, target = value.split(" ")
            return dnslib.SRV(int(priority), int(weight), int(port), _label(target))
        case "SOA":
            server, person, *times = value.split(" ")
            return dnslib.SOA(_label(server), _label(person), tuple(map(int, times)))
        case _:
            raw = value.encode()
            cuts = range(0, len(raw), LONGEST_STRING)
            return dnslib.TXT([raw[at : at + LONGEST_STRING] for at in cuts] or [b""])


def _label(name: str) -> dnslib.DNSLabel:
    return dnslib.DNSLabel(tuple(part.encode() for part in name.split(".") if part))


__all__ = ["NOERROR", "NXDOMAIN", "REFUSED", "failure", "respond", "text_of"]
