"""What became of a stack: a line a job, why it stopped, and the end in one sentence."""

from __future__ import annotations

from typing import Any

from toolkit.errors import ExitCode
from toolkit.spec.listing import OperateReport
from toolkit.spec.report import DeployReport
from toolkit.spec.stack import Serves, StackReport, StackRow
from toolkit.spec.work import WorkReport
from toolkit.views import cause as cause_view
from toolkit.views import deploy as deploy_view
from toolkit.views import event as event_view
from toolkit.views import operate as operate_view
from toolkit.views import plan as plan_view
from toolkit.views import work as work_view
from toolkit.views.text import hung, told

NEVER = "-"


def lines(report: StackReport) -> list[str]:
    """A table of the jobs, the causes of what failed, the verdict last."""
    result = [line for row in hung([_cells(row) for row in report.rows]) for line in row]
    for row in report.rows:
        if row.own_code is not ExitCode.OK and row.causes:
            result += told("why", f"{row.job} {row.verdict}")
            result += cause_view.lines(row.causes)
    for row in report.rows:
        # After why one wanted to go back, in time as well.
        if row.back_causes:
            result += told("why", f"{row.job} not taken back")
            result += cause_view.lines(row.back_causes)
    return [*result, *told(report.verdict, report.sentence), *_rest(report)]


def _rest(report: StackReport) -> list[str]:
    result = []
    for note in report.notes:
        result += told("note", note)
    return [*result, *cause_view.lines((), report.next)]


def _cells(row: StackRow) -> list[str]:
    """Job, word, and what there is to say: how it ended, what is there now."""
    said = [_without(row.job, row.sentence)]
    if row.back is not None:
        said.append(_without(row.job, row.back_sentence))
    if row.serves is not None and (row.back is not None or row.own_code is not ExitCode.OK):
        said.append(f"now: {now(row.serves)}")
    return [row.job, word(row), "; ".join(part for part in said if part)]


def word(row: StackRow) -> str:
    """What it came to at last."""
    if row.plan is not None and row.verdict is None:
        return "changes" if row.plan.changed else "unchanged"
    if row.back is not None:
        return "left" if row.back in {"held", "superseded"} and row.left else row.back
    return row.verdict or NEVER


def now(serves: Serves) -> str:
    """`1.0.0 (version 3) verified`, `absent`."""
    if serves.version is None:
        return serves.sentence if serves.word == "unknown" else serves.word
    release = f"{serves.release} " if serves.release else ""
    return f"{release}(version {serves.version}) {serves.word}"


def _without(job: str, sentence: str) -> str:
    """The sentence without the job's name, which stands in front of it already."""
    return sentence.removeprefix(f"{job} ").removeprefix(f"{job}: ").removeprefix(f"{job}, ")


def document(report: StackReport) -> dict[str, Any]:
    """The report for programs; each job with the document of its own turn."""
    return {
        "schema": "toolkit.stack/1",
        "action": report.action,
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "parallel": report.parallel,
        "atomic": report.atomic,
        "jobs": [_row(row) for row in report.rows],
        "notes": list(report.notes),
        "next": report.next,
        "events": [event_view.document(event) for event in report.events],
        "seconds": report.seconds,
        "calls": report.calls,
    }


def _row(row: StackRow) -> dict[str, Any]:
    report = row.report
    back = row.back_report
    return {
        "job": row.job,
        "needs": [{"job": need.job, "gate": need.gate} for need in row.needs],
        "verdict": row.verdict,
        "code": int(row.code),
        "sentence": row.sentence,
        "before": row.before,
        "error": None
        if row.error is None
        else {
            "message": row.error.message,
            "hint": row.error.hint,
            "code": int(row.error.code),
        },
        "plan": None if row.plan is None else plan_view.document(row.plan),
        "deploy": deploy_view.document(report) if isinstance(report, DeployReport) else None,
        "work": work_view.document(report) if isinstance(report, WorkReport) else None,
        "back": None
        if row.back is None
        else {
            "verdict": row.back,
            "sentence": row.back_sentence,
            "deploy": deploy_view.document(back) if isinstance(back, DeployReport) else None,
            "operate": operate_view.document(back) if isinstance(back, OperateReport) else None,
        },
        "serves": None
        if row.serves is None
        else {
            "release": row.serves.release,
            "version": row.serves.version,
            "word": row.serves.word,
            "sentence": row.serves.sentence,
        },
    }
