"""What the tasks of a group need at the same time; pure.

Tasks that run before and after the main ones share their room with them: what counts is the
largest of the phases, not the sum. Reserved cores are never shared.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Need:
    """One task's."""

    cpu: int
    memory: int
    lifecycle: Mapping[str, Any] | None


def together(needs: Iterable[Need]) -> tuple[int, int]:
    """MHz and MiB that the tasks need at most at one time."""
    before, main, after = [0, 0], [0, 0], [0, 0]
    for need in needs:
        for phase in _phases(need.lifecycle, before, main, after):
            phase[0] += need.cpu
            phase[1] += need.memory
    cpu, memory = (max(values) for values in zip(before, main, after, strict=True))
    return cpu, memory


def _phases(
    lifecycle: Mapping[str, Any] | None, before: list[int], main: list[int], after: list[int]
) -> tuple[list[int], ...]:
    if lifecycle is None:
        return (main,)
    match lifecycle.get("Hook"):
        case "prestart":
            return (before, main) if lifecycle.get("Sidecar") else (before,)
        case "poststart":
            return (main,)
        case "poststop":
            return (after,)
        case _:
            return ()
