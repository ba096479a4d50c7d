"""What git is told of a repository, and nothing else."""

from __future__ import annotations

from typing import Any

from toolkit.spec.repo_reports import RepoUrlReport


def lines(report: RepoUrlReport) -> list[str]:
    """For `git remote add hook $(toolkit repo url shop)`."""
    return [report.url]


def document(report: RepoUrlReport) -> dict[str, Any]:
    """The report for programs."""
    return {"schema": "toolkit.repo-url/1", "repo": report.repo, "url": report.url}
