"""`toolkit secret`: the keys in a job's Nomad variable; a value goes in and never comes out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

from toolkit.errors import ConflictError, ExitCode, RefusedError, UnreachableError
from toolkit.spec.listing import SecretReport
from toolkit.spec.target import Secret
from toolkit.workflows.names import Found, find
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session

TRIES = 8
"""Each conflict means that another writer was faster, so somebody always gets on."""

PAUSE = 0.05
"""Seconds before another try; grows with each."""

KEPT = (
    "running instances keep the values they started with, unless the job's template asks for a "
    "restart; `toolkit restart {job}` makes them read again"
)

_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")

Action = Literal["set", "listed", "deleted"]
Items = dict[str, str]


def set_secret(
    session: Session, job: str, key: str, value: Secret, *, confirm: Confirm = unanswered
) -> SecretReport:
    """Set one key; keys that others set at the same time stay.

    RefusedError for a key that a template could not name, or an empty value.
    """
    if not _KEY.match(key):
        raise RefusedError(
            f"{key!r} is not a key: letters, digits and underscores, not starting with a digit",
            hint=f"toolkit secret set {job} DB_PASSWORD",
        )
    if not value:
        raise RefusedError(
            f"the value of {key} is empty",
            hint=f"toolkit secret set {job} {key} reads it from standard input",
        )
    found = find(session, job, whole=True)
    ask(session.target, confirm, f"set secret {key} of {found.id}")
    written = edit(session, found.id, lambda items: {**items, key: value.reveal()})
    return report(session, found, "set", key, written)


def delete_secret(
    session: Session, job: str, key: str, *, confirm: Confirm = unanswered
) -> SecretReport:
    """Delete one key; the variable goes with the last of them.

    RefusedError when the key is not set.
    """
    found = find(session, job, whole=True)
    present = read(session, found.id)[0]
    if key not in present:
        raise RefusedError(
            f"secret {key} of job {found.id} is not set",
            hint=f"set are: {', '.join(sorted(present))}" if present else "no key is set",
        )
    ask(session.target, confirm, f"delete secret {key} of {found.id}")
    left = edit(session, found.id, lambda items: {k: v for k, v in items.items() if k != key})
    return report(session, found, "deleted", key, left)


def list_secrets(session: Session, job: str) -> SecretReport:
    """The keys that are set, those that the job file misses, and those that it does not name."""
    found = find(session, job)
    return report(session, found, "listed", None, read(session, found.id)[0])


def path_of(job_id: str) -> str:
    """The Nomad variable that a job's own tasks may read without a policy."""
    return f"nomad/jobs/{job_id}"


def read(session: Session, job_id: str) -> tuple[Items, int]:
    """The variable's items and its index; nothing and 0 when there is none."""
    variable = session.nomad.variable(path_of(job_id))
    if variable is None:
        return {}, 0
    return dict(variable.get("Items") or {}), int(variable.get("ModifyIndex") or 0)


def edit(session: Session, job_id: str, change: Callable[[Items], Items]) -> Items:
    """Apply `change` to what is there now, however often others get in between; what was written.

    A change must be the same done twice as once: after a lost reply it is simply done again.
    """
    lost: UnreachableError | None = None
    for attempt in range(TRIES):
        try:
            before, index = read(session, job_id)
        except UnreachableError as exc:
            if lost is None:
                raise
            raise undecided(job_id, exc) from exc
        after = change(before)
        if after == before:
            return after
        try:
            if after:
                session.nomad.put_variable(path_of(job_id), after, check_index=index)
            else:
                session.nomad.delete_variable(path_of(job_id), check_index=index)
            return after
        except ConflictError:
            session.world.sleep(PAUSE * (attempt + 1))
        except UnreachableError as exc:
            if not exc.lost_reply:
                raise
            lost = exc
    if lost is not None:
        raise undecided(job_id, lost) from lost
    raise ConflictError(
        f"{path_of(job_id)} changed under each of {TRIES} tries; nothing was written",
        system="Nomad",
        address=session.target.nomad.address,
        hint="run the same command again",
    )


def undecided(job_id: str, lost: UnreachableError) -> UnreachableError:
    """The reply to a write was lost, and reading does not say either."""
    return UnreachableError(
        f"the reply about {path_of(job_id)} was lost; it may or may not have been written",
        system="Nomad",
        address=lost.address,
        hint=f"toolkit secret list {job_id}",
        code=ExitCode.UNKNOWN,
    )


def report(
    session: Session, found: Found, action: Action, key: str | None, items: Items
) -> SecretReport:
    """Names only: of `items` nothing but the keys is looked at."""
    wanted = found.spec.secrets if found.spec is not None else ()
    keys = tuple(sorted(items))
    missing = tuple(name for name in wanted if name not in items)
    notes = []
    if action != "listed":
        notes.append(KEPT.format(job=found.id))
    if missing:
        notes.append(f"a deploy of {found.id} is refused until {', '.join(missing)} is set")
    if found.spec is not None and key in wanted and action == "deleted":
        notes.append(f"{found.spec.source} still names {key}")
    return SecretReport(
        environment=session.target.environment,
        job=found.id,
        path=path_of(found.id),
        action=action,
        key=key,
        keys=keys,
        missing=missing,
        unused=tuple(name for name in keys if name not in wanted) if found.spec else (),
        notes=tuple(notes),
    )
