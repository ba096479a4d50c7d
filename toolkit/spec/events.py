"""Progress, said once per change; the command line prints it, tests collect it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from toolkit.spec.chain import InstanceChain

Stage = Literal[
    "target", "build", "push", "start", "note", "lint", "plan", "submit", "place", "canary", "gate",
    "analyse", "probe", "old", "fail", "revert", "verify", "hold", "step", "stack",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One transition, at a stage, as one line; without a text only the instances changed."""

    stage: Stage
    text: str
    at: float
    """Seconds since the epoch."""
    instances: tuple[InstanceChain, ...] = ()
    """The instances as they now stand, for a live table."""
    job: str = ""
    """Whose it is, where several jobs roll at the same time."""


OnEvent = Callable[[Event], None]
"""Called on change only, from the thread that called the workflow."""


def ignore(_event: Event) -> None:
    """An `OnEvent` for callers that want only the report."""
