"""`toolkit repo create`: a repository on the server, and a work tree that can push to it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from toolkit.clients.hook import HookServer
from toolkit.config.settings import Settings
from toolkit.errors import NotFoundError
from toolkit.spec.repo import Order
from toolkit.spec.repo_reports import RepoCreateReport, RepoRow, RepoVerdict
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.repo.find import connect
from toolkit.workflows.repo.reading import read_row
from toolkit.workflows.repo.worktree import configure, remote_of
from toolkit.workflows.session import Session

REMOTE = "hook"
"""What the remote is called in what we say."""


def create_repo(
    session: Session,
    name: str,
    *,
    branch: str | None = None,
    order: Order | None = None,
    folder: Path | None = None,
    flags: Mapping[str, object] | None = None,
    confirm: Confirm = unanswered,
) -> RepoCreateReport:
    """Let a repository be there, whether it was or not; nothing in one that was is touched.

    `branch`, `order`: changed only where they are said. `folder`: where the command was typed; the
    work tree around it is told how to get at the server. `flags`: what the command line said of
    where that is.
    """
    ask(session.target, confirm, f"create repository {name}")
    said: dict[str, Any] = {"branch": branch, "order": order}
    with connect(session, name) as server:
        before = _before(server, name) if branch or order else None
        reply = server.put_repo(name, {k: v for k, v in said.items() if v is not None})
        row = read_row(reply.body, server.endpoint.address)
        endpoint = server.endpoint
    tree = None if folder is None else configure(folder, session.settings, endpoint, flags or {})
    verdict: RepoVerdict = "unchanged"
    if reply.status == 201:
        verdict = "created"
    elif before is not None and before != (row.repo.branch, row.repo.order):
        verdict = "changed"
    words = {"created": "is there", "changed": "is as you say", "unchanged": "was there already"}
    return RepoCreateReport(
        verdict=verdict,
        sentence=f"{name} {words[verdict]}; a push to {row.repo.branch} deploys",
        environment=session.target.environment,
        address=endpoint.address,
        row=row,
        work_tree=tree,
        notes=() if tree else (_elsewhere(endpoint.address),),
        next=_next(row, folder, session.settings) if tree else None,
    )


def _before(server: HookServer, name: str) -> tuple[str, str] | None:
    """Branch and order of a repository that is there."""
    try:
        repo = read_row(server.repo(name), server.endpoint.address).repo
    except NotFoundError:
        return None
    return repo.branch, repo.order


def _next(row: RepoRow, folder: Path | None, settings: Settings) -> str:
    """To push, to the remote that is there or is made first."""
    known = None if folder is None else remote_of(folder, settings, row.url)
    push = f"git push {known or REMOTE} {row.repo.branch}"
    return push if known else f"git remote add {REMOTE} {row.url} && {push}"


def _elsewhere(address: str) -> str:
    return (
        "git was told nothing: this folder is in no work tree; say it again in one that is to push"
        f" to {address}"
    )
