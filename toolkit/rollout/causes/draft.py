"""What the judges of single kinds hand to `classify`, which adds the place and the time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Draft:
    """A cause without its place."""

    kind: str
    summary: str
    evidence: tuple[str, ...] = ()
    advice: str | None = None
    task: str | None = None
    """Another task than the one whose event was first."""
