"""`toolkit scale`: another number of instances, until they run and the chain holds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.errors import ConflictError, ExitCode, NotFoundError, RefusedError
from toolkit.rollout import read
from toolkit.rollout.verdict import judge
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.listing import OperateReport
from toolkit.workflows import tagging
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.steering import (
    Deed,
    begin,
    ended,
    finish,
    follow,
    locked,
    prove,
    proven,
    word_of,
)

KEPT = "deploys keep this count until the job file's own count changes or --reset-count"


def scale(
    session: Session,
    job: str,
    count: int,
    group: str | None = None,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
    timeout: float | None = None,
) -> OperateReport:
    """Set the count of one group and watch until exactly that many serve.

    RefusedError for a job that is not a service, is stopped, rolls, or has several groups and none
    named.
    """
    if count < 0:
        raise RefusedError(f"count {count} is less than none", hint=f"toolkit scale {job} 2")
    deed = begin(session, job, "scale", on_event, timeout)
    name = group_of(deed, group)
    before = read.live_job(deed.raw).counts[name]
    if before == count:
        return unchanged(deed, count)
    latest = session.nomad.latest_deployment(deed.job_id)
    if latest and not read.deployment(latest).terminal:
        raise RefusedError(
            f"a rollout of {deed.job_id} is under way, and Nomad scales none meanwhile",
            hint=f"toolkit attach {deed.job_id}",
        )
    ask(session.target, confirm, f"scale {deed.job_id} from {before} to {count}")
    return locked(deed, lambda _lock: scaled(deed, name, before, count))


def scaled(deed: Deed, name: str, before: int, count: int) -> OperateReport:
    """Register the count, and follow what Nomad makes of it."""
    answer = deed.session.nomad.scale(deed.job_id, name, count, message="toolkit scale")
    raw = registered(deed, int(answer.get("JobModifyIndex") or 0))
    deed.say("submit", f"version {raw.get('Version')}, group {name} {before} → {count}")
    words = f"{deed.job_id} {before} → {count}"
    if sum(read.live_job(raw).counts.values()) == 0:
        return to_nothing(deed, raw, words)
    outcome = follow(deed, raw, evaluation=answer.get("EvalID"))
    verification = prove(deed, raw) if outcome.end == "successful" else None
    deployment = outcome.deployment.id if outcome.deployment else None
    if outcome.end != "successful" or verification is None:
        judged = judge(outcome, None)
        why = outcome.causes[0].summary if outcome.causes else judged.why
        return finish(
            deed,
            word_of(judged.verdict),
            f"{words} did not take: {why}",
            raw=raw,
            deployment=deployment,
            next_step=f"toolkit status {deed.job_id}",
        )
    word, said = proven(verification)
    if word is None:
        tagging.note_verified(deed.session, deed.job_id, raw, deed.say)
    return finish(
        deed,
        word or "scaled",
        f"{words}, {said}",
        raw=raw,
        deployment=deployment,
        verification=verification,
        notes=(KEPT,),
        next_step=f"toolkit verify {deed.job_id}" if word else None,
    )


def group_of(deed: Deed, group: str | None) -> str:
    """The group to scale; RefusedError where it cannot be told or the job cannot be scaled."""
    live = read.live_job(deed.raw)
    if live.kind != "service":
        reason = "a system job runs once on every node" if "sys" in live.kind else "it ends itself"
        raise RefusedError(f"job {deed.job_id} is of type {live.kind} and has no count: {reason}")
    if live.stopped:
        raise RefusedError(f"job {deed.job_id} is stopped", hint=f"toolkit deploy {deed.job_id}")
    if group is None and len(live.counts) == 1:
        return next(iter(live.counts))
    names = ", ".join(sorted(live.counts))
    if group is None:
        raise RefusedError(
            f"job {deed.job_id} has {len(live.counts)} groups",
            hint=f"toolkit scale {deed.job_id} COUNT --group GROUP; the groups are {names}",
        )
    if group not in live.counts:
        raise RefusedError(f"job {deed.job_id} has no group {group}", hint=f"it has {names}")
    return group


def registered(deed: Deed, index: int) -> Mapping[str, Any]:
    """The job version that our call registered; ConflictError when another one took its place."""
    raw = deed.session.nomad.job(deed.job_id)
    if raw is None:
        raise NotFoundError(
            f"job {deed.job_id} was scaled, and is gone",
            system="Nomad",
            hint="somebody purged it",
        )
    if int(raw.get("JobModifyIndex") or 0) != index:
        raise ConflictError(
            f"job {deed.job_id} was registered by somebody else right after it was scaled",
            system="Nomad",
            hint=f"toolkit status {deed.job_id}",
            code=ExitCode.SUPERSEDED,
        )
    return raw


def unchanged(deed: Deed, count: int) -> OperateReport:
    """Nothing to change: look along the chain, as after a change."""
    if count == 0:
        return finish(deed, "unchanged", f"{deed.job_id} is at 0 already", raw=deed.raw)
    verification = prove(deed, deed.raw)
    word, said = proven(verification)
    return finish(
        deed,
        word or "unchanged",
        f"{deed.job_id} is at {count} already, {said}",
        raw=deed.raw,
        verification=verification,
        next_step=f"toolkit verify {deed.job_id}" if word else None,
    )


def to_nothing(deed: Deed, raw: Mapping[str, Any], words: str) -> OperateReport:
    """Scaled to none: there is no chain, only instances that end."""
    alive = ended(deed)
    if alive:
        return finish(
            deed,
            "unknown",
            f"{words}, {len(alive)} still run at the deadline",
            raw=raw,
            next_step=f"toolkit status {deed.job_id}",
        )
    return finish(deed, "scaled", f"{words}, no instance is left", raw=raw, notes=(KEPT,))
