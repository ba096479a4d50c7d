"""Repositories: which there are, making one, its settings, taking it away and having it back."""

from __future__ import annotations

import shutil
from dataclasses import asdict, replace
from typing import Any

from hook.actions import Action, Ask
from hook.hook import Hook
from toolkit.errors import AbsentError, RefusedError, TakenError
from toolkit.repos.names import check_name, show
from toolkit.repos.refs import check_branch
from toolkit.serving.actions import Answer, Around, Schema
from toolkit.serving.schemas import invalid
from toolkit.spec.repo import Build, Repo

LONGEST_BRANCH = 200
PATIENCE = 10.0
"""Seconds that a repository is not deleted for the sake of a push to it."""
NAME: Schema = {
    "type": "string",
    "pattern": "^[a-z0-9][a-z0-9-]{0,62}$",
    "description": "lower-case letters, digits and -",
}
_SETTINGS: Schema = {
    "type": "object",
    "properties": {
        "branch": {"type": "string", "minLength": 1, "maxLength": LONGEST_BRANCH},
        "order": {"type": "string", "enum": ["newest", "queue"]},
    },
    "additionalProperties": False,
}
"""Nothing need be said; where nothing is, nothing is changed."""
BUILD: Schema = {
    "type": "object",
    "required": ["service", "command", "artifact", "dockerfile"],
    "properties": {
        "service": {"type": "string"},
        "command": {"type": "array", "items": {"type": "string"}},
        "artifact": {"type": "string"},
        "dockerfile": {"type": "string"},
    },
}
REPO: Schema = {
    "type": "object",
    "required": [
        "name", "url", "branch", "order", "created", "creator", "builds", "rights", "last",
    ],
    "properties": {
        "name": {"type": "string"},
        "url": {"type": "string", "description": "the remote"},
        "branch": {"type": "string", "description": "the one that is deployed"},
        "order": {"type": "string", "enum": ["newest", "queue"]},
        "created": {"type": "number", "description": "seconds since 1970"},
        "creator": {"type": "string"},
        "builds": {"type": "array", "items": BUILD},
        "rights": {"type": "array", "items": {"type": "string"}},
        "last": {"type": ["object", "null"], "description": "the newest deployment"},
    },
}  # fmt: skip
_REPOS: Schema = {
    "type": "object",
    "required": ["repos"],
    "properties": {"repos": {"type": "array", "items": REPO}},
}
_DELETED: Schema = {
    "type": "object",
    "required": ["name", "trash"],
    "properties": {
        "name": {"type": "string"},
        "trash": {"type": "string", "description": "what it is called in the trash"},
    },
}
_RESTORE: Schema = {
    "type": "object",
    "properties": {
        "trash": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "description": "what it is called in the trash; else the newest of that name",
        }
    },
    "additionalProperties": False,
}
PATH = {"repo": NAME}


def build_document(build: Build) -> dict[str, Any]:
    """A build's settings as they are answered."""
    return {
        "service": build.service,
        "command": list(build.command),
        "artifact": build.artifact,
        "dockerfile": build.dockerfile,
    }


def document(ask: Ask, repo: Repo) -> dict[str, Any]:
    """A repository as it is answered."""
    return {
        "name": repo.name,
        "url": f"{ask.server.config.url}/{repo.name}.git",
        "branch": repo.branch,
        "order": repo.order,
        "created": repo.created,
        "creator": repo.creator,
        "builds": [build_document(build) for build in repo.builds.values()],
        "rights": sorted(ask.server.rights(ask.caller, repo.name)),
        "last": _last(ask, repo),
    }


def _last(ask: Ask, repo: Repo) -> dict[str, Any] | None:
    """Its newest deployment."""
    found = ask.server.deployments.all(repo.name)
    return asdict(found[-1]) if found else None


def may(right: Any) -> Any:
    """A policy: the caller has this right to the repository of the path."""

    def policy(ask: Ask) -> None:
        ask.server.permit(ask.caller, ask.path["repo"], right)

    return policy


def _settings(repo: Repo | None) -> dict[str, Any] | None:
    return None if repo is None else {"branch": repo.branch, "order": repo.order}


def _find(ask: Ask) -> Repo | None:
    try:
        return ask.server.registry.get(ask.path["repo"])
    except AbsentError:
        return None


def _list(ask: Ask, _: Any) -> Answer:
    mine = (repo for repo in ask.server.registry.all() if ask.server.rights(ask.caller, repo.name))
    return Answer({"repos": [document(ask, repo) for repo in mine]})


def _show(ask: Ask, _: Any) -> Answer:
    return Answer(document(ask, ask.server.registry.get(ask.path["repo"])))


