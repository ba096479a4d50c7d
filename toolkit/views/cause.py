"""Why something failed: the cause, where, its evidence, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.spec.cause import Cause

COLUMN = 10


def lines(causes: Sequence[Cause], next_command: str | None = None) -> list[str]:
    """The block below a verdict: `cause`, its evidence, `advice`, then `next`."""
    result: list[str] = []
    for position, cause in enumerate(causes):
        place = cause.place()
        summary = f"{cause.summary} ({place})" if place else cause.summary
        result += _labelled("cause" if position == 0 else "then", summary)
        for evidence in cause.evidence:
            result += _labelled("", evidence)
        if cause.advice:
            result += _labelled("advice", cause.advice)
    if next_command:
        result += _labelled("next", next_command)
    return result


def _labelled(label: str, text: str) -> list[str]:
    """`  cause   text`, further lines of the text below it."""
    first, *rest = text.splitlines() or [""]
    lead = f"  {label}".ljust(COLUMN)
    return [lead + first, *(" " * COLUMN + line for line in rest)]


def document(cause: Cause) -> dict[str, Any]:
    """The cause for programs."""
    return {
        "kind": cause.kind,
        "summary": cause.summary,
        "group": cause.group,
        "task": cause.task,
        "allocation": cause.allocation,
        "node": cause.node,
        "evidence": list(cause.evidence),
        "advice": cause.advice,
        "at": cause.at,
    }
