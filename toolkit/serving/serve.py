"""Serving until a signal: what was accepted is finished, and new changes are refused meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Iterator

import uvicorn
from starlette.types import ASGIApp

from toolkit.serving.limits import Limits
from toolkit.serving.limits_wire import BoundedProtocol
from toolkit.serving.server import Serves


class Server(uvicorn.Server):
    """uvicorn with our limits, our talk, and exit code 0 after a signal."""

    def __init__(
        self,
        config: uvicorn.Config,
        served: Serves,
        *,
        drain: float,
        started: Callable[[], None],
        leaving: Callable[[], None],
    ):
        super().__init__(config)
        self._served = served
        self._drain = drain
        self._started = started
        self._leaving = leaving
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, then say where: with port 0 nobody else knows."""
        self._loop = asyncio.get_running_loop()
        await super().startup(sockets=sockets)
        for listener in sockets or []:
            host, port = listener.getsockname()[:2]
            self._served.log.say("listens", host=host, port=port)
        self._started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop gracefully on a signal; uvicorn's own would end the process by the same signal."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals are the main thread's: whoever runs us elsewhere calls `give_up`
            return
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._stop, loop, number)
        yield

    def give_up(self) -> None:
        """Stop at once; from any thread, also when it has stopped."""
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                self._loop.call_soon_threadsafe(self._leave)

    def _stop(self, loop: asyncio.AbstractEventLoop, number: signal.Signals) -> None:
        # A second signal means now: it ends the drain, never the requests in flight.
        delay = 0.0 if self._served.draining else self._drain
        self._served.draining = True
        self._served.log.say("stops", signal=number.name)
        loop.call_later(delay, self._leave)

    def _leave(self) -> None:
        self._served.draining = True
        if not self.should_exit:
            self.should_exit = True
            self._leaving()


def make_server(
    app: ASGIApp,
    served: Serves,
    limits: Limits,
    *,
    drain: float,
    started: Callable[[], None],
    leaving: Callable[[], None] = lambda: None,
) -> Server:
    """The server of an application; `drain` in seconds, `started` is called once it listens.

    `leaving` is called when it listens no longer, on the loop's thread: it must not block.
    """
    protocol = type("Protocol", (BoundedProtocol,), {"limits": limits})
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=limits.header_bytes,
        timeout_keep_alive=limits.idle_seconds,
        timeout_graceful_shutdown=limits.last_requests,
    )
    return Server(config, served, drain=drain, started=started, leaving=leaving)


def bind(host: str, port: int) -> socket.socket:
    """A socket that does not listen yet; OSError."""
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
