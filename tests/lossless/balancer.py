"""A balancer in front of several edges, as a target group is: it asks `/ping` and nothing else.

It keeps connections to its targets, tries no request twice, and sends none to a target that two
checks in a row have found ill. One that is back has to be well for three seconds: Traefik answers
`/ping` before it has asked Consul for its routes. With nothing healthy it asks everybody, as a
target group does.
"""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count

from bench.load import hung_up

INTERVAL = 0.5
"""Seconds between two checks: a tenth of what a target group allows at least."""
ILL, WELL = 2, 6
"""Checks in a row that change its mind."""
PATIENCE = 30.0
_HOP = {"connection", "keep-alive", "transfer-encoding", "server", "date"}


@dataclass
class Target:
    """One edge: where requests go, and where it is asked how it is."""

    place: tuple[str, int]
    ping: tuple[str, int]
    healthy: bool = False
    streak: int = 0
    changes: list[bool] = field(default_factory=list)
    """What it was found to be, one after the other."""

    def learn(self, well: bool) -> None:
        """One more check."""
        self.streak = self.streak + 1 if well != self.healthy else 0
        if self.streak >= (WELL if well else ILL):
            self.healthy, self.streak = well, 0
            self.changes.append(well)


class Balancer:
    """Requests in turn to every target that is well."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self.targets = targets
        self._turn = count()
        self._over = threading.Event()

    def choose(self) -> Target:
        """The next one."""
        well = [target for target in self.targets if target.healthy] or list(self.targets)
        return well[next(self._turn) % len(well)]

    def watch(self, target: Target) -> None:
        """Check one target until the end."""
        while not self._over.wait(INTERVAL):
            target.learn(_pings(target.ping))

    def end(self) -> None:
        self._over.set()


def _pings(place: tuple[str, int]) -> bool:
    connection = http.client.HTTPConnection(*place, timeout=5)
    try:
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    """One caller's connection, with a kept connection to each target."""

    protocol_version = "HTTP/1.1"
    balancer: Balancer

    def setup(self) -> None:
        super().setup()
        self.kept: dict[tuple[str, int], http.client.HTTPConnection] = {}

    def finish(self) -> None:
        for connection in self.kept.values():
            connection.close()
        super().finish()

    def do_GET(self) -> None:
        target = self.balancer.choose()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)) or None
        for place in list(self.kept):
            ill = not all(each.healthy for each in self.balancer.targets if each.place == place)
            if ill or hung_up(self.kept[place]):
                self.kept.pop(place).close()
        connection = self.kept.setdefault(
            target.place, http.client.HTTPConnection(*target.place, timeout=PATIENCE)
        )
        try:
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.kept.pop(target.place).close()
            self.send_error(502, f"{type(error).__name__} from {target.place}")
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in {*_HOP, "content-length"}:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_POST = do_GET  # noqa: N815  the base class names them

    def log_message(self, *_said: object) -> None:
        """Nobody reads it."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128


@contextmanager
def balancer(targets: Sequence[Target]) -> Iterator[str]:
    """The address of a running balancer."""
    running = Balancer(targets)
    handler = type("Bound", (Handler,), {"balancer": running})
    server = _Server(("127.0.0.1", 0), handler)
    threads = [threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})]
    threads += [threading.Thread(target=running.watch, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        running.end()
        server.shutdown()
        for thread in threads:
            thread.join()
        server.server_close()
