"""The outcome of work: the verdict and its sentence, the causes, what to type next."""

from __future__ import annotations

from typing import Any

from toolkit.spec.work import WorkInstance, WorkReport, WorkTimings
from toolkit.views import cause as cause_view
from toolkit.views import event as event_view
from toolkit.views.text import staged


def lines(report: WorkReport) -> list[str]:
    """The final block."""
    result = staged(report.verdict, report.sentence)
    for note in report.notes:
        result += staged("note", note)
    return [*result, *cause_view.lines(report.causes, report.next)]


def document(report: WorkReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.work/1",
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "job": report.job,
        "child": report.child,
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "release": report.release,
        "version": report.version,
        "evaluation": report.evaluation,
        "exit_code": report.exit_code,
        "instances": [_instance(row) for row in report.instances],
        "causes": [cause_view.document(cause) for cause in report.causes],
        "notes": list(report.notes),
        "next": report.next,
        "timings": _timings(report.timings),
        "events": [event_view.document(event) for event in report.events],
        "calls": report.calls,
    }


def _instance(row: WorkInstance) -> dict[str, Any]:
    return {
        "allocation": row.allocation,
        "group": row.group,
        "task": row.task,
        "node": row.node,
        "state": row.state,
        "exit_code": row.exit_code,
        "signal": row.signal,
        "restarts": row.restarts,
        "oom": row.oom,
        "started": row.started,
        "finished": row.finished,
        "replaced": row.replaced,
    }


def _timings(timings: WorkTimings) -> dict[str, float | None]:
    return {
        "total": timings.total,
        "plan": timings.plan,
        "submit": timings.submit,
        "work": timings.work,
    }
