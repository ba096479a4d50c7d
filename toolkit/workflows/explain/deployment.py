"""The story of a deployment: its state in words, why, and what followed it."""

from __future__ import annotations

from typing import Any, cast

from toolkit.errors import ApiError
from toolkit.rollout import read, reasons
from toolkit.rollout.revert import target_version
from toolkit.spec.cause import Cause
from toolkit.spec.explain import Condition, Explanation, Fact, Subject
from toolkit.spec.observed import AllocationView, DeploymentView, EvaluationView
from toolkit.workflows.explain import look, why
from toolkit.workflows.session import Session

BY_HAND = "Deployment marked as failed"
"""How Nomad describes a deployment that a person, or another tool, failed."""


def tell(session: Session, subject: Subject) -> Explanation:
    """One deployment."""
    raw = cast(dict[str, Any], session.nomad.deployment(subject.id).value)
    view = read.deployment(raw)
    job_id = str(raw.get("JobID") or "")
    unseen: list[str] = []
    mine: tuple[AllocationView, ...] = ()
    others: tuple[DeploymentView, ...] = ()
    evaluations: tuple[EvaluationView, ...] = ()
    job: dict[str, Any] = {"ID": job_id}
    try:
        mine = read.allocations(session.nomad.deployment_allocations(view.id))
        others = read.deployments(session.nomad.deployments(job_id).value or [])
        evaluations = read.evaluations(session.nomad.evaluations(job_id))
        job = session.nomad.job(job_id) or job
    except ApiError as exc:
        unseen.append(f"what belongs to it: {look.why(exc)}")
    lacking = None
    if any(group.placed < group.desired_total for group in view.groups):
        lacking = look.unplaced(evaluations, view.job_modify_index)
    bad = _bad(view, mine)
    placed = why.of_placement(session, lacking, job)
    causes = why.ordered(why.of_allocations(session, job, bad), placed)
    if not causes and view.description.startswith(BY_HAND):
        causes = (reasons.by_hand(view),)
    elif not causes and view.status == "failed" and mine:
        causes = (_late(view, mine),)
    if view.status == "failed" and not mine:
        unseen.append("its allocations: Nomad no longer keeps them")
    word, said = state(view, waits=bool(placed))
    healthy = sum(group.healthy for group in view.groups)
    desired = sum(group.desired_total for group in view.groups)
    return Explanation(
        subject=subject,
        job=job_id,
        word=word,
        sentence=f"deployment {view.short} of job {job_id} version {view.job_version} {said},"
        f" {healthy} of {desired} healthy",
        since=(raw.get("ModifyTime") or raw.get("CreateTime") or 0) / read.NANO or None,
        causes=causes,
        facts=tuple(_facts(view, others)),
        unseen=tuple(unseen),
        next=_next(view, job_id, bad, waits=bool(placed)),
    )


def _late(view: DeploymentView, mine: tuple[AllocationView, ...]) -> Cause:
    """Nothing failed and nothing lacked a node, and it was not done in the time that it had."""
    deadline = max((group.progress_deadline for group in view.groups), default=0.0)
    limit = f" of {deadline:g} s" if deadline else ""
    return Cause(
        "slow",
        f"the deployment was not done within its progress_deadline{limit}",
        evidence=(
            f"deployment: {view.description}",
            *(f"allocation: {each.short} {each.client_status}" for each in mine[:5]),
        ),
        advice="raise progress_deadline, or find what its last instances waited for",
    )


def _bad(view: DeploymentView, mine: tuple[AllocationView, ...]) -> list[AllocationView]:
    if view.status == "successful":
        return []
    bad = why.failed(mine)
    if bad or view.status != "failed":
        return bad
    # Nomad stopped them before they could show more: what they say of themselves is all there is.
    if view.description.startswith(BY_HAND):
        return []
    return [each for each in mine if each.healthy is not True]


def state(view: DeploymentView, *, waits: bool) -> tuple[Condition, str]:
    """The word, and how it is; `waits`: something could not be placed."""
    match view.status:
        case "successful":
            return "done", "was successful"
        case "failed":
            target = target_version(view.description)
            went = f" and made Nomad go back to version {target}" if target is not None else ""
            nothing = " (there was no version to go back to)" if " - no" in view.description else ""
            return "unwell", f"failed{went}{nothing}"
        case "cancelled":
            return "stopped", f"was cancelled ({view.description})"
        case "paused":
            return "waiting", "is paused"
        case "running" if waits:
            return "waiting", "waits for a node that can take its instances"
        case "running" if view.needs_promotion and all(
            group.healthy >= group.desired_canaries for group in view.groups
        ):
            return "waiting", "waits for promotion"
        case "running":
            return "rolling", "is under way"
        case other:
            return "waiting", f"is {other}"


def _facts(view: DeploymentView, others: tuple[DeploymentView, ...]) -> list[Fact]:
    found = [Fact("status", f"{view.status}: {view.description}")]
    for group in view.groups:
        number = group.desired_canaries
        canaries = f", {number} canar{'y' if number == 1 else 'ies'}" if number else ""
        found.append(
            Fact(
                "group",
                f"{group.group}: {group.placed} placed, {group.healthy} healthy,"
                f" {group.unhealthy} unhealthy of {group.desired_total}"
                f"{canaries}" + (", promoted" if group.promoted and group.desired_canaries else ""),
            )
        )
    later = [each for each in others if each.create_index > view.create_index]
    if later:
        follows = later[0]
        found.append(
            Fact(
                "after",
                f"deployment {follows.short} of version {follows.job_version}: {follows.status}",
            )
        )
    return found


def _next(view: DeploymentView, job: str, bad: list[AllocationView], *, waits: bool) -> str:
    if waits:
        return f"toolkit why-not {job}"
    match view.status:
        case "paused":
            return f"toolkit resume {job}"
        case "running":
            healthy = all(group.healthy >= group.desired_canaries for group in view.groups)
            ready = view.needs_promotion and healthy
            return f"toolkit {'promote' if ready else 'attach'} {job}"
        case "failed" if bad:
            return f"toolkit explain {bad[0].short}"
        case _:
            return f"toolkit explain {job}"
