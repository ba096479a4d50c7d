"""The newest rollout of a job that nobody here watched, from what Nomad still knows of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.errors import NotFoundError
from toolkit.rollout import diff, direct, read
from toolkit.rollout.timeline import Course, timeline
from toolkit.rollout.verdict import Judged, judge
from toolkit.spec.chain import Verification
from toolkit.spec.kept import PageReport
from toolkit.spec.observed import AllocationView, DeploymentView
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import LiveJob
from toolkit.spec.report import DeployReport, Timings
from toolkit.spec.timeline import Mark
from toolkit.views import deploy as deploy_view
from toolkit.workflows import proof
from toolkit.workflows.history import secret_values
from toolkit.workflows.names import Found, find
from toolkit.workflows.report_timeline import canaries_of
from toolkit.workflows.session import Session

MISSING = (
    "nobody here watched this rollout: when canaries were promoted, what Consul and Traefik said "
    "on the way, the plan and the steps are not known"
)
_SETTLED = 2.0
"""Seconds shown after the last thing that happened."""


def report(session: Session, job: str, *, kept: Sequence[str] = ()) -> PageReport:
    """What Nomad knows of the newest version, and whether it serves now.

    NotFoundError for a job that Nomad does not know either.
    """
    started = session.world.clock()
    found = find(session, job)
    versions = session.nomad.versions(found.id, diffs=True)
    if not versions:
        raise gone(session, found.id)
    live, *older = [read.live_job(raw) for raw in versions]
    allocations = read.allocations(session.nomad.allocations(found.id).value or [])
    rollouts = read.deployments(session.nomad.deployments(found.id).value or [])
    deployment = next((d for d in reversed(rollouts) if d.job_version == live.version), None)
    rolls = deployment is not None and not deployment.terminal
    judged, verification = _judged(session, found, live, rolls=rolls)
    now = session.world.now()
    course = _course(live, older, allocations, deployment, now)
    body = versions[0].get("Diff")
    document = deploy_view.document(
        DeployReport(
            verdict=judged.verdict,
            sentence=_sentence(found.id, live, deployment, judged),
            job=found.id,
            environment=session.target.environment,
            address=session.target.nomad.address,
            namespace=session.target.namespace,
            release=live.release,
            previous_release=older[0].release if older else None,
            serving=verification.release if verification and verification.holds else None,
            version=live.version,
            deployment=deployment.id if deployment else None,
            evaluation=None,
            timings=Timings(total=session.world.clock() - started),
            verification=verification,
            next=None if judged.verdict == "unchanged" else f"toolkit explain {found.id}",
            timeline=timeline(course, allocations),
            calls=session.nomad.counter.calls,
        )
    )
    return PageReport(
        source="nomad",
        id=None,
        at=now,
        report=document,
        changes=diff.lines(body, secret_values(session, found.id)) if body else (),
        notes=(*kept, MISSING),
    )


def gone(session: Session, job_id: str) -> NotFoundError:
    """Neither Nomad nor this project knows anything of it."""
    return NotFoundError(
        f"nothing is known of {job_id}: Nomad has no such job in namespace "
        f"{session.target.namespace}, and no report of it is kept here",
        system="Nomad",
        address=session.target.nomad.address,
        hint="toolkit report --list shows what is kept, toolkit status what is deployed",
    )


def _judged(
    session: Session, found: Found, live: LiveJob, *, rolls: bool
) -> tuple[Judged, Verification | None]:
    """Whether it serves now: of back then nobody knows."""
    if live.stopped:
        return Judged("held", "the job is stopped"), None
    if direct.is_work(live.raw):
        return judge(proof.of_work(session, live), None), None
    served = found.spec.served if found.spec else None
    wait = 0.0 if rolls else proof.GLANCE
    seen = proof.of_live(session, live, served, wait=wait, alone=not rolls).verification
    end = Outcome("undecided", f"version {live.version} is still rolling", live.version)
    outcome = end if rolls else Outcome("successful", "", live.version)
    return judge(outcome, seen, unchanged=True), seen


def _sentence(job: str, live: LiveJob, deployment: DeploymentView | None, judged: Judged) -> str:
    what = f"{job} {live.release or f'version {live.version}'}"
    rollout = f"its deployment is {deployment.status}" if deployment else "it has no deployment"
    now = "it serves now" if judged.verdict == "unchanged" else judged.why or judged.verdict
    return f"{what}: {rollout}; {now}"


def _course(
    live: LiveJob,
    older: Sequence[LiveJob],
    allocations: Sequence[AllocationView],
    deployment: DeploymentView | None,
    now: float,
) -> Course:
    began = (live.raw.get("SubmitTime") or 0) / read.NANO or now
    mine = [view for view in allocations if view.job_version == live.version]
    judged = [view.judged_at for view in mine if view.healthy and view.judged_at >= began]
    marks = [Mark(began, "submitted", f"version {live.version} submitted")]
    if judged and all(view.healthy for view in mine if view.should_run):
        marks.append(Mark(max(judged), "healthy", "every new instance is healthy, says Nomad"))
    notes = () if mine else (f"Nomad keeps no instance of version {live.version} any more",)
    return Course(
        version=live.version,
        began=began,
        ended=now if deployment and not deployment.terminal else _settled(allocations, began, now),
        index=live.modify_index,
        canaries=canaries_of(deployment),
        releases={version.version: version.release for version in (live, *older)},
        marks=tuple(marks),
        delays=_delays(live.raw),
        notes=notes,
    )


def _settled(allocations: Sequence[AllocationView], began: float, now: float) -> float:
    """When nothing of the rollout moved any more: long after it a page shows nothing else."""
    moments = [view.judged_at for view in allocations]
    moments += [
        event.at
        for view in allocations
        if view.desired_status != "run"
        for task in view.tasks
        for event in task.events
    ]
    last = max((at for at in moments if at >= began), default=began)
    return min(last + _SETTLED, now)


def _delays(job: Mapping[str, Any]) -> dict[str, float]:
    """Group -> seconds between leaving Consul and the signal; nobody notes the former."""
    return {
        group["Name"]: (group.get("ShutdownDelay") or 0) / read.NANO for group in read.groups(job)
    }
