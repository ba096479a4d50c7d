"""The deploy lock of a job: take it, wait for it, break it; no state is kept here.

One Nomad variable a job, locked by whoever changes the job. Nomad frees it by itself when it is not
renewed, so nobody has to clean up after a killed client. What it guards is only what we do: Nomad's
own tools take no lock, and against them stands the check index of every registration.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from toolkit.errors import (
    ApiError,
    ConflictError,
    DeniedError,
    InvalidRequestError,
    LockedError,
    NotFoundError,
    ServerError,
    UnreachableError,
)
from toolkit.rollout.variable_path import path_below
from toolkit.rollout.world import World
from toolkit.spec.lock import Holder
from toolkit.views.when import ago, stamp

PREFIX = "toolkit/locks/"
"""A task's own identity reads only `nomad/jobs/JOB`, so that no task can hold up a deploy."""

TTL = 10.0
"""Seconds that a renewal is good for: the least that Nomad takes. Nomad 1.11.3 waits twice as long,
and then `DELAY`, before it lets anybody else have the lock of a client that is gone."""
DELAY = 1.0
FREED = 2 * TTL + DELAY
"""Seconds until the lock of a killed client is free, at most."""

TRIES = 3
"""How often it is asked for when the reply is lost; the same id makes that harmless."""
WAIT = 10.0
"""Seconds that one blocking query stays open."""
NO_SUCH_API = {404, 405, 501}


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of trying to take a lock."""

    state: Literal["held", "busy", "none"]
    reason: str = ""
    """Why there is none to take."""


def path_of(job_id: str) -> str:
    """The Nomad variable that is a job's lock."""
    return path_below(PREFIX, job_id)


def attempt(world: World, job_id: str, holder: Holder) -> Attempt:
    """Take the lock, if nobody else has it.

    ApiError where Nomad does not say whether it did; then nothing was changed but perhaps a lock
    that ends by itself.
    """
    path = path_of(job_id)
    tries = 0
    while True:
        tries += 1
        try:
            knows = world.nomad.acquire_lock(path, holder.id, encoded(holder), ttl=TTL, delay=DELAY)
        except ConflictError:
            return Attempt("busy")
        except DeniedError:
            return Attempt("none", f'the Nomad token has no right on the variables "{PREFIX}*"')
        except (NotFoundError, InvalidRequestError) as exc:
            return Attempt("none", exc.message)
        except ServerError as exc:
            if exc.status not in NO_SUCH_API:
                raise
            return Attempt("none", exc.message)
        except UnreachableError as exc:
            if exc.lost_reply and tries < TRIES:
                continue
            exc.message = f"the deploy lock of {job_id} could not be taken: {exc.message}"
            exc.hint = "nothing was deployed; run the same command again when Nomad answers"
            raise
        return Attempt("held") if knows else Attempt("none", "this Nomad knows no locks")


def take(
    world: World,
    job_id: str,
    holder: Holder,
    *,
    wait: float | None,
    on_wait: Callable[[Holder | None], None],
) -> Attempt:
    """Take the lock, within `wait` seconds if it is somebody's; `on_wait` is told whose, once.

    LockedError with the holder where it is not to be had.
    """
    deadline = world.clock() + (wait or 0.0)
    path, index, told = path_of(job_id), 0, False
    while True:
        got = attempt(world, job_id, holder)
        if got.state != "busy":
            return got
        left = deadline - world.clock()
        try:
            # Without an index it answers at once: what is blocked on is what comes after that,
            # so that a lock freed in between is not slept through.
            page = world.nomad.watch_variable(path, index=index, wait=max(min(WAIT, left), 0.0))
        except NotFoundError:
            index = 0
            continue
        except DeniedError as exc:
            raise busy(world, job_id, None, wait) from exc
        other, index = decoded(page.value), page.index
        if left <= 0:
            raise busy(world, job_id, other, wait)
        if not told:
            told = True
            on_wait(other)


def busy(world: World, job_id: str, other: Holder | None, wait: float | None) -> LockedError:
    """Somebody else is at it: who, with what, since when."""
    who = "somebody" if other is None else whose(other, world.now())
    text = f"{job_id} is locked by {who}"
    if wait:
        text += f", still after {wait:g} s"
    breaks = f"toolkit unlock {job_id} --reason TEXT breaks it"
    hint = breaks if wait else f"--wait-lock 10m waits for it; {breaks}"
    return LockedError(f"{text}; nothing was changed", hint=hint)


def whose(holder: Holder, now: float) -> str:
    """`ann@build-3 (toolkit deploy, release 1.2.0) since 2026-05-04 12:30:00Z, 40 s ago`."""
    return f"{holder.who} ({holder.deed}) since {stamp(holder.since)}, {ago(holder.since, now)}"


def look(world: World, job_id: str) -> Holder | None:
    """Who took the lock last, whether or not they still have it."""
    return decoded(world.nomad.variable(path_of(job_id)))


def is_held(world: World, job_id: str, holder: Holder) -> bool:
    """Whether `holder` still has it; it is renewed by asking, which nobody can tell from a look."""
    try:
        world.nomad.renew_lock(path_of(job_id), holder.id)
    except (ConflictError, NotFoundError):
        return False
    return True


def break_lock(world: World, job_id: str, holder: Holder, *, by: str, reason: str) -> bool:
    """Take the lock away from `holder`, who reads at the next renewal who did, and why.

    False when it was free by then.
    """
    path = path_of(job_id)
    marked = encoded(replace(holder, broken_by=by, broken_why=reason))
    try:
        # Under the holder's own id: their lock with other words in it, then free.
        world.nomad.acquire_lock(path, holder.id, marked, ttl=TTL, delay=DELAY)
        world.nomad.release_lock(path, holder.id)
    except (ConflictError, NotFoundError):
        return False
    return True


def release(world: World, job_id: str, holder: Holder) -> str | None:
    """Free the lock; a sentence where that was not possible."""
    try:
        world.nomad.release_lock(path_of(job_id), holder.id)
    except (ConflictError, NotFoundError):
        return None  # it is not ours any more: whoever told us so said it
    except ApiError as exc:
        return (
            f"the deploy lock of {job_id} could not be released and ends by itself within "
            f"{FREED:g} s: {exc.message}"
        )
    return None


def encoded(holder: Holder) -> dict[str, str]:
    """The items of the variable: text, as Nomad wants it."""
    items = {
        "id": holder.id,
        "actor": holder.actor,
        "host": holder.host,
        "command": holder.command,
        "release": holder.release or "",
        "since": f"{holder.since:.3f}",
        "broken_by": holder.broken_by,
        "broken_why": holder.broken_why,
    }
    return {key: value for key, value in items.items() if value}


def decoded(variable: Mapping[str, Any] | None) -> Holder | None:
    """What a variable says; None for none, and for one that somebody else wrote."""
    items = (variable or {}).get("Items") or {}
    try:
        return Holder(
            id=items["id"],
            actor=str(items.get("actor") or ""),
            host=str(items.get("host") or ""),
            command=str(items.get("command") or ""),
            release=items.get("release") or None,
            since=float(items["since"]),
            broken_by=str(items.get("broken_by") or ""),
            broken_why=str(items.get("broken_why") or ""),
        )
    except (KeyError, TypeError, ValueError):
        return None
