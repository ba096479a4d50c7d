"""The server on a real port, in a thread, with limits that a test chooses."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from anyio.from_thread import BlockingPortal
from kick.actions import Action
from kick.app import make_app
from kick.table import TABLE

from tests.services.kick.rig import Rig, make_rig
from tests.services.running import PATIENCE
from toolkit.serving.limits import Limits
from toolkit.serving.serve import Server, bind, make_server


class Served:
    """A rig that listens."""

    def __init__(self, rig: Rig, port: int, server: Server):
        self.rig = rig
        self.port = port
        self._server = server

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._server.server_state.connections)

    def end(self) -> None:
        """Tell the server to end, and return."""
        self._server.give_up()

    def raw(self, data: bytes = b"") -> socket.socket:
        """A connection that has said this."""
        connection = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
        connection.sendall(data)
        return connection

    def say(self, data: bytes) -> bytes:
        """All that is answered until the server hangs up."""
        return everything(self.raw(data))


@contextlib.contextmanager
def served(
    portal: BlockingPortal, data: Path, limits: Limits, actions: Sequence[Action] = TABLE
) -> Iterator[Served]:
    """A server for the length of a block."""
    listener = bind("127.0.0.1", 0)
    port = listener.getsockname()[1]
    listening = threading.Event()
    with make_rig(portal, data, limits=limits) as rig:
        app = make_app(rig.kick, actions, limits=limits)
        server = make_server(app, rig.kick, limits, drain=0.0, started=listening.set)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            assert listening.wait(PATIENCE)
            yield Served(rig, port, server)
        finally:
            server.give_up()
            thread.join(PATIENCE)


def everything(connection: socket.socket) -> bytes:
    """All that the other side says until it hangs up."""
    connection.settimeout(PATIENCE)
    said = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            said += piece
    connection.close()
    return bytes(said)


def answer(connection: socket.socket) -> tuple[int, dict[str, str], Any]:
    """Status, headers and document of the next answer; the connection stays open."""
    connection.settimeout(PATIENCE)
    with connection.makefile("rb") as file:
        status = int(file.readline().split()[1])
        headers: dict[str, str] = {}
        while line := file.readline().strip():
            name, _, value = line.decode().partition(": ")
            headers[name.lower()] = value
        body = file.read(int(headers.get("content-length", 0)))
    return status, headers, json.loads(body) if body else None


def problem(said: bytes) -> tuple[int, str]:
    """Status and kind of a problem that ended a connection."""
    head, _, body = said.partition(b"\r\n\r\n")
    assert b"application/problem+json" in head, said
    return int(head.split()[1]), json.loads(body)["type"].removeprefix("/problems/")
