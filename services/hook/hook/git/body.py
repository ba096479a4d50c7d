"""A request's body: bounded, unpacked, and in time."""

from __future__ import annotations

import asyncio
import contextlib
import zlib
from collections import deque

from toolkit.serving.incoming import Incoming
from toolkit.serving.problems import ProblemError

_PIECE = 256 * 1024
"""Bytes that are unpacked at once."""
_RATIO = 100
"""How many bytes one may unpack to, from a mebibyte on; requests of git unpack to some four."""
_FREE = 1 << 20
_LINGER = 10.0
"""Seconds that a refused body is still taken."""
_GZIP = 31
"""zlib's name for gzip's frame alone."""


class Body:
    """What a client sends, in pieces; for one task."""

    def __init__(
        self, incoming: Incoming, *, encoding: str, length: str, most: int, seconds: float
    ):
        """`encoding`, `length`: Content-Encoding and Content-Length; `most`: bytes, unpacked.

        Raises `unsupported-media-type` and `too-large` before anything is read.
        """
        if encoding not in ("", "identity", "gzip", "x-gzip"):
            raise ProblemError(
                "unsupported-media-type", "the body may be compressed with gzip and nothing else"
            )
        self._incoming = incoming
        self._most, self._seconds = most, seconds
        self._inflate = zlib.decompressobj(_GZIP) if encoding.endswith("gzip") else None
        self._deadline: float | None = None
        self._pieces: deque[bytes] = deque()
        self._taken = self._given = 0
        self._arrived = not incoming.is_unread
        if length.isascii() and length.isdigit() and int(length) > most:
            raise self._too_large(f"{int(length):,} bytes")

    async def read(self) -> bytes:
        """The next piece; empty at the end.

        Raises `too-large`, `too-slow`, and `malformed` for what cannot be unpacked or ends early.
        """
        while not self._pieces and not self._arrived:
            data = await self._receive()
            self._taken += len(data)
            self._check_size(self._taken)
            if self._inflate is None:
                if data:
                    self._pieces.append(data)
            else:
                self._unpack(data)
        if not self._pieces:
            return b""
        piece = self._pieces.popleft()
        self._given += len(piece)
        return piece

    def put_back(self, data: bytes) -> None:
        """Have the next `read` give this once more."""
        if data:
            self._pieces.appendleft(data)
            self._given -= len(data)

    async def discard(self) -> None:
        """Take the rest off the wire, as much as may come at all and for some seconds.

        A client reads its answer only if the connection is not reset while it still sends.
        """
        left = self._most - self._taken
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while left > 0 and self._incoming.is_unread:
                    message = await self._incoming()
                    if message["type"] == "http.disconnect":
                        return
                    left -= len(message.get("body", b"")) or 1

    async def _receive(self) -> bytes:
        loop = asyncio.get_running_loop()
        if self._deadline is None:
            self._deadline = loop.time() + self._seconds
        try:
            async with asyncio.timeout_at(self._deadline):
                message = await self._incoming()
        except TimeoutError:
            raise ProblemError(
                "too-slow", f"the body did not arrive within {self._seconds:g} s"
            ) from None
        if message["type"] == "http.disconnect":
            raise CutOffError
        self._arrived = not message.get("more_body", False)
        data: bytes = message.get("body", b"")
        return data

    def _unpack(self, data: bytes) -> None:
        assert self._inflate is not None  # noqa: S101  asked before
        inflate, unpacked = self._inflate, sum(map(len, self._pieces)) + self._given
        try:
            while data and not inflate.eof:
                piece = inflate.decompress(data, _PIECE)
                data = inflate.unconsumed_tail
                unpacked += len(piece)
                self._check_size(unpacked)
                if unpacked > max(_FREE, _RATIO * self._taken):
                    raise ProblemError(
                        "too-large", f"the body unpacks to more than {_RATIO} times its size"
                    )
                if piece:
                    self._pieces.append(piece)
        except zlib.error:
            raise ProblemError("malformed", "the body is said to be gzip, and is not") from None
        if inflate.unused_data or (self._arrived and not inflate.eof):
            raise ProblemError("malformed", "the body does not end where its gzip does")

    def _check_size(self, size: int) -> None:
        if size > self._most:
            raise self._too_large("more")

    def _too_large(self, has: str) -> ProblemError:
        return ProblemError(
            "too-large", f"{self._most:,} bytes are the most that is taken, and there are {has}"
        )


class CutOffError(ProblemError):
    """The connection ended before the body did."""

    def __init__(self) -> None:
        super().__init__("malformed", "the connection ended before the body did")
