"""Serving until a signal, and ending without losing a request.

The backend and the frontend each carry this file, word for word (a test compares the two): they
are installed apart from each other, and a package shared by two demonstrations explains less.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

KEEP_ALIVE = 75
"""Seconds that an idle connection is kept. Longer than any client of ours keeps one (Traefik: 3 s),
so that the client is the one that hangs up and no request meets a connection being closed."""
LAST_REQUESTS = 20
"""Seconds that requests in flight get after a signal; Nomad's `kill_timeout` must be longer."""


class Readiness:
    """Whether new requests are wanted: not while starting, not once a signal came."""

    def __init__(self, *, slow_start: float, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._ready_at = clock() + slow_start
        self.draining = False

    def refusal(self) -> str:
        """`starting`, `draining`, or nothing when requests are welcome."""
        if self.draining:
            return "draining"
        return "starting" if self._clock() < self._ready_at else ""


class Server(uvicorn.Server):
    """uvicorn, with our readiness, our two lines of talk, and exit code 0 after a signal."""

    def __init__(self, config: uvicorn.Config, readiness: Readiness, *, title: str, drain: float):
        super().__init__(config)
        self._readiness = readiness
        self._title = title
        self._drain = drain

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then say where: with port 0 nobody else knows."""
        await super().startup(sockets=sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            _say(f"{self._title} listens on {f'[{host}]' if ':' in host else host}:{port}")

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop gracefully on a signal; uvicorn's own would end the process by the same signal."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, loop, number)
        yield

    def _stop(self, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
        # A second signal means now: it ends the drain, never the requests in flight.
        delay = 0.0 if self._readiness.draining else self._drain
        self._readiness.draining = True
        _say(f"{self._title} stops on {number.name}")
        loop.call_later(delay, self._leave)

    def _leave(self) -> None:
        self.should_exit = True


def serve(
    app: ASGIApp,
    readiness: Readiness,
    *,
    name: str,
    release: str,
    address: tuple[str, int],
    drain: float,
) -> int:
    """Serve on `address` until SIGTERM or SIGINT and return the exit code of the process.

    `drain` is in seconds. Requests in flight are answered; idle connections are closed.
    """
    try:
        listener = _bind(*address)
    except OSError as exc:
        sys.stderr.write(f"FATAL cannot listen on {address[0]} port {address[1]}: {exc.strerror}\n")
        return 1
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        headers=[("X-Release", release)],
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=LAST_REQUESTS,
    )
    Server(config, readiness, title=f"{name} {release}", drain=drain).run(sockets=[listener])
    return 0


def _bind(host: str, port: int) -> socket.socket:
    """A socket that does not listen yet: until the application is there, callers are refused."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, place = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(place)
    except OSError:
        listener.close()
        raise
    return listener


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
