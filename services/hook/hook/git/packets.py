"""Git's pkt-lines: four hexadecimal digits of length, then that many bytes, themselves included."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.serving.bounded import bounded

FLUSH = b"0000"
LARGEST = 65520
"""Bytes of a packet with its length."""
_REPORTS, _SAYS = b"\x01", b"\x02"
"""Side bands: what became of each ref, and what is shown as the remote's words."""
_PART = 65000
_SHOWN = 1000


def packet(data: bytes) -> bytes:
    """One pkt-line."""
    return b"%04x%b" % (len(data) + 4, data)


def advertised(service: str) -> bytes:
    """What comes before the refs, in the versions of the protocol that say it."""
    return packet(b"# service=%b\n" % service.encode()) + FLUSH


def error(sentence: str) -> bytes:
    """An answer that every git client ends with, the sentence on its screen."""
    return packet(b"ERR " + b" ".join(_lines(sentence)))


def not_taken(sentence: str, refs: Sequence[bytes]) -> bytes:
    """The answer to a push of these refs, for a client that listens on side bands.

    It shows the sentence, and each ref as one that the remote rejected.
    """
    said = b"".join(packet(_SAYS + line + b"\n") for line in _lines(sentence))
    report = packet(b"unpack ok\n")
    report += b"".join(packet(b"ng " + ref + b" not taken\n") for ref in refs) + FLUSH
    parts = (report[at : at + _PART] for at in range(0, len(report), _PART))
    return said + b"".join(packet(_REPORTS + part) for part in parts) + FLUSH


def _lines(sentence: str) -> list[bytes]:
    return [bounded(line, _SHOWN).encode() for line in sentence.splitlines()]


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
