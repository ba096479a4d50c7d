"""`toolkit dispatch`: hand metadata and a payload to a parameterized job, and follow the child."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.config.near import suggest
from toolkit.errors import (
    ConfigError,
    DeniedError,
    ExitCode,
    Mistake,
    NotFoundError,
    RefusedError,
    UnreachableError,
)
from toolkit.rollout import read, secrets
from toolkit.rollout.work import Work
from toolkit.rollout.world import World
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.work import OnOutput, WorkReport, discard
from toolkit.workflows.batch import DEFAULTS, Started, WorkOptions, child_of, report, to_the_end
from toolkit.workflows.clock import Clock
from toolkit.workflows.names import find
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session

LARGEST_PAYLOAD = 16 * 1024
"""Bytes that Nomad takes."""
TRIES = 4
"""How often a dispatch whose reply was lost is asked for again, under the same token."""
STEP = 1.0


@dataclass(frozen=True, slots=True)
class Parcel:
    """What to hand over."""

    meta: Mapping[str, str]
    payload: bytes = b""
    token: str | None = None
    """The same token again gives the same child; None: a new one each time."""


def parse_meta(given: Sequence[str]) -> Mapping[str, str]:
    """`key=value` pairs; ConfigError names every one that is none, or that comes twice."""
    found: dict[str, str] = {}
    mistakes = []
    for text in given:
        key, equals, value = text.partition("=")
        if not equals or not key:
            mistakes.append(_mistake("--meta", text, "is not KEY=VALUE", "such as day=1"))
        elif key in found:
            mistakes.append(_mistake("--meta", key, "is given twice", "once is enough"))
        found[key] = value
    if mistakes:
        raise ConfigError(mistakes)
    return found


def dispatch(
    session: Session,
    job: str,
    parcel: Parcel,
    options: WorkOptions = DEFAULTS,
    *,
    on_event: OnEvent = ignore,
    on_output: OnOutput = discard,
    confirm: Confirm = unanswered,
) -> WorkReport:
    """Make a child of a parameterized job and follow it to its end.

    The job is taken as it is registered; a job file is not needed. RefusedError or ConfigError,
    with every mistake at once, where nothing was dispatched.
    """
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    job_id = _id(session, job)
    raw = session.nomad.job(job_id)
    if raw is None:
        raise NotFoundError(
            f"job {job_id} is not deployed in namespace {session.target.namespace}",
            system="Nomad",
            address=session.target.nomad.address,
            hint=f"toolkit deploy {job_id}",
        )
    check(raw, parcel)
    ask(session.target, confirm, f"dispatch {job_id}")
    answer = _send(session.world, job_id, parcel)
    child = str(answer["DispatchedJobID"])
    made = child_of(session, child, "dispatched")
    clock.mark("submit")
    again = not answer.get("EvalID")
    clock.say("submit", f"{child} was dispatched before" if again else f"dispatched {child}")
    started = Started(
        job=job_id,
        work=Work(made, int(made.get("Version") or 0), int(made["JobModifyIndex"]), parent=job_id),
        release=read.live_job(made).release,
        evaluation=answer.get("EvalID") or None,
        secrets=secrets.stored(session.world, job_id),
    )
    if made.get("Periodic"):
        # Its own launches do the work, by its schedule.
        sentence = f"{child} is registered; its schedule starts the work"
        return report(session, started, clock, "submitted", sentence)
    return to_the_end(session, started, options, clock, on_output)


def _id(session: Session, job: str) -> str:
    """Nomad's id; the name itself for a token that may dispatch and not list."""
    try:
        return find(session, job, whole=True).id
    except DeniedError:
        return job


def check(job: Mapping[str, Any], parcel: Parcel) -> None:
    """Everything that Nomad would refuse, at once: ConfigError; RefusedError for another job."""
    job_id, parameters = job["ID"], job.get("ParameterizedJob")
    if not parameters:
        kind = job.get("Type")
        step = f"toolkit {'run' if kind in {'batch', 'sysbatch'} else 'deploy'} {job_id}"
        raise RefusedError(f"{job_id} is not parameterized: it takes no dispatch", hint=step)
    if job.get("Stop"):
        raise RefusedError(f"{job_id} is stopped", hint=f"toolkit deploy {job_id} first")
    required = list(parameters.get("MetaRequired") or [])
    known = [*required, *(parameters.get("MetaOptional") or [])]
    mistakes = [
        _mistake("--meta", key, f"{job_id} takes no such key", suggest(key, known))
        for key in parcel.meta
        if key not in known
    ]
    mistakes += [
        _mistake("--meta", key, f"{job_id} requires it", f"--meta {key}=…")
        for key in required
        if key not in parcel.meta
    ]
    wants, size = parameters.get("Payload") or "optional", len(parcel.payload)
    if wants == "required" and not size:
        mistakes.append(_mistake("--payload", None, f"{job_id} requires one", "--payload FILE"))
    if wants == "forbidden" and size:
        mistakes.append(_mistake("--payload", None, f"{job_id} takes none", "leave it out"))
    if size > LARGEST_PAYLOAD:
        text = f"{size} bytes are more than the {LARGEST_PAYLOAD} that Nomad takes"
        mistakes.append(_mistake("--payload", None, text, "hand over where the data is instead"))
    if mistakes:
        raise ConfigError(mistakes)


def _mistake(where: str, key: str | None, message: str, hint: str | None = None) -> Mistake:
    return Mistake(where, key, None, message, hint)


def _send(world: World, job_id: str, parcel: Parcel) -> dict[str, Any]:
    """Dispatch once, however often it has to be asked for: the token sees to that."""
    token = parcel.token or str(uuid.uuid4())
    tries = 0
    while True:
        try:
            return world.nomad.dispatch(
                job_id, meta=parcel.meta, payload=parcel.payload, token=token
            )
        except UnreachableError as exc:
            tries += 1
            if not exc.lost_reply and tries == 1:
                raise
            if tries == TRIES:
                exc.message = f"whether {job_id} was dispatched is not known: {exc.message}"
                exc.hint = f"the same again with --idempotency-token {token} dispatches it once"
                exc.code = ExitCode.UNKNOWN
                raise
            world.sleep(STEP)
