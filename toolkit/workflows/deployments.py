"""`toolkit promote | abort | pause | resume`: a person decides about the rollout under way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.errors import RefusedError
from toolkit.rollout import gate, read
from toolkit.rollout.verdict import judge
from toolkit.spec.chain import Verification
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.listing import OperateReport, OperateVerdict
from toolkit.spec.observed import DeploymentView
from toolkit.spec.outcome import Outcome
from toolkit.workflows import tagging
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.steering import Deed, begin, finish, follow, prove, word_of


@dataclass(frozen=True, slots=True)
class Rolling:
    """A rollout under way."""

    deed: Deed
    deployment: DeploymentView
    raw: Mapping[str, Any]
    """The job version that rolls."""


def promote(
    session: Session,
    job: str,
    *,
    force: bool = False,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
    timeout: float | None = None,
) -> OperateReport:
    """Promote the waiting canaries and watch to the end.

    The gate must be open: Nomad, Consul, every Traefik and the release agree; `force` leaves it
    to Nomad's word alone. RefusedError when nothing waits or the gate is closed.
    """
    rolling = under_way(session, job, "promote", on_event, timeout)
    deed, deployment = rolling.deed, rolling.deployment
    if deployment.status == "paused":
        raise RefusedError(
            f"the rollout of {deed.job_id} is paused", hint=f"toolkit resume {deed.job_id}"
        )
    if not deployment.needs_promotion:
        raise RefusedError(
            f"no canary of {deed.job_id} waits for promotion: {deployment.description}",
            hint=f"toolkit attach {deed.job_id}",
        )
    if not force:
        answer = look(rolling)
        if not answer.open:
            raise RefusedError(
                f"the gate is closed: {answer.reason}",
                hint=f"toolkit attach {deed.job_id} promotes once it opens",
            )
        deed.say("gate", answer.reason)
    ask(session.target, confirm, f"promote version {deployment.job_version} of {deed.job_id}")
    session.nomad.promote(deployment.id)
    deed.say("gate", "promoted, without the gate" if force else "promoted")
    return to_the_end(rolling, done="promoted")


def abort(
    session: Session,
    job: str,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
    timeout: float | None = None,
) -> OperateReport:
    """Fail the deployment under way and watch what Nomad puts in its place."""
    rolling = under_way(session, job, "abort", on_event, timeout)
    deed, deployment = rolling.deed, rolling.deployment
    ask(session.target, confirm, f"abort version {deployment.job_version} of {deed.job_id}")
    session.nomad.fail(deployment.id)
    deed.say("fail", f"version {deployment.job_version} aborted")
    outcome = follow(deed, rolling.raw)
    raw = session.nomad.job(deed.job_id) or rolling.raw
    words = f"{deed.job_id} version {deployment.job_version} aborted"
    if outcome.end not in {"reverted", "failed"}:
        return ended_otherwise(rolling, outcome, words)
    if outcome.end == "failed":
        # Nothing was registered in its place: what ran before still runs, if anything did.
        return finish(
            deed,
            "failed",
            f"{words}, and nothing took its place: {outcome.detail}",
            raw=raw,
            deployment=deployment.id,
            next_step=f"toolkit rollback {deed.job_id}",
        )
    verification = prove(deed, raw)
    judged = judge(outcome, verification)
    done = judged.verdict == "reverted"
    release = read.live_job(raw).release or f"version {outcome.version}"
    return finish(
        deed,
        "aborted" if done else word_of(judged.verdict),
        f"{words}; {release} serves, {counted(verification)}" if done else f"{words}: {judged.why}",
        raw=raw,
        deployment=deployment.id,
        verification=verification,
        next_step=None if done else f"toolkit status {deed.job_id}",
    )


def pause(
    session: Session,
    job: str,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
) -> OperateReport:
    """Stop the rollout under way where it is; whoever watches it ends with `held`."""
    rolling = under_way(session, job, "pause", on_event, None)
    deed, deployment = rolling.deed, rolling.deployment
    resume_it = f"toolkit resume {deed.job_id}"
    if deployment.status == "paused":
        return finish(
            deed,
            "unchanged",
            f"the rollout of {deed.job_id} is paused already",
            raw=rolling.raw,
            deployment=deployment.id,
            next_step=resume_it,
        )
    ask(session.target, confirm, f"pause the rollout of {deed.job_id}")
    session.nomad.pause(deployment.id, True)
    return finish(
        deed,
        "paused",
        f"the rollout of {deed.job_id} to version {deployment.job_version} is paused",
        raw=rolling.raw,
        deployment=deployment.id,
        notes=("both releases go on serving as they are; Nomad places and stops nothing",),
        next_step=resume_it,
    )


def resume(
    session: Session,
    job: str,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
    timeout: float | None = None,
) -> OperateReport:
    """Let a paused rollout go on and watch it; promotion stays a decision of its own."""
    rolling = under_way(session, job, "resume", on_event, timeout)
    deed, deployment = rolling.deed, rolling.deployment
    if deployment.status != "paused":
        raise RefusedError(
            f"the rollout of {deed.job_id} is not paused: {deployment.description}",
            hint=f"toolkit attach {deed.job_id}",
        )
    ask(session.target, confirm, f"resume the rollout of {deed.job_id}")
    session.nomad.pause(deployment.id, False)
    deed.say("step", "goes on")
    return to_the_end(rolling, done="resumed")


def under_way(
    session: Session, job: str, action: str, on_event: OnEvent, timeout: float | None
) -> Rolling:
    """The rollout to decide about; RefusedError when there is none."""
    deed = begin(session, job, action, on_event, timeout)
    latest = session.nomad.latest_deployment(deed.job_id)
    deployment = read.deployment(latest) if latest else None
    if deployment is None or deployment.terminal:
        last = f"; the last one is {deployment.status}" if deployment else ""
        raise RefusedError(
            f"no rollout of {deed.job_id} is under way{last}",
            hint=f"toolkit status {deed.job_id}",
        )
    return Rolling(deed, deployment, deed.raw)


def look(rolling: Rolling) -> gate.GateAnswer:
    """Look at the canaries once, Nomad's own word first."""
    deed, deployment = rolling.deed, rolling.deployment
    views = read.allocations(deed.session.nomad.allocations(deed.job_id).value or [])
    answer = gate.check(
        deed.world, rolling.raw, deployment, views, deed.spec.served if deed.spec else None
    )
    if gate.is_due(deployment, views):
        return answer
    healthy = sum(group.healthy for group in deployment.groups)
    wanted = sum(group.desired_canaries for group in deployment.groups)
    reason = f"Nomad calls {healthy} of {wanted} canaries healthy"
    return gate.GateAnswer(False, answer.verification, reason)


