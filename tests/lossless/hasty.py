"""A service that hangs up on connections that were idle for KEEP seconds, and has no luck.

Every server closes idle connections one day. A request that is under way just then meets a closed
connection, and nobody can tell whether it was taken: an edge does not send a POST again. Here that
moment is as long as a slow network makes it: a request on a connection that was idle for longer
gets no answer. What protects is an edge that hangs up first.
"""

from __future__ import annotations

import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEEP = float(os.environ.get("KEEP", "75"))
RELEASE = os.environ.get("RELEASE", "")


class Handler(BaseHTTPRequestHandler):
    """JSON for whoever comes in time."""

    protocol_version = "HTTP/1.1"
    answered: float | None = None

    def parse_request(self) -> bool:
        late = self.answered is not None and time.monotonic() - self.answered > KEEP
        if late or not super().parse_request():
            self.close_connection = True
            return False
        return True

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(200)
        self.send_header("X-Release", RELEASE)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")
        self.answered = time.monotonic()

    do_POST = do_GET  # noqa: N815  the base class names them

    def log_message(self, *_said: object) -> None:
        """Nobody reads it."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


if __name__ == "__main__":
    place = (os.environ["NOMAD_IP_http"], int(os.environ["NOMAD_PORT_http"]))  # noqa: SIM112
    Server(place, Handler).serve_forever()
