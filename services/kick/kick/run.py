"""The process: it listens, opens what it works with, serves until a signal, and closes."""

from __future__ import annotations

import logging
import sys
import threading

from kick.app import make_app
from kick.kick import Kick
from kick.parts import Parts, StoppedError
from kick.settings import Settings
from toolkit.clients.nomad import Nomad
from toolkit.errors import ToolkitError
from toolkit.identity.limits import Limits as IdentityLimits
from toolkit.identity.verify import Verifier
from toolkit.serving.limits import Limits
from toolkit.serving.log import Relay
from toolkit.serving.serve import bind, make_server

SWITCH = 0.001
"""Seconds that a thread of ours keeps Python to itself while others wait: a write passes through
four threads, and Python's own 5 ms is longer than a whole write."""


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 1 when it could not, or no longer, work."""
    sys.setswitchinterval(SWITCH)
    host, port = settings.address
    try:
        listener = bind(host, port)
    except OSError as exc:
        fatal(f"cannot listen on {host} port {port}: {exc.strerror}")
        return 1
    said = settings.config.limits
    verifier = Verifier(
        lambda: Nomad(settings.nomad_now()),
        settings.config.audience,
        issuer=settings.config.issuer or None,
        limits=IdentityLimits(
            leeway=said.leeway,
            lifetime=said.lifetime,
            keys_stale=said.keys,
            alive_stale=said.alive,
        ),
    )
    kick = Kick(settings.config, verifier)
    logging.getLogger().addHandler(Relay(kick.log))
    threading.excepthook = lambda broken: kick.log.bug(broken.exc_value or SystemExit())
    limits = Limits(
        requests=said.requests,
        of_one_caller=max(1, said.requests // 2),
        writes=said.writes,
        burst=said.burst,
    )
    parts = Parts(settings, kick)
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
            kick.log.bug(exc)
            failures.append("an error of our own while starting; the line above has its place")
            server.give_up()

    opener = threading.Thread(target=open_parts, name="opener")
    server = make_server(
        make_app(kick, limits=limits), kick, limits, drain=settings.drain, started=opener.start
    )
    try:
        server.run(sockets=[listener])
    finally:
        parts.stop()
        if opener.ident is not None:
            opener.join()
        parts.close()
        verifier.close()
    for failure in failures:
        fatal(failure)
    kick.log.say("stopped", code=1 if failures else 0)
    return 1 if failures else 0


def fatal(message: str) -> None:
    """The line that a task's log ends with."""
    sys.stderr.write(f"FATAL {message}\n")
