"""One transition as one aligned line."""

from __future__ import annotations

from typing import Any

from toolkit.spec.events import Event
from toolkit.views.text import WIDTH, staged
from toolkit.views.verification import instance_document

WORDLESS = {"target", "step"}
"""Stages whose text speaks for itself: where we talk to, and the steps of a longer journey."""


def lines(event: Event, width: int = 0) -> list[str]:
    """`plan      1.0.0 → 1.1.0 · …`; where several jobs roll, each line says whose it is first.

    `width`: columns of the longest name of a job so far.
    """
    said = event.text.splitlines()
    if event.stage not in WORDLESS:
        said = staged(event.stage, event.text)
    if not event.job:
        return said
    return [f"{event.job:<{max(width, WIDTH - 2)}}  {line}" for line in said]


def document(event: Event) -> dict[str, Any]:
    """The event for programs."""
    return {
        "stage": event.stage,
        "text": event.text,
        "at": event.at,
        "instances": [instance_document(chain) for chain in event.instances],
    }
