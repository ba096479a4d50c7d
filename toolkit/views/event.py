"""One transition as one aligned line."""

from __future__ import annotations

from typing import Any

from toolkit.spec.events import Event
from toolkit.views.text import staged
from toolkit.views.verification import instance_document

WORDLESS = {"target", "step"}
"""Stages whose text speaks for itself: where we talk to, and the steps of a longer journey."""


def lines(event: Event) -> list[str]:
    """`plan      1.0.0 → 1.1.0 · …`."""
    if event.stage in WORDLESS:
        return event.text.splitlines()
    return staged(event.stage, event.text)


def document(event: Event) -> dict[str, Any]:
    """The event for programs."""
    return {
        "stage": event.stage,
        "text": event.text,
        "at": event.at,
        "instances": [instance_document(chain) for chain in event.instances],
    }
