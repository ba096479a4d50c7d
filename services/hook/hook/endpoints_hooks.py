"""A repository's hooks: which versions there are, another one, another one that runs, none."""

from __future__ import annotations

import json
from typing import Any

from hook.actions import Action, Ask
from hook.endpoints_repos import PATH, may
from toolkit.errors import ConfigError, RefusedError
from toolkit.repos.bundle_files import MOST_TEXT, checked, digest_of, entries_of, from_json
from toolkit.serving.actions import Answer, Around, Schema
from toolkit.serving.problems import ProblemError
from toolkit.serving.schemas import invalid
from toolkit.spec.bundle import HookFile, HookSet, HookVersion
from toolkit.spec.repo import Repo

_TEXTS: Schema = {"type": "array", "items": {"type": "string"}}
_VERSION_OF: Schema = {
    "digest": {"type": "string", "description": "SHA-256 over paths, modes and contents"},
    "at": {"type": "number", "description": "seconds since 1970"},
    "by": {"type": "string"},
    "hooks": _TEXTS,
    "files": {"type": "integer"},
    "size": {"type": "integer", "description": "bytes of all files"},
}
VERSION: Schema = {"type": "object", "required": [*_VERSION_OF], "properties": _VERSION_OF}
_SET_OF: Schema = {
    "repo": {"type": "string"},
    "current": {"type": ["string", "null"], "description": "the digest of what runs"},
    "off": _TEXTS,
    "active": {**_TEXTS, "description": "hooks that run on a push, in git's order"},
    "why_not": {"type": ["string", "null"], "description": "why none can run on this server"},
    "versions": {"type": "array", "items": VERSION, "description": "oldest first"},
}
SET: Schema = {"type": "object", "required": [*_SET_OF], "properties": _SET_OF}
_ENTRY: Schema = {
    "type": "object",
    "required": ["path", "size", "executable", "sha256"],
    "properties": {
        "path": {"type": "string"},
        "size": {"type": "integer"},
        "executable": {"type": "boolean"},
        "sha256": {"type": "string"},
    },
}
_SHOWN_OF: Schema = {
    **_VERSION_OF,
    "repo": {"type": "string"},
    "current": {"type": "boolean"},
    "entries": {"type": "array", "items": _ENTRY},
}
SHOWN: Schema = {"type": "object", "required": [*_SHOWN_OF], "properties": _SHOWN_OF}
_DESTROYED: Schema = {
    "type": "object",
    "required": ["repo", "trash"],
    "properties": {
        "repo": {"type": "string"},
        "trash": {"type": "string", "description": "what they are called in the trash"},
    },
}
_BACK: Schema = {
    "type": "object",
    "properties": {
        "version": {
            "type": "string",
            "pattern": "^[0-9a-f]{4,64}$",
            "description": "beginning of a digest; without it the version before",
        }
    },
    "additionalProperties": False,
}
_FILES: Schema = {
    "type": "object",
    "required": ["files"],
    "properties": {
        "files": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["path", "executable", "data"],
                "properties": {
                    "path": {"type": "string"},
                    "executable": {"type": "boolean"},
                    "data": {"type": "string", "contentEncoding": "base64"},
                },
                "additionalProperties": False,
            },
        }
    },
    "additionalProperties": False,
}
_ONE = {**PATH, "version": {"type": "string", "pattern": "^[0-9a-f]{4,64}$"}}
_HOOK = {**PATH, "hook": {"type": "string"}}


def _document(ask: Ask, found: HookSet) -> dict[str, Any]:
    return {
        "repo": found.repo,
        "current": found.current or None,
        "off": sorted(found.off),
        "active": list(found.active),
        "why_not": ask.server.parts.scripts.why_not(),
        "versions": [_version(each) for each in found.versions],
    }


def _version(each: HookVersion) -> dict[str, Any]:
    return {
        "digest": each.digest,
        "at": each.at,
        "by": each.by,
        "hooks": list(each.hooks),
        "files": each.files,
        "size": each.size,
    }


def _repo(ask: Ask) -> Repo:
    return ask.server.registry.get(ask.path["repo"])


def _state(ask: Ask, _: Any = None) -> dict[str, Any] | None:
    """What runs now, for the audit; unreadable is nothing, so that it can be destroyed."""
    try:
        found = ask.server.bundles.find(_repo(ask))
    except RefusedError:
        return None
    return None if found is None else {"current": found.current, "off": sorted(found.off)}


def _show(ask: Ask, _: Any) -> Answer:
    return Answer(_document(ask, ask.server.bundles.get(_repo(ask))))


def _show_version(ask: Ask, _: Any) -> Answer:
    bundles, repo = ask.server.bundles, _repo(ask)
    version = bundles.version(repo, ask.path.get("version"))
    entries = [
        {
            "path": each.path,
            "size": each.size,
            "executable": each.executable,
            "sha256": each.sha256,
        }
        for each in entries_of(bundles.files(repo, version.digest))
    ]
    current = version.digest == bundles.current(repo)
    said = {"repo": repo.name, "current": current, "entries": entries}
    return Answer({**_version(version), **said})


