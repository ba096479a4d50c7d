"""What one rollout comes to as a value: its word, its sentence, its seconds, its causes."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from toolkit.rollout import direct, launcher, reasons, sentences
from toolkit.rollout.verdict import Judged
from toolkit.spec.analysis import AnalysisReport
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import LiveJob, Plan, Submission
from toolkit.spec.probe import ProbeReport
from toolkit.spec.report import DeployReport, Timings
from toolkit.workflows.clock import Clock
from toolkit.workflows.session import Session


def broken(
    session: Session,
    judged: Judged,
    verification: Verification | None,
    job: Mapping[str, Any],
    secrets: Collection[str] = (),
) -> tuple[Cause, ...]:
    """Why the chain does not hold where Nomad is content; nothing in any other case."""
    if judged.verdict != "unverified":
        return ()
    return reasons.of_chain(session.world, verification, job, secrets)


def _launches(
    session: Session, plan: Plan | None, outcome: Outcome | None, live: LiveJob | None
) -> str:
    """What will start the work of a job that only launches others; empty for any other job."""
    job = plan.job if plan is not None else live.raw if live is not None else {}
    later = direct.is_launched_later(job) and outcome is not None
    return launcher.sentence(job, session.world.now()) if later else ""


def timings_of(
    clock: Clock, outcome: Outcome, begun: float, ended: float, edge_wait: float
) -> Timings:
    """Where the seconds went; `begun` and `ended` are on the world's clock."""
    gate = None
    if outcome.promoted_at is not None and outcome.healthy_at is not None:
        gate = outcome.promoted_at - outcome.healthy_at
    return Timings(
        total=clock.elapsed,
        render=clock.marks.get("render"),
        plan=clock.marks.get("plan"),
        submit=clock.marks.get("submit"),
        nomad=outcome.ended_at - begun - (gate or 0.0),
        healthy=None if outcome.healthy_at is None else outcome.healthy_at - begun,
        gate=gate,
        verify=ended - outcome.ended_at,
        edge_wait=outcome.edge_wait + edge_wait,
    )


def report(
    session: Session,
    clock: Clock,
    judged: Judged,
    *,
    job: str,
    release: str | None,
    previous: LiveJob | None,
    submission: Submission | None = None,
    outcome: Outcome | None = None,
    verification: Verification | None = None,
    plan: Plan | None = None,
    timings: Timings | None = None,
    version: int | None = None,
    causes: tuple[Cause, ...] = (),
    standing: LiveJob | None = None,
    probe: ProbeReport | None = None,
    analysis: AnalysisReport | None = None,
) -> DeployReport:
    """The report; `standing` is what is registered where a failed version was not taken back."""
    timings = timings or Timings(
        total=clock.elapsed,
        render=clock.marks.get("render"),
        plan=clock.marks.get("plan"),
        submit=clock.marks.get("submit"),
    )
    before = previous.release if previous else None
    deployment = outcome.deployment if outcome else None
    if submission is not None:
        version = submission.version
    return DeployReport(
        verdict=judged.verdict,
        sentence=sentences.verdict(
            judged,
            job=job,
            release=release,
            version=version,
            verification=verification,
            timings=timings,
            standing=standing,
            launches=_launches(session, plan, outcome, previous),
            probe=probe,
        ),
        job=job,
        environment=session.target.environment,
        address=session.target.nomad.address,
        namespace=session.target.namespace,
        release=release,
        previous_release=before,
        serving=verification.release if verification and verification.holds else None,
        version=version,
        deployment=deployment.id if deployment else None,
        evaluation=submission.evaluation if submission else None,
        timings=timings,
        verification=verification,
        causes=causes or (outcome.causes if outcome else ()),
        next=sentences.next_command(judged.verdict, job, outcome),
        plan=plan,
        probe=probe,
        analysis=analysis,
        events=tuple(clock.events),
        calls=session.nomad.counter.calls,
        expired_waits=session.nomad.counter.expired_waits,
    )
