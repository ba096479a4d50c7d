"""The keys of a job's secrets; never a value."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import SecretReport
from toolkit.views.text import staged


def lines(report: SecretReport) -> list[str]:
    """What was done, then the keys that are set, missing and unused."""
    result: list[str] = []
    if report.action != "listed":
        result += staged(report.action, f"{report.key} of {report.job} in {report.path}")
    for word, keys in (
        ("set", report.keys if report.action == "listed" else ()),
        ("missing", report.missing),
        ("unused", report.unused),
    ):
        for key in keys:
            result += staged(word, key)
    if report.action == "listed" and not report.keys:
        result += staged("none", f"no secret of {report.job} is set in {report.path}")
    for note in report.notes:
        result += staged("note", note)
    return result


def document(report: SecretReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.secret/1",
        "environment": report.environment,
        "job": report.job,
        "path": report.path,
        "action": report.action,
        "key": report.key,
        "keys": list(report.keys),
        "missing": list(report.missing),
        "unused": list(report.unused),
        "notes": list(report.notes),
    }
