"""Where a rollout in steps begins: with the first step, or with one that is rolling already."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.rollout import memory, read
from toolkit.rollout.canaries import number_of, with_canaries
from toolkit.spec.analysis import AnalysisSettings
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import Memory, Plan, Submission
from toolkit.spec.rendered import RenderedJob
from toolkit.workflows import roll, tagging
from toolkit.workflows.analysing import Canaries, canaries_of
from toolkit.workflows.clock import Clock
from toolkit.workflows.session import Session
from toolkit.workflows.stepping import Steps


def first(plan: Plan, steps: tuple[int, ...]) -> Plan:
    """The plan of the first step; `plan` is that of the last, which the user agreed to."""
    return replace(plan, job=with_canaries(plan.job, steps[0])) if steps else plan


def found(
    session: Session, clock: Clock, plan: Plan, submission: Submission, steps: tuple[int, ...]
) -> Steps:
    """The steps of a rollout that is under way: those after the one that is registered."""
    live = plan.live
    assert live is not None  # noqa: S101 - it is under way
    canaries = number_of(live.raw)
    at = steps.index(canaries) if canaries in steps else max(len(steps) - 1, 0)
    origin = tagging.origin_again(session, live.raw)
    version = tagging.already(live.raw)
    return Steps(session, clock, plan, version, origin, submission, steps, at)


def under_way(session: Session, plan: Plan, steps: tuple[int, ...]) -> Submission | None:
    """The live version as a submission, when exactly it, or a step of it, still rolls; else None.

    Its `previous` is what it goes back to, which no step is.
    """
    if plan.changed and not _is_step(session, plan, steps):
        return None
    found = roll.under_way(session, plan)
    return None if found is None else stable_before(session, found)


def _is_step(session: Session, plan: Plan, steps: tuple[int, ...]) -> bool:
    live = plan.live
    if live is None or live.stopped or live.release != plan.release:
        return False
    canaries = number_of(live.raw)
    if canaries not in steps[:-1]:
        return False
    answer = session.nomad.plan(with_canaries(plan.job, canaries))
    return (answer.get("Diff") or {}).get("Type") == "None"


def stable_before(session: Session, submission: Submission) -> Submission:
    """The submission with what it goes back to, where a step is what is right before it."""
    previous = submission.previous
    if previous is None or previous.stable:
        return submission
    for raw in session.nomad.versions(submission.job_id):
        found = read.live_job(raw)
        if found.version < submission.version and found.stable:
            return replace(submission, previous=found)
    return submission


def attached(
    session: Session,
    job: str,
    following: roll.Following,
    analyse: bool | None,
    clock: Clock,
) -> tuple[Steps, AnalysisSettings | None]:
    """The steps of a rollout that somebody else began, and how its canaries are compared.

    By what the job file says: nothing of a command line is kept with a version.
    """
    spec = session.load(job)
    canaries = canaries_of(spec, (), analyse)
    if following.raw.get("Type") != "service":
        canaries = Canaries()
    plan = plan_of(session, spec, following.raw)
    submission = stable_before(session, following.submission)
    return found(session, clock, plan, submission, canaries.steps), canaries.compared


def plan_of(session: Session, spec: JobSpec, raw: Mapping[str, Any]) -> Plan:
    """What is registered, as the plan that registered it."""
    live = read.live_job(raw)
    submission = session.nomad.submission(str(raw["ID"]), live.version)
    source = str((submission or {}).get("Source") or "")
    return Plan(
        rendered=RenderedJob(spec=spec, hcl=memory.without(source), lines=(), sources={}),
        job=read.registration(raw),
        check_index=live.modify_index,
        live=live,
        remembered=memory.recall(submission, live.release) or Memory(),
    )