def to_the_end(rolling: Rolling, *, done: OperateVerdict) -> OperateReport:
    """Watch the rollout, prove what serves at the end, and say it; `done` is the good word."""
    deed = rolling.deed
    outcome = follow(deed, rolling.raw)
    words = f"{deed.job_id} {read.live_job(rolling.raw).release or ''}".strip()
    if outcome.end not in {"successful", "reverted"}:
        return ended_otherwise(rolling, outcome, words)
    raw = deed.session.nomad.job(deed.job_id) or rolling.raw
    verification = prove(deed, raw)
    judged = judge(outcome, verification)
    good = judged.verdict == "deployed"
    if good:
        tagging.note_verified(deed.session, deed.job_id, raw, deed.say)
    why = outcome.causes[0].summary if outcome.causes else judged.why
    return finish(
        deed,
        done if good else word_of(judged.verdict),
        f"{words}, {counted(verification)}" if good else f"{words}: {why}",
        raw=raw,
        deployment=rolling.deployment.id,
        verification=verification,
        next_step=None if good else f"toolkit status {deed.job_id}",
    )


def ended_otherwise(rolling: Rolling, outcome: Outcome, words: str) -> OperateReport:
    """A rollout that ended neither well nor in a revert."""
    deed = rolling.deed
    judged = judge(outcome, None)
    why = outcome.causes[0].summary if outcome.causes else judged.why
    seen = outcome.deployment
    waits = outcome.end == "held" and seen is not None and seen.status == "running"
    step = "promote" if waits else "status"
    return finish(
        deed,
        word_of(judged.verdict),
        f"{words}: {why}",
        raw=deed.session.nomad.job(deed.job_id),
        deployment=rolling.deployment.id,
        next_step=f"toolkit {step} {deed.job_id}",
    )


def counted(verification: Verification) -> str:
    """`2 of 2 verified`."""
    return f"{verification.verified} of {verification.expected} verified"
