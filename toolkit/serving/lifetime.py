"""A server from its first connection to its last: it listens, opens its parts, serves, closes."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Callable

from starlette.types import ASGIApp

from toolkit.errors import ToolkitError
from toolkit.serving.limits import Limits
from toolkit.serving.log import Relay
from toolkit.serving.parts import BaseParts, StoppedError
from toolkit.serving.process import fatal
from toolkit.serving.serve import bind, make_server
from toolkit.serving.server import Serves


def take_address(address: tuple[str, int]) -> socket.socket | None:
    """A socket that does not listen yet; None, and the task's log says why, where it cannot."""
    host, port = address
    try:
        return bind(host, port)
    except OSError as exc:
        fatal(f"cannot listen on {host} port {port}: {exc.strerror}")
        return None


def serve_until_signal(
    listener: socket.socket,
    app: ASGIApp,
    served: Serves,
    parts: BaseParts,
    limits: Limits,
    *,
    drain: float,
    leaving: Callable[[], None] = lambda: None,
) -> int:
    """Serve, and close the parts; the exit code: 1 when it could not, or no longer, work.

    `drain` in seconds; `leaving` as `make_server` has it.
    """
    logging.getLogger().addHandler(Relay(served.log))
    threading.excepthook = lambda broken: served.log.bug(broken.exc_value or SystemExit())
    failures: list[str] = []

    def open_parts() -> None:
        try:
            parts.open()
        except StoppedError:
            return
        except ToolkitError as exc:
            failures.append(exc.message if exc.hint is None else f"{exc.message} ({exc.hint})")
            server.give_up()
        except Exception as exc:  # noqa: BLE001  a thread's end is silent otherwise
            served.log.bug(exc)
            failures.append("an error of our own while starting; the line above has its place")
            server.give_up()

    opener = threading.Thread(target=open_parts, name="opener")
    server = make_server(app, served, limits, drain=drain, started=opener.start, leaving=leaving)
    try:
        server.run(sockets=[listener])
    finally:
        parts.stop()
        if opener.ident is not None:
            opener.join()
        parts.close()
    for failure in failures:
        fatal(failure)
    served.log.say("stopped", code=1 if failures else 0)
    return 1 if failures else 0