def _create(ask: Ask, _: Any) -> Answer:
    """An empty set where there is none; what is there stays as it is."""
    found, made = ask.server.bundles.create(_repo(ask))
    return Answer(_document(ask, found), 201 if made else 200)


def _may_push(ask: Ask) -> tuple[HookFile, ...]:
    ask.server.permit(ask.caller, ask.path["repo"], "admin")
    why = ask.server.parts.scripts.why_not()
    if why is not None:
        raise RefusedError(why, hint="docs/hook.md says what running scripts needs")
    try:
        return checked(from_json(json.loads(ask.body)))
    except ConfigError as exc:
        wrong = [(each.where, each.message) for each in exc.mistakes]
        raise invalid(wrong, [each.hint for each in exc.mistakes]) from None
    except (ValueError, RecursionError):
        raise ProblemError("malformed", "the body is not JSON") from None


def _push(ask: Ask, files: tuple[HookFile, ...]) -> Answer:
    found, changed = ask.server.bundles.push(_repo(ask), files, str(ask.caller))
    return Answer(_document(ask, found), 201 if changed else 200)


def _rollback(ask: Ask, _: Any) -> Answer:
    found, _changed = ask.server.bundles.rollback(_repo(ask), ask.body.get("version"))
    return Answer(_document(ask, found))


def _remove(ask: Ask, _: Any) -> Answer:
    found, _changed = ask.server.bundles.remove(_repo(ask), ask.path.get("hook"))
    return Answer(_document(ask, found))


def _destroy(ask: Ask, _: Any) -> Answer:
    return Answer({"repo": ask.path["repo"], "trash": ask.server.bundles.destroy(_repo(ask))})


def _files_after(_: Ask, files: tuple[HookFile, ...]) -> dict[str, Any]:
    return {"current": digest_of(files), "off": []}


ACTIONS: tuple[Action, ...] = (
    Action(
        name="hooks.show",
        method="GET",
        path="/repos/{repo}/hooks",
        summary="The versions of a repository's hooks, and which one runs",
        policy=may("read"),
        effect=_show,
        audit="reads",
        answers={200: SET},
        path_schemas=PATH,
    ),
    Action(
        name="hooks.create",
        method="PUT",
        path="/repos/{repo}/hooks",
        summary="Let a repository have hooks, none at first; those that are there stay",
        policy=may("admin"),
        effect=_create,
        audit=Around(before=_state, after=lambda *_: {"current": ""}),
        answers={201: SET, 200: SET},
        path_schemas=PATH,
    ),
    Action(
        name="hooks.push",
        method="POST",
        path="/repos/{repo}/hooks",
        summary="Store files as a version of the hooks, and let it run from now on",
        policy=_may_push,
        effect=_push,
        audit=Around(before=_state, after=_files_after),
        answers={201: SET, 200: SET},
        body=_FILES,
        raw=MOST_TEXT,
        admits=may("admin"),
        problems=("refused",),
        path_schemas=PATH,
    ),
    Action(
        name="hooks.destroy",
        method="DELETE",
        path="/repos/{repo}/hooks",
        summary="Move all versions of the hooks to the trash",
        policy=may("admin"),
        effect=_destroy,
        audit=Around(before=_state, after=lambda *_: None),
        answers={200: _DESTROYED},
        path_schemas=PATH,
    ),
    Action(
        name="hooks.current",
        method="GET",
        path="/repos/{repo}/hooks/current",
        summary="What the version holds that runs",
        policy=may("read"),
        effect=_show_version,
        audit="reads",
        answers={200: SHOWN},
        problems=("refused",),
        path_schemas=PATH,
    ),
    Action(
        name="hooks.rollback",
        method="PUT",
        path="/repos/{repo}/hooks/current",
        summary="Let another version run: the one before, or one by its digest",
        policy=may("admin"),
        effect=_rollback,
        audit=Around(before=_state, after=lambda ask, _: dict(ask.body)),
        answers={200: SET},
        body=_BACK,
        problems=("refused",),
        path_schemas=PATH,
    ),
    Action(
        name="hooks.off",
        method="DELETE",
        path="/repos/{repo}/hooks/current",
        summary="Let no hook run; all versions stay",
        policy=may("admin"),
        effect=_remove,
        audit=Around(before=_state, after=lambda *_: {"current": ""}),
        answers={200: SET},
        path_schemas=PATH,
    ),
    Action(
        name="hooks.off-one",
        method="DELETE",
        path="/repos/{repo}/hooks/current/{hook}",
        summary="Let one hook of the version that runs not run; its file stays",
        policy=may("admin"),
        effect=_remove,
        audit=Around(before=_state, after=lambda ask, _: {"off": ask.path["hook"][:40]}),
        answers={200: SET},
        problems=("refused",),
        path_schemas=_HOOK,
    ),
    Action(
        name="hooks.version",
        method="GET",
        path="/repos/{repo}/hooks/{version}",
        summary="What one version holds",
        policy=may("read"),
        effect=_show_version,
        audit="reads",
        answers={200: SHOWN},
        problems=("refused",),
        path_schemas=_ONE,
    ),
)
