"""What became of a cluster: its stack, what failed first, its equipment, what to type."""

from __future__ import annotations

from typing import Any

from toolkit.spec.cluster_apply import ClusterUpReport
from toolkit.views.cluster import applied
from toolkit.views.cluster import equip as equip_view
from toolkit.views.text import told

MOST = 5
"""Failures that are shown; what follows from the first ones is in the document."""


def lines(report: ClusterUpReport) -> list[str]:
    """What failed, equipment, notes, then the word and its sentence.

    Changes and findings were told while they were found.
    """
    stack = report.stack or "no stack"
    result = [f"{report.name} · {report.region} · account {report.account} · {stack}"]
    if report.word == "refused":
        result += applied.finding_lines(report.findings)
    for position, row in enumerate(report.failures[:MOST]):
        said = f"{row.logical} ({row.kind}): {row.reason or row.status}"
        result += told("cause" if position == 0 else "then", said)
    if report.equipment is not None:
        result += equip_view.lines(report.equipment)
    for note in report.notes:
        result += told("note", note)
    result += told(report.word, report.sentence)
    if report.next:
        result += told("next", "\n".join(report.next))
    return result


def document(report: ClusterUpReport) -> dict[str, Any]:
    """The report for programs; no secret has more than its name in it."""
    equipment = report.equipment
    return {
        "schema": "toolkit.cluster-up/1",
        "name": report.name,
        "region": report.region,
        "account": report.account,
        "stack": report.stack,
        "word": report.word,
        "code": int(report.code),
        "sentence": report.sentence,
        "changes": applied.changes(report.changes),
        "findings": applied.findings(report.findings),
        "failures": applied.failures(report.failures),
        "waits_for": list(report.waits_for),
        "secrets": list(report.made),
        "earlier": applied.earlier(report.earlier),
        "equipment": None if equipment is None else equip_view.document(equipment),
        "notes": list(report.notes),
        "next": list(report.next),
        "seconds": round(report.seconds, 3),
    }
