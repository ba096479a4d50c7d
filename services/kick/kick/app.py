"""The ASGI application: a table of actions behind limits, identity, schemas and policy."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.applications import Starlette

from kick.actions import Action
from kick.kick import Kick
from kick.table import TABLE


def make_app(kick: Kick, actions: Sequence[Action] = TABLE) -> Starlette:
    """The application over `kick`; `actions` is the whole table."""
    del kick, actions
    return Starlette()
