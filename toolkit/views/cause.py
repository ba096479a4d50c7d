"""Why something failed: the cause, where, its evidence, what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from toolkit.spec.cause import Cause
from toolkit.views.text import SCREEN, folded

COLUMN = 10


def lines(causes: Sequence[Cause], next_command: str | None = None) -> list[str]:
    """The block below a verdict: `cause`, its place and evidence, `advice`, then `next`."""
    result: list[str] = []
    for position, cause in enumerate(causes):
        result += labelled("cause" if position == 0 else "then", cause.summary)
        if place := cause.place():
            result += labelled("", place)
        for evidence in cause.evidence:
            if not _is_said(evidence, cause.summary):
                result += labelled("", evidence)
        if cause.advice:
            result += labelled("advice", cause.advice)
    if next_command:
        result += labelled("next", next_command)
    return result


def _is_said(evidence: str, summary: str) -> bool:
    """True of an event or a check that the summary quotes; programs get it all the same."""
    source, _, text = evidence.partition(": ")
    return source in {"check", "event"} and text in summary


def labelled(label: str, text: str, indent: int = 0) -> list[str]:
    """`  cause   text`, what does not fit on its line below it; no word is cut.

    `indent`: columns that lines after the first are moved to the right, and kept free on it.
    """
    broken = folded(text, SCREEN - COLUMN - indent)
    lead = f"  {label} ".ljust(COLUMN)
    deeper = " " * (COLUMN + indent)
    return [(lead + broken[0]).rstrip(), *(deeper + line for line in broken[1:])]


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
        "count": cause.count,
    }
