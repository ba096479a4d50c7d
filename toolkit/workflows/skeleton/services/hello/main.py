"""A small HTTP service from the standard library, deployed by `jobs/hello`.

`GET /` greets and `GET /health` is ready to be asked; both say their release in `X-Release`.
SIGTERM ends it gracefully: no new connections, requests in flight are answered, then it exits 0.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

RELEASE = os.environ.get("RELEASE", "dev")
GREETING = os.environ.get("GREETING", "Hello")
ALLOCATION = os.environ.get("NOMAD_ALLOC_ID", "")


class Server(ThreadingHTTPServer):
    """One thread a connection; knows which connections wait for their next request."""

    request_queue_size = 128
    daemon_threads = False
    """So that `server_close` waits for the requests in flight."""

    def __init__(self, address: tuple[str, int]):
        super().__init__(address, Handler)
        self.lock = threading.Lock()
        self.idle: set[socket.socket] = set()
        self.draining = False

    def drain(self) -> None:
        """Take no new connection, hang up on idle ones, answer what was asked."""
        with self.lock:
            self.draining = True
            for connection in self.idle:
                connection.shutdown(socket.SHUT_RD)
        self.shutdown()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: Server
    # Longer than the edge keeps an idle connection: the edge must be the one that hangs up,
    # or a request of its sometimes meets a connection that is just being closed.
    timeout = 75

    def handle_one_request(self) -> None:
        """Serve one request, idle until its first byte comes."""
        with self.server.lock:
            if self.server.draining:
                self.close_connection = True
                return
            self.server.idle.add(self.connection)
        try:
            self.rfile.peek(1)  # type: ignore[attr-defined]
        except OSError:
            self.close_connection = True
            return
        finally:
            with self.server.lock:
                self.server.idle.discard(self.connection)
        super().handle_one_request()

    def do_GET(self) -> None:
        """Answer `/` and `/health`."""
        if self.path == "/health":
            self.answer(200, {"status": "ok"})
        elif self.path == "/":
            self.answer(200, {"hello": GREETING, "release": RELEASE, "allocation": ALLOCATION})
        else:
            self.answer(404, {"error": f"nothing at {self.path}"})

    def answer(self, status: int, body: dict[str, Any]) -> None:
        """Send `body` as JSON, with the release beside it."""
        data = json.dumps(body).encode() + b"\n"
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-Release", RELEASE)
        if self.server.draining:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say each request on standard error, health checks apart."""
        if self.path != "/health":
            super().log_message(format, *args)


def main() -> None:
    """Serve until SIGTERM or Ctrl-C, on the address that Nomad chose."""
    host = os.environ.get("HOST", "127.0.0.1")
    port = int(os.environ.get("PORT", "8000"))
    server = Server((host, port))
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    # In a thread of its own, because `shutdown` waits for the loop that it ends.
    threading.Thread(target=server.serve_forever, name="accept").start()
    stop.wait()
    server.drain()
    server.server_close()


if __name__ == "__main__":
    main()
