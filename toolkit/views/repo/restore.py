"""A repository that came back from the trash."""

from __future__ import annotations

from typing import Any

from toolkit.spec.repo_reports import RepoRestoreReport
from toolkit.views.repo.parts import repo_document
from toolkit.views.text import staged


def lines(report: RepoRestoreReport) -> list[str]:
    """The end in one sentence, and what to look at."""
    result = staged(report.verdict, report.sentence)
    if report.next is not None:
        result += staged("  next", report.next)
    return result


def document(report: RepoRestoreReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.repo-restore/1",
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "environment": report.environment,
        "address": report.address,
        "repo": repo_document(report.row),
        "next": report.next,
    }
