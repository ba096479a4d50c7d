"""What `plan` and `up` have in common: changes of a stack, findings, machines of earlier days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from toolkit.spec.cluster_apply import ChangeRow, EarlierRow, FailureRow
from toolkit.spec.preflight import Finding
from toolkit.views.text import counted, told

_KINDS = {"stops": "stops", "warns": "warning", "unchecked": "unseen"}


def change_lines(rows: Sequence[ChangeRow]) -> list[str]:
    """A line for each resource that was there, and one in all for those that are made."""
    result = []
    for row in rows:
        if row.word == "make":
            continue
        result += told(row.word, change_said(row))
        if row.warning:
            result += told("warning", row.warning)
    made = [row for row in rows if row.word == "make"]
    if made:
        kinds = Counter(row.kind for row in made)
        said = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
        result += told("make", f"{counted(len(made), 'resource')}: {said}")
    return result


def change_said(row: ChangeRow) -> str:
    """`ServerLt1 (EC2::LaunchTemplate): LaunchTemplateData changes`."""
    why = f": {'; '.join(row.reasons)}" if row.reasons else ""
    return f"{row.logical} ({row.kind}){why}"


def finding_lines(findings: Iterable[Finding]) -> list[str]:
    """Place, what was found, what to do."""
    return [line for each in findings for line in told(_KINDS[each.kind], str(each))]


def changes(rows: Iterable[ChangeRow]) -> list[dict[str, Any]]:
    """The changes for programs."""
    return [
        {
            "word": row.word,
            "logical": row.logical,
            "kind": row.kind,
            "physical": row.physical or None,
            "reasons": list(row.reasons),
            "warning": row.warning or None,
        }
        for row in rows
    ]


def findings(found: Iterable[Finding]) -> list[dict[str, Any]]:
    """The findings for programs."""
    return [
        {
            "kind": each.kind,
            "about": each.about,
            "message": each.message,
            "hint": each.hint,
            "where": each.where or None,
            "key": each.key,
            "line": each.line,
        }
        for each in found
    ]


def failures(rows: Iterable[FailureRow]) -> list[dict[str, Any]]:
    """What failed, for programs."""
    return [
        {"logical": row.logical, "kind": row.kind, "status": row.status, "reason": row.reason}
        for row in rows
    ]


def earlier(rows: Iterable[EarlierRow]) -> list[dict[str, Any]]:
    """Machines of an earlier configuration, for programs."""
    return [{"instance": row.instance, "name": row.name} for row in rows]
