"""A SOCKS5 proxy on loopback: knows names that nobody else does, and misbehaves when told to."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

Place = tuple[str, int]


class SocksProxy:
    """Leads `known` places to others; every other name is unreachable."""

    def __init__(
        self, known: Mapping[Place, Place] | None = None, *, says: bytes | None = None
    ) -> None:
        """`says`: answered to the greeting in place of what the protocol wants; empty: silence."""
        self._known, self._says = dict(known or {}), says
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lines: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.asked: list[Place] = []
        """Names and ports, as the client said them."""

    @property
    def address(self) -> str:
        """For `proxy`."""
        return f"socks5h://127.0.0.1:{self._listener.getsockname()[1]}"

    def __enter__(self) -> Self:
        self._begin(self._accept)
        return self

    def __exit__(self, *_exc: object) -> None:
        for line in (self._listener, *self._lines):
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()
        for thread in self._threads:
            thread.join()

    def _begin(self, what: object, *arguments: object) -> None:
        thread = threading.Thread(target=what, args=arguments)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self._lines.append(line)
                self._begin(self._serve, line)

    def _serve(self, line: socket.socket) -> None:
        with suppress(OSError, EOFError), line:
            _version, methods = _exactly(line, 2)
            _exactly(line, methods)
            if self._says is not None:
                line.sendall(self._says)
                line.recv(1)  # until the client leaves
                return
            line.sendall(b"\x05\x00")
            _, command, _, kind = _exactly(line, 4)
            name = _exactly(line, _exactly(line, 1)[0]).decode() if kind == 3 else "an address"
            (port,) = struct.unpack("!H", _exactly(line, 2))
            self.asked.append((name, port))
            there = self._known.get((name, port)) if (command, kind) == (1, 3) else None
            if there is None:
                line.sendall(b"\x05\x04\x00\x01" + bytes(6))
                return
            with socket.create_connection(there) as far:
                self._lines.append(far)
                line.sendall(b"\x05\x00\x00\x01" + bytes(6))
                self._begin(_pump, line, far)
                _pump(far, line)


def _exactly(line: socket.socket, size: int) -> bytes:
    got = b""
    while len(got) < size:
        piece = line.recv(size - len(got))
        if not piece:
            raise EOFError
        got += piece
    return got


def _pump(here: socket.socket, there: socket.socket) -> None:
    with suppress(OSError):
        while piece := here.recv(65536):
            there.sendall(piece)
    with suppress(OSError):
        there.shutdown(socket.SHUT_WR)
