"""An HTTP/1.1 answer taken from a stream of bytes: its head, and where its body ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

LONGEST_HEAD = 256 * 1024
_END = b"\r\n\r\n"

More = Callable[[], bytes]
"""The next bytes; none at the end of the stream."""


class CutError(Exception):
    """The answer ended before it was whole."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers, and the bytes that came with them."""

    status: int
    raw: bytes
    """The head as it came, from the status line to before the empty line."""
    rest: bytes
    """What came behind it."""

    def get(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        wanted = b"\r\n" + name.lower().encode() + b":"
        at = self.raw.lower().find(wanted)
        if at < 0:
            return None
        begin = at + len(wanted)
        end = self.raw.find(b"\r\n", begin)
        found = self.raw[begin : len(self.raw) if end < 0 else end]
        return found.strip().decode("latin-1")


def read_head(more: More, got: bytes) -> Head:
    """The head that begins with `got`; CutError at the end, ValueError for what is no HTTP."""
    while (at := got.find(_END)) < 0:
        if len(got) > LONGEST_HEAD:
            raise ValueError("the head of the answer does not end")
        piece = more()
        if not piece:
            raise CutError("closed within an answer" if got else "closed without an answer")
        got += piece
    raw = got[:at]
    if not raw.startswith(b"HTTP/1.") or not raw[9:12].isdigit():
        raise ValueError("the answer is no HTTP")
    return Head(int(raw[9:12]), raw, got[at + 4 :])


def body_left(
    head: Head, method: str, more: More, *, most: int, keep: int
) -> tuple[bytes, bytes, bool]:
    """The first `keep` bytes of the body, what came behind it, and whether the connection stays.

    CutError where it is not whole; of a body longer than `most` bytes the rest is not waited for.
    """
    lasting = _lasts(head)
    if method == "HEAD" or head.status in {204, 304}:
        return b"", head.rest, lasting
    if "chunked" in (head.get("Transfer-Encoding") or "").lower():
        return _chunks(head.rest, more, most=most, keep=keep, lasting=lasting)
    said = head.get("Content-Length")
    if said is None:
        return *_to_the_end(head.rest, more, most=most, keep=keep), False
    if not (said.isascii() and said.isdigit()):
        raise ValueError("the length of the answer is no number")
    length, got, seen = int(said), head.rest, len(head.rest)
    kept = got[: min(keep, length)]
    if seen >= length:
        return kept, got[length:], lasting
    while seen < min(length, most):
        piece = more()
        if not piece:
            raise CutError("closed within an answer")
        if len(kept) < keep:
            kept += piece[: min(keep, length) - len(kept)]
        seen += len(piece)
    return kept, b"", lasting and seen == length


def _lasts(head: Head) -> bool:
    said = (head.get("Connection") or "").lower()
    return "close" not in said and (head.raw.startswith(b"HTTP/1.1") or "keep-alive" in said)


def _to_the_end(got: bytes, more: More, *, most: int, keep: int) -> tuple[bytes, bytes]:
    kept, seen = got[:keep], len(got)
    while seen < most and (piece := more()):
        kept += piece[: keep - len(kept)] if len(kept) < keep else b""
        seen += len(piece)
    return kept, b""


def _chunks(
    got: bytes, more: More, *, most: int, keep: int, lasting: bool
) -> tuple[bytes, bytes, bool]:
    kept, seen = b"", 0

    def until(size: int) -> None:
        nonlocal got
        while len(got) < size:
            piece = more()
            if not piece:
                raise CutError("closed within an answer")
            got += piece

    def line() -> bytes:
        nonlocal got
        while (at := got.find(b"\r\n")) < 0:
            if len(got) > LONGEST_HEAD:
                raise ValueError("a chunk of the answer has no size")
            until(len(got) + 1)
        found, got = got[:at], got[at + 2 :]
        return found

    while True:
        try:
            size = int(line().partition(b";")[0], 16)
        except ValueError as exc:
            raise ValueError("a chunk of the answer has no size") from exc
        if size == 0:
            while line():  # trailers
                pass
            return kept, got, lasting
        if seen + size > most:
            return kept, b"", False
        until(size + 2)
        kept += got[: min(size, keep - len(kept))] if len(kept) < keep else b""
        got, seen = got[size + 2 :], seen + size
