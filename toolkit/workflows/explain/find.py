"""What somebody means by a name or the beginning of an id."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, cast

from toolkit.config.locate import is_path
from toolkit.config.names import job_names
from toolkit.errors import ApiError, ConfigError, NotFoundError, RefusedError
from toolkit.spec.explain import Kind, Subject
from toolkit.workflows.session import Session

LEAST = 4
"""Digits of an id that are enough to look for it."""
SHOWN = 8
"""Candidates that are named."""

_ID = re.compile(r"[0-9a-f]{1,8}|[0-9a-f]{8}-[0-9a-f-]{0,27}", re.IGNORECASE)
_CHILD = re.compile(r"/(?:periodic|dispatch)-\d+")
"""In the id of what a job launched."""


def find(session: Session, what: str) -> Subject:
    """The one thing that `what` stands for: a job's whole name first, then ids and beginnings.

    ConfigError for a job file with mistakes that is named by its path, RefusedError for several
    candidates, NotFoundError for none.
    """
    if by_file(what):
        return Subject("job", session.load(what).name)
    name = of_project(session, what)
    if name is not None and (name == what or not _ID.fullmatch(what)):
        return Subject("job", name)
    matches = session.nomad.search(what.lower() if _ID.fullmatch(what) else what)
    if what in matches["job"]:
        return Subject("job", what)
    found = [Subject("job", each) for each in _parents(matches["job"])]
    if name is not None and Subject("job", name) not in found:
        found.append(Subject("job", name))
    digits = len(what.replace("-", ""))
    if _ID.fullmatch(what) and digits >= LEAST:
        kinds = ("allocation", "evaluation", "deployment", "node")
        found += [Subject(cast(Kind, kind), each) for kind in kinds for each in matches[kind]]
    if len(found) == 1:
        return found[0]
    if found:
        raise _several(session, what, found)
    if _was_there(session, what):
        return Subject("job", what)
    raise _nothing(session, what, digits)


def by_file(what: str) -> bool:
    """True when a job was named by the path of its file; a child's id only looks like one."""
    return is_path(what) and not _CHILD.search(what)


def of_project(session: Session, what: str) -> str | None:
    """The project's job of that name, or of the only one that begins so; no call is made."""
    if _CHILD.search(what):
        return None
    project = session.settings.project
    names = job_names(project.tree) if project is not None else ()
    try:
        return session.load(what).name
    except ConfigError:
        # Its file has mistakes: what runs can be explained all the same.
        return what if what in names else None


def _parents(jobs: list[str]) -> list[str]:
    """Without what a job among them launched."""
    return [job for job in jobs if _CHILD.split(job)[0] == job or _CHILD.split(job)[0] not in jobs]


def _was_there(session: Session, what: str) -> bool:
    """True for a job that was purged, as long as Nomad remembers its evaluations."""
    try:
        return bool(session.nomad.evaluations(what))
    except ApiError:
        return False


def _several(session: Session, what: str, found: list[Subject]) -> RefusedError:
    lines = [f"{each.kind} {_short(each)}{_owner(session, each)}" for each in found[:SHOWN]]
    if len(found) > SHOWN:
        lines.append(f"and {len(found) - SHOWN} more")
    return RefusedError(
        "\n".join([f"{len(found)} things begin with {what}", *lines]), hint="give more of the id"
    )


def _short(subject: Subject) -> str:
    return subject.id if subject.kind == "job" else subject.id[:13]


def _owner(session: Session, subject: Subject) -> str:
    """` of job shop`, where it can be read."""
    nomad = session.nomad
    reads: Mapping[str, Callable[[str], Mapping[str, Any]]] = {
        "allocation": nomad.allocation,
        "evaluation": lambda id: cast(Mapping[str, Any], nomad.evaluation(id).value),  # noqa: A006
        "deployment": lambda id: cast(Mapping[str, Any], nomad.deployment(id).value),  # noqa: A006
    }
    if subject.kind == "node" or subject.kind == "job":
        return ""
    try:
        return f" of job {reads[subject.kind](subject.id).get('JobID')}"
    except ApiError:
        return ""


def _nothing(session: Session, what: str, digits: int) -> ApiError:
    hint = "toolkit status lists the jobs; Nomad forgets evaluations and allocations after a while"
    if _ID.fullmatch(what) and digits < LEAST:
        hint = f"give at least {LEAST} digits of an id, or the name of a job"
    return NotFoundError(
        f"nothing in namespace {session.target.namespace} is called {what} or has an id that begins"
        " so, as far as the token may see",
        system="Nomad",
        address=session.target.nomad.address,
        hint=hint,
    )
