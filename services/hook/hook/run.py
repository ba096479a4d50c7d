"""The process: it listens, opens what it works with, serves until a signal, and closes."""

from __future__ import annotations

import logging
import os
import sys
import threading
from pathlib import Path

from hook.app import make_app
from hook.children import confine
from hook.children.children import Children
from hook.hook import Hook
from hook.parts import Parts, StoppedError
from hook.settings import Settings
from toolkit.clients.nomad import Nomad
from toolkit.errors import ToolkitError
from toolkit.identity.verify import Verifier
from toolkit.serving.limits import Limits
from toolkit.serving.log import Relay
from toolkit.serving.serve import bind, make_server

UNREAD = 60.0
"""Seconds that a client may leave an answer unread: a clone over a slow line has pauses."""


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 1 when it could not, or no longer, work."""
    if why := confine.why_not(Path("/proc/self/status").read_text(), server=os.geteuid()):
        fatal(why)
        return 1
    host, port = settings.address
    try:
        listener = bind(host, port)
    except OSError as exc:
        fatal(f"cannot listen on {host} port {port}: {exc.strerror}")
        return 1
    # Before there are threads, connections and tokens that a child could have a copy of.
    children = Children()
    children.start()
    config = settings.config
    verifier = Verifier(
        lambda: Nomad(settings.nomad_now()),
        config.audience,
        issuer=config.issuer or None,
        basic=True,
    )
    hook = Hook(config, verifier)
    logging.getLogger().addHandler(Relay(hook.log))
    threading.excepthook = lambda broken: hook.log.bug(broken.exc_value or SystemExit())
    said = config.limits
    limits = Limits(
        requests=said.requests,
        of_one_caller=max(1, said.requests // 2),
        answer_seconds=UNREAD,
    )
    parts = Parts(settings, hook, children)
    failures: list[str] = []

    def open_parts() -> None:
        try:
            parts.open()
        except StoppedError:
            return
        except ToolkitError as exc:
            failures.append(exc.message if exc.hint is None else f"{exc.message} ({exc.hint})")
            server.give_up()
        except OSError as exc:
            failures.append(f"{settings.data} cannot be used: {exc.strerror}")
            server.give_up()
        except Exception as exc:  # noqa: BLE001  a thread's end is silent otherwise
            hook.log.bug(exc)
            failures.append("an error of our own while starting; the line above has its place")
            server.give_up()

    def leave() -> None:
        # Those who follow a deployment are told where it goes on, so that their requests end.
        threading.Thread(target=parts.leave, name="leaves", daemon=True).start()

    opener = threading.Thread(target=open_parts, name="opener")
    server = make_server(
        make_app(hook, archives=parts.archives, limits=limits),
        hook,
        limits,
        drain=settings.drain,
        started=opener.start,
        leaving=leave,
    )
    try:
        server.run(sockets=[listener])
    finally:
        parts.stop()
        if opener.ident is not None:
            opener.join()
        parts.close()
        children.close()
        verifier.close()
    for failure in failures:
        fatal(failure)
    hook.log.say("stopped", code=1 if failures else 0)
    return 1 if failures else 0


def fatal(message: str) -> None:
    """The line that a task's log ends with."""
    sys.stderr.write(f"FATAL {message}\n")
