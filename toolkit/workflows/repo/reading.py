"""What the hook server tells, as values; what is missing in it is empty, never an error."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from toolkit.errors import ServerError
from toolkit.spec.deployment import OPEN, Deployment, Kind, LogLine, State
from toolkit.spec.repo import Build, Order, Repo
from toolkit.spec.repo_reports import RepoRow
from toolkit.spec.report import Verdict
from toolkit.workflows.repo.find import remote

STATES = {*OPEN, *get_args(Verdict)}


def read_row(raw: Mapping[str, Any], address: str) -> RepoRow:
    """One repository; `address`: the server's."""
    name = _text(raw, "name")
    repo = Repo(
        name=name,
        branch=_text(raw, "branch") or "main",
        order=cast(Order, _one_of(raw.get("order"), get_args(Order), "newest")),
        created=_number(raw, "created"),
        creator=_text(raw, "creator"),
        builds=_builds(raw.get("builds")),
    )
    last = raw.get("last")
    return RepoRow(
        repo=repo,
        url=remote(address, name),
        rights=tuple(sorted(str(each) for each in _list(raw.get("rights")))),
        last=read_deployment(last) if isinstance(last, dict) else None,
    )


def read_build(raw: Mapping[str, Any], service: str = "") -> Build:
    """How one service is built; `service`: where it does not say which."""
    words = tuple(str(word) for word in _list(raw.get("command")))
    name = _text(raw, "service") or service
    return Build(name, words, _text(raw, "artifact"), _text(raw, "dockerfile"))


def read_deployment(raw: Mapping[str, Any]) -> Deployment:
    """One record of a deployment; ServerError when it is none."""
    number, state = raw.get("id"), raw.get("state")
    if not isinstance(number, int) or state not in STATES:
        said = f"deployment {number} is in a state that this toolkit does not know: {state}"
        raise ServerError(said, system="Hook", hint="is the server newer than this toolkit")
    of = raw.get("of")
    return Deployment(
        id=number,
        repo=_text(raw, "repo"),
        commit=_text(raw, "commit"),
        before=_text(raw, "before") or None,
        pusher=_text(raw, "pusher"),
        accessor=_text(raw, "accessor"),
        kind=cast(Kind, _one_of(raw.get("kind"), get_args(Kind), "push")),
        of=of if isinstance(of, int) else None,
        hooks=_text(raw, "hooks"),
        digest=_text(raw, "digest"),
        state=cast(State, state),
        sentence=_text(raw, "sentence"),
        created=_number(raw, "created"),
        changed=_number(raw, "changed"),
        resumed_by=_text(raw, "resumed_by"),
    )


def read_line(raw: Mapping[str, Any]) -> LogLine:
    """One line of a deployment's log."""
    document = raw.get("document")
    return LogLine(
        number=int(_number(raw, "number")),
        at=_number(raw, "at"),
        text=_text(raw, "text"),
        stage=_text(raw, "stage"),
        job=_text(raw, "job"),
        document=document if isinstance(document, dict) else None,
    )


def _builds(raw: object) -> dict[str, Build]:
    """By service, however the server lists them."""
    each = raw.items() if isinstance(raw, dict) else ((None, item) for item in _list(raw))
    found = {}
    for key, item in each:
        if isinstance(item, dict):
            build = read_build(item, str(key or ""))
            found[build.service] = build
    return found


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def _number(raw: Mapping[str, Any], key: str) -> float:
    value = raw.get(key)
    good = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if good and value is not None else 0.0


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _one_of(value: object, words: tuple[str, ...], usual: str) -> str:
    return value if isinstance(value, str) and value in words else usual
