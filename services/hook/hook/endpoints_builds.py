"""Builds: what is built of a repository, set by who administers it; and what came of it.

What is built is read by `GET /{repo}/builds/{digest}.tar.gz`, by whoever may read the repository.
The code of a build that is under way is for its own job alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from hook.actions import Action, Ask
from hook.endpoints_repos import BUILD, NAME, PATH, build_document, may
from hook.git.archive import check_served
from toolkit.errors import AbsentError
from toolkit.repos.build_store import END
from toolkit.repos.builds import given
from toolkit.repos.commits import head
from toolkit.repos.refs import is_id
from toolkit.serving.actions import Answer, Around, Query, Schema
from toolkit.serving.schemas import invalid
from toolkit.spec.repo import Build, Repo

GZIP = "application/gzip"
PIECE = 256 << 10
_PLACE = re.compile(r"[^\x00-\x1f\x7f\\]{1,400}")
_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 400}
_SERVICE: Schema = {**NAME, "description": "a name of the repository's own, as jobs say it"}
_PATH = {**PATH, "service": _SERVICE}
_SAID: Schema = {
    "type": "object",
    "properties": {
        "command": {
            "type": "array",
            "items": {"type": "string", "maxLength": 4000},
            "minItems": 1,
            "maxItems": 100,
            "description": "its words; run in a copy of the commit",
        },
        "artifact": {**_TEXT, "description": "what the command makes: a file or a folder"},
        "dockerfile": {**_TEXT, "description": "in the place of both: its path in the commit"},
    },
    "additionalProperties": False,
}
_BUILDS: Schema = {
    "type": "object",
    "required": ["builds"],
    "properties": {"builds": {"type": "array", "items": BUILD}},
}
_WORDS: Schema = {"type": "object", "additionalProperties": {"type": "string"}}
CODE: Schema = {
    "type": "object",
    "required": ["code", "build"],
    "properties": {
        "code": _WORDS,
        "build": {"type": "object", "additionalProperties": _WORDS},
    },
}
_COMMIT = Query("commit", {"type": "string", "maxLength": 64}, "its full ID; else the branch's")


# Settings.


def _list(ask: Ask, _: Any) -> Answer:
    repo = ask.server.registry.get(ask.path["repo"])
    return Answer({"builds": [build_document(each) for _, each in sorted(repo.builds.items())]})


def _show(ask: Ask, _: Any) -> Answer:
    return Answer(build_document(_there(ask)))


def _may_set(ask: Ask) -> Build:
    """The settings that are asked for, every mistake at once."""
    ask.server.permit(ask.caller, ask.path["repo"], "admin")
    said, service = ask.body, ask.path["service"]
    wrong: list[tuple[str, str]] = []
    if not re.fullmatch(NAME["pattern"], service):
        wrong.append(("service", f"must be {NAME['description']}"))
    command, artifact = said.get("command", []), said.get("artifact", "")
    dockerfile = said.get("dockerfile", "")
    if bool(command) == bool(dockerfile):
        wrong.append(("command", "say either this or a dockerfile"))
    if command and not artifact:
        wrong.append(("artifact", "say what the command makes: a file or a folder"))
    if dockerfile and artifact:
        wrong.append(("artifact", "an image is all that a dockerfile makes"))
    if any(set(word) & set("\0\n\r") for word in command) or command[:1] == [""]:
        wrong.append(("command", "holds a word that is empty or has more than one line"))
    for name, path in (("artifact", artifact), ("dockerfile", dockerfile)):
        if path and not _is_inside(path):
            wrong.append((name, "must be a path inside the commit"))
    if wrong:
        raise invalid(wrong)
    return Build(service, tuple(command), artifact, dockerfile)


def _set(ask: Ask, build: Build) -> Answer:
    made = build.service not in ask.server.registry.get(ask.path["repo"]).builds

    def changed(repo: Repo) -> Repo:
        return replace(repo, builds={**repo.builds, build.service: build})

    ask.server.registry.change(ask.path["repo"], changed)
    return Answer(build_document(build), 201 if made else 200)


def _remove(ask: Ask, _: Any) -> Answer:
    build = _there(ask)

    def changed(repo: Repo) -> Repo:
        return replace(
            repo, builds={name: each for name, each in repo.builds.items() if each != build}
        )

    ask.server.registry.change(ask.path["repo"], changed)
    return Answer(build_document(build))


def _there(ask: Ask) -> Build:
    repo, service = ask.server.registry.get(ask.path["repo"]), ask.path["service"]
    if service not in repo.builds:
        known = ", ".join(sorted(repo.builds)) or "nothing"
        raise AbsentError(
            f"{repo.name} has no such build",
            hint=f"toolkit repo build {repo.name} lists what is built: {known}",
        )
    return repo.builds[service]


def _before(ask: Ask, _: Any) -> Any:
    try:
        return build_document(_there(ask))
    except AbsentError:
        return None


def _is_inside(path: str) -> bool:
    parts = path.rstrip("/").split("/")
    return bool(_PLACE.fullmatch(path)) and not {"", ".", ".."} & set(parts)


# What came of it.


def _code(ask: Ask, _: Any) -> Answer:
    """The values that a push of this commit gives its jobs, for whoever deploys it otherwise."""
    hook = ask.server
    repo = hook.registry.get(ask.path["repo"])
    path = hook.registry.path(repo)
    commit = ask.query.get("commit") or head(path, repo.branch)
    if commit is None:
        raise AbsentError(f"nothing was pushed to {repo.branch} of {repo.name} yet")
    if not is_id(commit):
        raise AbsentError(f"{repo.name} has no such commit", hint="a commit's full ID is asked for")
    check_served(path, commit)
    building = hook.building
    return Answer(given(building.code(repo, commit), building.known(repo, commit)))


def _take(ask: Ask, _: Any) -> Answer:
    repo, file = ask.server.registry.get(ask.path["repo"]), ask.path["file"]
    digest = file.removesuffix(END)
    path = ask.server.building.store.path(repo.name, digest) if file.endswith(END) else None
    if path is None:
        raise AbsentError(
            f"{repo.name} has no such build", hint="old builds are forgotten: deploy it again"
        )
    return _sent(path, digest)


def _may_have_code(ask: Ask) -> Path:
    return ask.server.building.code_for(ask.caller, ask.path["repo"], ask.path["build"])


def _take_code(_: Ask, path: Path) -> Answer:
    return _sent(path, "")


def _sent(path: Path, digest: str) -> Answer:
    def pieces() -> Iterator[bytes]:
        # Opened by whoever reads: an answer to HEAD has nobody who would close it.
        with path.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece

    headers = {"X-Checksum-Sha256": digest} if digest else {}
    return Answer(stream=pieces(), media=GZIP, headers=headers)


ACTIONS: tuple[Action, ...] = (
    Action(
        name="builds.list",
        method="GET",
        path="/repos/{repo}/builds",
        summary="What is built of a repository when it is pushed to",
        policy=may("read"),
        effect=_list,
        audit="reads",
        answers={200: _BUILDS},
        path_schemas=PATH,
    ),
    Action(
        name="builds.show",
        method="GET",
        path="/repos/{repo}/builds/{service}",
        summary="How one service is built",
        policy=may("read"),
        effect=_show,
        audit="reads",
        answers={200: BUILD},
        path_schemas=_PATH,
    ),
    Action(
        name="builds.set",
        method="PUT",
        path="/repos/{repo}/builds/{service}",
        summary="Say how a service is built, from the next push on",
        policy=_may_set,
        effect=_set,
        audit=Around(before=_before, after=lambda _, build: build_document(build)),
        answers={201: BUILD, 200: BUILD},
        body=_SAID,
        path_schemas=_PATH,
    ),
    Action(
        name="builds.remove",
        method="DELETE",
        path="/repos/{repo}/builds/{service}",
        summary="Build a service no more; what was built stays",
        policy=may("admin"),
        effect=_remove,
        audit=Around(before=_before, after=lambda *_: None),
        answers={200: BUILD},
        path_schemas=_PATH,
    ),
    Action(
        name="code.show",
        method="GET",
        path="/repos/{repo}/code",
        summary="What a push of a commit gives its jobs: its archive, and what was built of it",
        policy=may("read"),
        effect=_code,
        audit="reads",
        answers={200: CODE},
        query=(_COMMIT,),
        path_schemas=PATH,
    ),
    # Last in the table: their first part is the name of any repository.
    Action(
        name="builds.take",
        method="GET",
        path="/{repo}/builds/{file}",
        summary="What was built, by its digest",
        policy=may("read"),
        effect=_take,
        audit="reads",
        answers={200: None},
        answer_media=(GZIP,),
        path_schemas={**PATH, "file": {"type": "string", "pattern": r"^[0-9a-f]{64}\.tar\.gz$"}},
    ),
    Action(
        name="builds.code",
        method="GET",
        path="/{repo}/builds/{build}/code.tar.gz",
        summary="The code of a build, for its own job while it is under way",
        policy=_may_have_code,
        effect=_take_code,
        audit="reads",
        answers={200: None},
        answer_media=(GZIP,),
        path_schemas={**PATH, "build": {"type": "string"}},
    ),
)
