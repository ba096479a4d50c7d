"""`toolkit repo list`, `show` and `url`: what there is."""

from __future__ import annotations

from toolkit.spec.deployment import Deployment
from toolkit.spec.repo_reports import RepoListReport, RepoShowReport, RepoUrlReport
from toolkit.workflows.repo.find import connect, remote
from toolkit.workflows.repo.reading import read_deployment, read_row
from toolkit.workflows.session import Session

SHOWN = 10
"""Deployments that are shown, unless more are asked for."""


def list_repos(session: Session) -> RepoListReport:
    """The repositories that the token may read."""
    with connect(session) as server:
        address = server.endpoint.address
        rows = [read_row(raw, address) for raw in server.repos()]
        return RepoListReport(
            environment=session.target.environment,
            address=address,
            repos=tuple(sorted(rows, key=lambda row: row.repo.name)),
        )


def show_repo(session: Session, name: str, *, last: int = SHOWN) -> RepoShowReport:
    """One repository and its newest deployments; NotFoundError when there is none."""
    with connect(session, name) as server:
        address = server.endpoint.address
        row = read_row(server.repo(name), address)
        found = [read_deployment(raw) for raw in server.deployments(name, limit=last)]
        newest = sorted(found, key=lambda each: each.id, reverse=True)
        return RepoShowReport(
            environment=session.target.environment,
            address=address,
            row=row,
            deployments=tuple(newest[:last]),
            next=next_of(newest[0]) if newest else None,
        )


def next_of(found: Deployment) -> str:
    """What there is to type about the newest deployment of a repository."""
    if found.state == "needs-token":
        return f"toolkit repo resume {found.repo} {found.id}"
    return f"toolkit repo log {found.repo} {found.id}"


def url_of(session: Session, name: str) -> RepoUrlReport:
    """What git is told of a repository; the server is found, and not asked whether it has it."""
    with connect(session, name) as server:
        return RepoUrlReport(name, remote(server.endpoint.address, name))
