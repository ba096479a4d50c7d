"""Deployments: which there were, one of them, its log as it grows; again, back, and on."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from hook.actions import NDJSON, Action, Ask
from hook.deployments import Deployments
from hook.endpoints_repos import PATH, may
from hook.who import Who
from toolkit.errors import AbsentError
from toolkit.repos.record_logs import Place
from toolkit.serving.actions import Answer, Around, Query, Schema
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.target import Secret

MOST = 1000
USUAL = 100
"""Records of one answer."""
BEAT = 5.0
"""Seconds after which a log that says nothing finds out whether anybody still listens."""
PIECE = 64 << 10
"""Bytes of one piece of a log that is there already."""

_NUMBER: Schema = {"type": "string", "pattern": "^[1-9][0-9]{0,8}$"}
_PATH = {**PATH, "id": _NUMBER}
DEPLOYMENT: Schema = {
    "type": "object",
    "required": [
        "id", "repo", "commit", "before", "pusher", "accessor", "kind", "of", "hooks", "digest",
        "state", "sentence", "created", "changed", "resumed_by", "final", "code",
    ],
    "properties": {
        "id": {"type": "integer"},
        "repo": {"type": "string"},
        "commit": {"type": "string"},
        "before": {"type": ["string", "null"], "description": "the branch was at it"},
        "pusher": {"type": "string"},
        "accessor": {"type": "string"},
        "kind": {"type": "string", "enum": ["push", "redeploy", "rollback", "repair"]},
        "of": {"type": ["integer", "null"], "description": "the deployment it takes the commit of"},
        "hooks": {"type": "string"},
        "digest": {"type": "string"},
        "state": {"type": "string", "description": "the verdict, once it is final"},
        "sentence": {"type": "string"},
        "created": {"type": "number", "description": "seconds since 1970"},
        "changed": {"type": "number"},
        "resumed_by": {"type": "string"},
        "final": {"type": "boolean"},
        "code": {"type": "integer", "description": "the exit code that the state stands for"},
    },
}  # fmt: skip
_DEPLOYMENTS: Schema = {
    "type": "object",
    "required": ["deployments"],
    "properties": {"deployments": {"type": "array", "items": DEPLOYMENT}},
}
_AGAIN: Schema = {
    "type": "object",
    "required": ["kind"],
    "properties": {
        "kind": {"type": "string", "enum": ["redeploy", "rollback"]},
        "of": {
            "type": "integer",
            "minimum": 1,
            "maximum": 999_999_999,
            "description": "of a redeploy: the latest; of a rollback: what was deployed before",
        },
    },
    "additionalProperties": False,
}
_NOTHING: Schema = {"type": "object", "additionalProperties": False}


def document(record: Deployment) -> dict[str, Any]:
    """A deployment as it is answered."""
    return {**asdict(record), "final": record.is_final, "code": int(record.code)}


def _number(ask: Ask) -> int:
    said = ask.path["id"]
    if not said.isascii() or not said.isdecimal() or len(said) > 9:
        raise AbsentError(f"repository {ask.path['repo']} has no such deployment")
    return int(said)


def _who(ask: Ask) -> Who:
    return Who(ask.caller, ask.token or Secret(""))


def _deployments(ask: Ask) -> tuple[str, Deployments]:
    """Of a repository that is there."""
    return ask.server.registry.get(ask.path["repo"]).name, ask.server.deployments


def _list(ask: Ask, _: Any) -> Answer:
    repo, deployments = _deployments(ask)
    before, limit = ask.query.get("before"), ask.query.get("limit", USUAL)
    found = [each for each in deployments.all(repo) if before is None or each.id < before]
    return Answer({"deployments": [document(each) for each in found[::-1][:limit]]})


def _show(ask: Ask, _: Any) -> Answer:
    repo, deployments = _deployments(ask)
    return Answer(document(deployments.get(repo, _number(ask))))


def _begin(ask: Ask, _: Any) -> Answer:
    repo, deployments = _deployments(ask)
    how = deployments.redeploy if ask.body["kind"] == "redeploy" else deployments.rollback
    return _begun(how(repo, ask.body.get("of"), _who(ask)))


def _resume(ask: Ask, _: Any) -> Answer:
    repo, deployments = _deployments(ask)
    return _begun(deployments.resume(repo, _number(ask), _who(ask)))


def _begun(record: Deployment) -> Answer:
    where = f"/repos/{record.repo}/deployments/{record.id}"
    return Answer(document(record), 202, {"Location": where})


def _log(ask: Ask, _: Any) -> Answer:
    repo, deployments = _deployments(ask)
    record = deployments.get(repo, _number(ask))
    after, follow = ask.query.get("after", 0), ask.query.get("follow", False)
    pieces = stream(deployments, record.repo, record.id, after=after, follow=follow)
    return Answer(stream=pieces, media=NDJSON)


def stream(
    deployments: Deployments,
    repo: str,
    number: int,
    *,
    after: int = 0,
    follow: bool = False,
    beat: float = BEAT,
) -> Iterator[bytes]:
    """A log as lines of JSON; with `follow` until it ends, an empty piece every `beat` seconds."""
    place = Place()
    while True:
        live = deployments.is_live(repo, number)  # before reading: a last line is not missed
        lines, place = deployments.read(repo, number, place)
        yield from _pieces([line for line in lines if line.number > after])
        if lines:
            continue
        if not live or not follow:
            return
        yield b""
        deployments.wait(repo, number, place.lines, beat)


def _pieces(lines: list[LogLine]) -> Iterator[bytes]:
    piece = b""
    for line in lines:
        piece += json.dumps(asdict(line), separators=(",", ":")).encode() + b"\n"
        if len(piece) >= PIECE:
            yield piece
            piece = b""
    if piece:
        yield piece


ACTIONS: tuple[Action, ...] = (
    Action(
        name="deployments.list",
        method="GET",
        path="/repos/{repo}/deployments",
        summary="The deployments of a repository, the newest first",
        policy=may("read"),
        effect=_list,
        audit="reads",
        answers={200: _DEPLOYMENTS},
        query=(
            Query("before", {"type": "integer", "minimum": 1}, "only those of a smaller number"),
            Query(
                "limit",
                {"type": "integer", "minimum": 1, "maximum": MOST},
                f"so many at most; {USUAL} unless said",
            ),
        ),
        path_schemas=PATH,
    ),
    Action(
        name="deployments.begin",
        method="POST",
        path="/repos/{repo}/deployments",
        summary="Deploy a commit of before again, or go back; the branch stays where it is",
        policy=may("push"),
        effect=_begin,
        audit=Around(before=lambda *_: None, after=lambda ask, _: dict(ask.body)),
        answers={202: DEPLOYMENT},
        body=_AGAIN,
        problems=("refused",),
        path_schemas=PATH,
    ),
    Action(
        name="deployments.show",
        method="GET",
        path="/repos/{repo}/deployments/{id}",
        summary="One deployment",
        policy=may("read"),
        effect=_show,
        audit="reads",
        answers={200: DEPLOYMENT},
        path_schemas=_PATH,
    ),
    Action(
        name="deployments.resume",
        method="POST",
        path="/repos/{repo}/deployments/{id}/resume",
        summary="Go on with a deployment that needs a token, with the caller's",
        policy=may("push"),
        effect=_resume,
        audit=Around(before=lambda *_: None, after=lambda ask, _: {"id": ask.path["id"]}),
        answers={202: DEPLOYMENT},
        body=_NOTHING,
        problems=("refused",),
        path_schemas=_PATH,
    ),
    Action(
        name="deployments.log",
        method="GET",
        path="/repos/{repo}/deployments/{id}/log",
        summary="The log of a deployment, a line of JSON each",
        policy=may("read"),
        effect=_log,
        audit="reads",
        answers={200: None},
        answer_media=(NDJSON,),
        query=(
            Query("after", {"type": "integer", "minimum": 0}, "only lines of a greater number"),
            Query("follow", {"type": "boolean"}, "until the verdict, or until a token is needed"),
        ),
        path_schemas=_PATH,
    ),
)
