"""Every job's mistakes, and who looked."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import ValidateReport
from toolkit.views.text import counted, staged


def lines(report: ValidateReport) -> list[str]:
    """Each mistake on its line, then the sum."""
    result: list[str] = []
    for mistake in report.mistakes:
        result += staged("mistake", str(mistake))
    for warning in report.warnings:
        result += staged("warning", warning)
    word = "invalid" if report.mistakes else "valid"
    jobs = ", ".join(report.jobs) or "no jobs"
    found = f" · {counted(len(report.mistakes), 'mistake')}" if report.mistakes else ""
    judge = (
        f"judged by {report.judge_detail}"
        if report.judge == "Nomad"
        else f"judged offline only: {report.judge_detail}"
    )
    return [*result, *staged(word, f"{jobs}{found} · {judge}")]


def document(report: ValidateReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.validate/1",
        "code": int(report.code),
        "environment": report.environment,
        "jobs": list(report.jobs),
        "judge": report.judge,
        "judge_detail": report.judge_detail,
        "mistakes": [
            {
                "where": mistake.where,
                "key": mistake.key,
                "line": mistake.line,
                "message": mistake.message,
                "hint": mistake.hint,
            }
            for mistake in report.mistakes
        ],
        "warnings": list(report.warnings),
    }
