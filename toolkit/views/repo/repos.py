"""The repositories, a line each."""

from __future__ import annotations

from typing import Any

from toolkit.spec.repo_reports import RepoListReport, RepoRow
from toolkit.views.repo.parts import repo_document, short
from toolkit.views.text import table

HEAD = ["name", "branch", "last", "commit", "state", "url"]


def lines(report: RepoListReport) -> list[str]:
    """A table; one that is empty says so."""
    if not report.repos:
        return [f"no repositories that this token may see, at {report.address}"]
    return table([HEAD, *(_cells(row) for row in report.repos)])


def document(report: RepoListReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.repo-list/1",
        "environment": report.environment,
        "address": report.address,
        "repos": [repo_document(row) for row in report.repos],
    }


def _cells(row: RepoRow) -> list[str]:
    last = row.last
    newest = [str(last.id), short(last.commit), last.state] if last else ["-", "-", "-"]
    return [row.repo.name, row.repo.branch, *newest, row.url]
