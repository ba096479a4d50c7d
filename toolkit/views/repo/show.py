"""One repository: what it is, how it is built, what was deployed of it."""

from __future__ import annotations

from typing import Any

from toolkit.spec.repo import Build
from toolkit.spec.repo_reports import RepoShowReport
from toolkit.views.repo.parts import deployment_document, moment, repo_document, summary
from toolkit.views.text import staged, table

HEAD = ["id", "commit", "state", "when", "who", ""]


def lines(report: RepoShowReport) -> list[str]:
    """Its settings, its builds, and its newest deployments as a table."""
    row = report.row
    made = f", made by {row.repo.creator} {moment(row.repo.created)}" if row.repo.creator else ""
    turns = "the newest push wins" if row.repo.order == "newest" else "every push has its turn"
    result = staged("repo", f"{row.repo.name}{made}")
    result += staged("url", row.url)
    result += staged("branch", f"{row.repo.branch}; {turns}")
    if row.rights:
        result += staged("rights", ", ".join(row.rights))
    for build in row.repo.builds.values():
        result += staged("build", f"{build.service}: {_built(build)}")
    if report.deployments:
        result += table([HEAD, *(summary(each) for each in report.deployments)])
    else:
        result += staged("deployed", "nothing yet")
    if report.next is not None:
        result += staged("  next", report.next)
    return result


def document(report: RepoShowReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.repo-show/1",
        "environment": report.environment,
        "address": report.address,
        "repo": repo_document(report.row),
        "deployments": [deployment_document(each) for each in report.deployments],
        "next": report.next,
    }


def _built(build: Build) -> str:
    if build.dockerfile:
        return f"image of {build.dockerfile}"
    return f"{' '.join(build.command)} → {build.artifact}"
