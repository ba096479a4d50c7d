"""The process: it listens, opens what it works with, serves until a signal, and closes."""

from __future__ import annotations

import sys

from kick.app import make_app
from kick.kick import Kick
from kick.parts import Parts
from kick.settings import Settings
from toolkit.clients.nomad import Nomad
from toolkit.identity.limits import Limits as IdentityLimits
from toolkit.identity.verify import Verifier
from toolkit.serving.lifetime import serve_until_signal, take_address
from toolkit.serving.limits import Limits

SWITCH = 0.001
"""Seconds that a thread of ours keeps Python to itself while others wait: a write passes through
four threads, and Python's own 5 ms is longer than a whole write."""


def run(settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT; the exit code: 1 when it could not, or no longer, work."""
    sys.setswitchinterval(SWITCH)
    listener = take_address(settings.address)
    if listener is None:
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
    limits = Limits(
        requests=said.requests,
        of_one_caller=max(1, said.requests // 2),
        writes=said.writes,
        burst=said.burst,
    )
    parts = Parts(settings, kick)
    parts.closes(verifier.close)
    app = make_app(kick, limits=limits)
    return serve_until_signal(listener, app, kick, parts, limits, drain=settings.drain)
