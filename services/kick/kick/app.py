"""The ASGI application of the kick server: its table, served as every server's is."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from starlette.applications import Starlette

from kick.actions import Action
from kick.kick import Kick
from kick.table import TABLE
from toolkit.serving import app
from toolkit.serving.limits import Limits


def make_app(
    kick: Kick,
    actions: Sequence[Action] = TABLE,
    *,
    limits: Limits | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The application over `kick`; `actions` is the whole table."""
    return app.make_app(kick, actions, limits=limits, clock=clock)
