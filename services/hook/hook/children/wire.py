"""How work goes to a child, and lines come back."""

from __future__ import annotations

import json
import pickle
import socket
import struct
from collections.abc import Iterator
from typing import Any

from hook.children.errand import Work

LINE = 256 << 10
"""Bytes of one message of a child."""
LAST = 8 << 20
"""Bytes of its last one."""
TOTAL = 64 << 20
"""Bytes of all that a child says."""
_SIZE = struct.Struct("!Q")


class TooMuchError(Exception):
    """A child said more than it may."""


def pack(work: Work) -> bytes:
    """The work as it is sent; the way back is never pickled, because a child is not trusted."""
    body = pickle.dumps(work)
    return _SIZE.pack(len(body)) + body


def receive(channel: socket.socket) -> Work:
    """The work, in the child; EOFError when the server is gone."""
    (size,) = _SIZE.unpack(_exactly(channel, _SIZE.size))
    work = pickle.loads(_exactly(channel, size))  # noqa: S301  made by the server itself
    assert isinstance(work, Work)  # noqa: S101
    return work


def _exactly(channel: socket.socket, size: int) -> bytearray:
    data = bytearray(size)
    view = memoryview(data)
    while view:
        count = channel.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return data


def line(kind: str, message: Any) -> bytes:
    """One message of a child as a line."""
    return json.dumps({kind: message}, ensure_ascii=True).encode() + b"\n"


class Lines:
    """What a child says, cut into messages and bounded before anything is kept."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._total = 0

    def feed(self, data: bytes) -> Iterator[tuple[str, Any]]:
        """The messages that are whole now, each with its kind; TooMuchError beyond the bounds."""
        self._total += len(data)
        self._rest += data
        if self._total > TOTAL:
            raise TooMuchError
        while (end := self._rest.find(b"\n")) >= 0:
            text = bytes(self._rest[:end])
            del self._rest[: end + 1]
            yield _read(text)
        if len(self._rest) > LAST:
            raise TooMuchError


def _read(text: bytes) -> tuple[str, Any]:
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise TooMuchError from exc
    if not isinstance(document, dict) or len(document) != 1:
        raise TooMuchError
    ((kind, message),) = document.items()
    if kind != "end" and len(text) > LINE:
        raise TooMuchError
    return kind, message
