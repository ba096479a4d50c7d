"""A loopback server that answers what a test tells it to and remembers what it was asked."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    """Path and query, as sent."""
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path as sent, still quoted."""
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        """The query's values, the last one of each name."""
        return {name: values[-1] for name, values in parse_qs(urlsplit(self.target).query).items()}


@dataclass(frozen=True)
class Reply:
    """What to answer."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    promised: int | None = None
    """Content-Length to claim; more than the body has: the answer is cut short."""
    hold: bool = False
    """Never answer."""


class Scripted:
    """`with Scripted(Reply(...)) as server:` or with a function from request to reply."""

    def __init__(self, script: Reply | Callable[[Asked], Reply]) -> None:
        self._script = script
        self.asked: list[Asked] = []
        self.connections = 0
        self.closing = threading.Event()

    def __enter__(self) -> Self:
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # A kept-alive connection whose client has not left yet must not hold up the end.
            timeout = 5
            # Head and body are two writes: the second would wait for the first one's receipt.
            disable_nagle_algorithm = True

            def setup(self) -> None:
                owner.connections += 1
                super().setup()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

            def serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                asked = Asked(self.command, self.path, self.headers, body)  # type: ignore[arg-type]
                owner.asked.append(asked)
                owner._answer(self, asked)

            do_GET = do_POST = do_PUT = do_DELETE = serve  # noqa: N815

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="scripted", daemon=True
        )
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def address(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def _answer(self, handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        reply = self._script if isinstance(self._script, Reply) else self._script(asked)
        if reply.hold:
            self.closing.wait()
            handler.close_connection = True
            return
        handler.send_response_only(reply.status)
        for name, value in reply.headers.items():
            handler.send_header(name, value)
        if reply.promised is not None:
            handler.close_connection = True
        length = len(reply.body) if reply.promised is None else reply.promised
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        with suppress(OSError):
            handler.wfile.write(reply.body)
