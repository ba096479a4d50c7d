"""A repository and a deployment: for a table, and for programs."""

from __future__ import annotations

from typing import Any

from toolkit.spec.deployment import Deployment
from toolkit.spec.repo_reports import RepoRow
from toolkit.views.when import minute

SHORT = 7
"""Hexadecimal digits of a commit, for people."""


def short(commit: str | None) -> str:
    """`4be1c02`; `-` where there is none."""
    return commit[:SHORT] if commit else "-"


def moment(at: float) -> str:
    """When something was; `-` where nobody says."""
    return minute(at) if at else "-"


def summary(found: Deployment) -> list[str]:
    """Cells of a deployment: its number, commit, state, when, who, and how it ended."""
    joint = "to" if found.kind == "rollback" else "of"
    how = found.kind if found.of is None else f"{found.kind} {joint} {found.of}"
    cells = [str(found.id), short(found.commit), found.state, moment(found.created)]
    return [*cells, found.pusher, "; ".join(part for part in (_kind(how), found.sentence) if part)]


def _kind(how: str) -> str:
    return "" if how == "push" else how


def repo_document(row: RepoRow) -> dict[str, Any]:
    """One repository."""
    repo = row.repo
    return {
        "name": repo.name,
        "url": row.url,
        "branch": repo.branch,
        "order": repo.order,
        "created": repo.created,
        "creator": repo.creator,
        "rights": list(row.rights),
        "builds": [
            {
                "service": build.service,
                "command": list(build.command),
                "artifact": build.artifact,
                "dockerfile": build.dockerfile,
            }
            for build in repo.builds.values()
        ],
        "last": None if row.last is None else deployment_document(row.last),
    }


def deployment_document(found: Deployment) -> dict[str, Any]:
    """One deployment's record; nothing in it is secret."""
    return {
        "id": found.id,
        "repo": found.repo,
        "commit": found.commit,
        "before": found.before,
        "kind": found.kind,
        "of": found.of,
        "pusher": found.pusher,
        "state": found.state,
        "sentence": found.sentence,
        "created": found.created,
        "changed": found.changed,
        "resumed_by": found.resumed_by,
        "hooks": found.hooks,
        "digest": found.digest,
    }
