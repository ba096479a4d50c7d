"""What the registry writes of a repository, as JSON, and how it is read again. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from toolkit.errors import UnavailableError
from toolkit.repos.refs import branch_fault
from toolkit.spec.repo import Build, Repo

_VERSION = 1


def write_entry(repo: Repo) -> bytes:
    """The file of a repository; sorted, so that the same repository is the same bytes."""
    document = {"version": _VERSION, **asdict(repo)}
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def read_entry(name: str, data: bytes) -> Repo:
    """The repository of a file of this name; UnavailableError where it is none."""
    try:
        document = json.loads(data)
        repo = _repo(document)
        if document["version"] != _VERSION:
            raise ValueError("a version that this server does not know")
        if repo.name != name:
            raise ValueError("another repository's name")
        if branch_fault(repo.branch) or repo.order not in ("newest", "queue"):
            raise ValueError("a branch or an order that cannot be")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        reason = str(error) if type(error) is ValueError else "not what was written there"
        raise UnavailableError(
            f"registry/{name}.json is damaged: {reason}", hint="put it back from a backup"
        ) from error
    return repo


def _repo(document: dict[str, Any]) -> Repo:
    builds = {
        str(service): Build(
            service=str(service),
            command=tuple(str(word) for word in build["command"]),
            artifact=str(build["artifact"]),
            dockerfile=str(build["dockerfile"]),
        )
        for service, build in document["builds"].items()
    }
    return Repo(
        name=document["name"],
        branch=document["branch"],
        order=document["order"],
        created=float(document["created"]),
        creator=str(document["creator"]),
        builds=builds,
    )
