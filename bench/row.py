"""One promise and what was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One promise and what was measured."""

    what: str
    must: str
    seen: str
    holds: bool
