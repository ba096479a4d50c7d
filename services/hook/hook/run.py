"""The process: it listens, opens what it works with, serves until a signal, and closes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

from hook.app import make_app
from hook.children import confine
from hook.children.children import Children
from hook.hook import Hook
from hook.parts import Parts
from hook.settings import Settings
from toolkit.clients.nomad import Nomad
from toolkit.identity.verify import Verifier
from toolkit.serving.lifetime import serve_until_signal, take_address
from toolkit.serving.limits import Limits
from toolkit.serving.process import fatal

UNREAD = 60.0
"""Seconds that a client may leave an answer unread: a clone over a slow line has pauses."""


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 1 when it could not, or no longer, work."""
    if why := confine.why_not(Path("/proc/self/status").read_text(), server=os.geteuid()):
        fatal(why)
        return 1
    listener = take_address(settings.address)
    if listener is None:
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
    said = config.limits
    limits = Limits(
        requests=said.requests,
        of_one_caller=max(1, said.requests // 2),
        answer_seconds=UNREAD,
    )
    parts = Parts(settings, hook, children)
    parts.closes(verifier.close)
    parts.closes(children.close)

    def leave() -> None:
        # Those who follow a deployment are told where it goes on, so that their requests end.
        threading.Thread(target=parts.leave, name="leaves", daemon=True).start()

    app = make_app(hook, archives=parts.archives, limits=limits)
    drain = settings.drain
    return serve_until_signal(listener, app, hook, parts, limits, drain=drain, leaving=leave)