def _may_put(ask: Ask) -> None:
    ask.server.permit(ask.caller, ask.path["repo"], "admin")
    wrong = []
    for field, check, text in (
        ("repo", check_name, ask.path["repo"]),
        ("branch", check_branch, ask.body.get("branch", "main")),
    ):
        try:
            check(text)
        except RefusedError as exc:
            wrong.append((field, exc))
    if wrong:
        raise invalid([(f, exc.message) for f, exc in wrong], [exc.hint for _, exc in wrong])


def _put(ask: Ask, _: Any) -> Answer:
    """Make it, or change what is said of it; nothing that is there is ever overwritten."""
    hook, name, said = ask.server, ask.path["repo"], ask.body
    repo, made = hook.registry.create(
        name,
        creator=str(ask.caller),
        branch=said.get("branch", "main"),
        order=said.get("order", hook.config.order),
    )
    if not made and said:
        repo = hook.registry.change(name, lambda there: replace(there, **said))
    return Answer(document(ask, repo), 201 if made else 200)


def _may_delete(ask: Ask) -> None:
    name = ask.path["repo"]
    ask.server.allowed(ask.caller, name, "admin")
    _check_idle(ask.server, name)


def _check_idle(hook: Hook, name: str) -> None:
    busy = hook.deployments.busy(name)
    if busy is not None:
        raise RefusedError(
            f"deployment {busy} of {name} is under way",
            hint=f"toolkit repo log {name} {busy} follows it; delete the repository after it",
        )


def _delete(ask: Ask, _: Any) -> Answer:
    """To the trash, with its deployments, hooks and builds; the jobs are not touched."""
    hook, name = ask.server, ask.path["repo"]
    turns, holder = hook.gate.turns, object()
    # Not between a push's last check and its deployment's beginning.
    turns.take(name, holder, PATIENCE)
    try:
        _check_idle(hook, name)
        trash = hook.registry.delete(name)
        hook.deployments.forget(name)
    finally:
        turns.leave(name, holder)
    # Made anew whenever somebody asks; no repository of the same name has a use for them.
    shutil.rmtree(hook.parts.archives / name, ignore_errors=True)
    return Answer({"name": name, "trash": trash})


def _restore(ask: Ask, _: Any) -> Answer:
    """From the trash, as it was; the caller's right is to this name, and so to no other's."""
    registry, name, wanted = ask.server.registry, ask.path["repo"], ask.body.get("trash")
    found = [each.id for each in registry.deleted() if each.name == name]
    if wanted is None and not found:
        if _find(ask) is not None:
            raise TakenError(f"repository {name} is there, and no other of its name in the trash")
        raise AbsentError(f"no repository {name} is in the trash")
    if wanted is not None and wanted not in found:
        raise AbsentError(f"no repository {name} called {show(wanted)} is in the trash")
    return Answer(document(ask, registry.restore(wanted or found[0])))


ACTIONS: tuple[Action, ...] = (
    Action(
        name="repos.list",
        method="GET",
        path="/repos",
        summary="The repositories that the caller has any right to",
        policy=lambda _: None,
        effect=_list,
        audit="reads",
        answers={200: _REPOS},
    ),
    Action(
        name="repos.show",
        method="GET",
        path="/repos/{repo}",
        summary="One repository",
        policy=may("read"),
        effect=_show,
        audit="reads",
        answers={200: REPO},
        path_schemas=PATH,
    ),
    Action(
        name="repos.put",
        method="PUT",
        path="/repos/{repo}",
        summary="Make a repository, or change its settings; what is there stays",
        policy=_may_put,
        effect=_put,
        audit=Around(
            before=lambda ask, _: _settings(_find(ask)), after=lambda ask, _: dict(ask.body)
        ),
        answers={201: REPO, 200: REPO},
        body=_SETTINGS,
        path_schemas=PATH,
    ),
    Action(
        name="repos.delete",
        method="DELETE",
        path="/repos/{repo}",
        summary="Move a repository to the trash, with its deployments, hooks and builds",
        policy=_may_delete,
        effect=_delete,
        audit=Around(before=lambda ask, _: _settings(_find(ask)), after=lambda *_: None),
        answers={200: _DELETED},
        problems=("refused",),
        path_schemas=PATH,
    ),
    Action(
        name="repos.restore",
        method="POST",
        path="/repos/{repo}/restore",
        summary="Have a deleted repository back from the trash, with all that was kept of it",
        policy=may("admin"),
        effect=_restore,
        audit=Around(before=lambda *_: None, after=lambda ask, _: dict(ask.body)),
        answers={200: REPO},
        body=_RESTORE,
        problems=("conflict",),
        path_schemas=PATH,
    ),
)
