"""What git clients send, by hand: for what no client would send, or only in part."""

from __future__ import annotations

import base64
import contextlib
import socket
from collections.abc import Iterable
from pathlib import Path

from tests.services.hook.git_server import ALICE, GitServer, Work
from tests.services.running import PATIENCE

PUSH, FETCH = "git-receive-pack", "git-upload-pack"
ZERO = "0" * 40


def pkt(text: str | bytes) -> bytes:
    data = text.encode() if isinstance(text, str) else text
    return b"%04x%b" % (len(data) + 4, data)


def commands(lines: Iterable[str], says: str = "report-status side-band-64k") -> bytes:
    """Ref lines, and what the client can."""
    found = [pkt(line + (f"\0 {says}" if not number else "")) for number, line in enumerate(lines)]
    return b"".join(found) + b"0000"


def push_of(work: Work, branch: str = "main", old: str = ZERO) -> bytes:
    """The body of a push of all that there is."""
    head = work.head()
    packed = work.raw("pack-objects", "--revs", "--stdout", "-q", stdin=f"{head}\n".encode())
    return commands([f"{old} {head} refs/heads/{branch}"]) + packed


def head_of(
    service: str, *, length: int | None = None, repo: str = "shop", who: str = ALICE, **more: str
) -> bytes:
    """A request up to its body; without a length it is chunked."""
    token = base64.b64encode(f"x:{who}".encode()).decode()
    lines = [
        f"POST /{repo}.git/{service} HTTP/1.1",
        "Host: hook",
        "Connection: close",
        f"Authorization: Basic {token}",
        f"Content-Type: application/x-{service}-request",
        "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in more.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def connect(server: GitServer, data: bytes = b"") -> socket.socket:
    """A connection that has said this."""
    connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    connection.sendall(data)
    return connection


def hear(connection: socket.socket) -> bytes:
    """All that is answered until the other side hangs up."""
    said = bytearray()
    with connection, contextlib.suppress(ConnectionError):
        while piece := connection.recv(65536):
            said += piece
    return bytes(said)


def hear_until(connection: socket.socket, what: bytes) -> None:
    """Wait for words; the connection stays open."""
    said = b""
    while what not in said:
        piece = connection.recv(65536)
        assert piece, said
        said += piece


def quarantined(bare: Path) -> list[str]:
    """What unfinished pushes have left."""
    return [
        each.name for each in (bare / "objects").iterdir() if each.name not in ("info", "pack")
    ] + [each.name for each in (bare / "objects/pack").glob("*tmp*")]
