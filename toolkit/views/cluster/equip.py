"""What became of a cluster's equipment: a line a job, and why one does not run."""

from __future__ import annotations

from typing import Any

from toolkit.errors import ExitCode
from toolkit.spec.equip import Equipped, EquipReport
from toolkit.views import cause as cause_view
from toolkit.views.text import told

WORD = "equip"


def lines(report: EquipReport) -> list[str]:
    """A line a job, causes below the one that failed; no verdict: the cluster has its own."""
    result = []
    for each in report.jobs:
        result += told(WORD, f"{each.job} {each.word}: {_without(each)}")
    for row in report.stack.rows if report.stack else ():
        if row.own_code is not ExitCode.OK:
            result += cause_view.lines(row.causes)
    for left in report.left_out:
        result += told("note", f"{left.job} is left out: {left.why}")
    if not report.jobs:
        result += told("note", report.sentence)
    return result


def document(report: EquipReport) -> dict[str, Any]:
    """The same for programs; a part of what `cluster up` reports."""
    return {
        "code": int(report.code),
        "cluster": report.cluster,
        "environment": report.environment,
        "sentence": report.sentence,
        "seconds": round(report.seconds, 3),
        "jobs": [
            {
                "job": each.job,
                "word": each.word,
                "code": int(each.code),
                "sentence": each.sentence,
                "release": each.release,
                "next": each.next,
            }
            for each in report.jobs
        ],
        "left_out": [{"job": each.job, "why": each.why} for each in report.left_out],
    }


def _without(each: Equipped) -> str:
    """The sentence without the job's name, which stands in front of it already."""
    return each.sentence.removeprefix(f"{each.job} ").removeprefix(f"{each.job}: ")
