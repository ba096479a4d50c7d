"""Git's pkt-lines: four hexadecimal digits of length, then that many bytes, themselves included."""

from __future__ import annotations

from toolkit.serving.bounded import bounded

FLUSH = b"0000"
LARGEST = 65520
"""Bytes of a packet with its length."""
_FATAL = b"\x03"
"""The side band of what ends an exchange; git shows it as an error of the remote."""
_SHOWN = 1000


def packet(data: bytes) -> bytes:
    """One pkt-line."""
    return b"%04x%b" % (len(data) + 4, data)


def advertised(service: str) -> bytes:
    """What comes before the refs, in the versions of the protocol that say it."""
    return packet(b"# service=%b\n" % service.encode()) + FLUSH


def refusal(sentence: str, *, sideband: bool) -> bytes:
    """An answer that a git client shows as the remote's words, and ends with.

    `sideband`: the client asked for side bands; without them git knows `ERR`.
    """
    said = bounded(sentence, _SHOWN).encode()
    if sideband:
        return packet(_FATAL + said + b"\n") + FLUSH
    return packet(b"ERR " + said)


def length(raw: bytes | bytearray, at: int) -> int | None:
    """The length that a pkt-line begins with; None when its digits are not there yet.

    ValueError for what is no pkt-line.
    """
    digits = bytes(raw[at : at + 4])
    if len(digits) < 4:
        return None
    if not digits.isalnum():  # int() would take signs, spaces and underscores
        raise ValueError(digits)
    size = int(digits, 16)
    if 0 < size < 4 or size > LARGEST:
        raise ValueError(digits)
    return size
