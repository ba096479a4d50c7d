"""The outcome of one operation on a running job."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import OperateReport
from toolkit.views import cause as cause_view
from toolkit.views import event as event_view
from toolkit.views import verification as verification_view
from toolkit.views.text import staged


def lines(report: OperateReport) -> list[str]:
    """The final block."""
    result = staged(report.verdict, report.sentence)
    for note in report.notes:
        result += staged("note", note)
    return [*result, *cause_view.lines((), report.next)]


def document(report: OperateReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.operate/1",
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "action": report.action,
        "job": report.job,
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "release": report.release,
        "deployment": report.deployment,
        "verification": None
        if report.verification is None
        else verification_view.document(report.verification),
        "notes": list(report.notes),
        "next": report.next,
        "events": [event_view.document(event) for event in report.events],
        "seconds": report.seconds,
    }
