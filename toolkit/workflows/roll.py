"""From a submission to a report: watch, verify, verdict; shared by deploy, attach and rollback."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.rollout import direct, edges, read, sentences, verify
from toolkit.rollout.declared import services
from toolkit.rollout.machine import Watched
from toolkit.rollout.machine.word import fitting
from toolkit.rollout.verdict import Judged, judge
from toolkit.spec.analysis import AnalysisSettings
from toolkit.spec.events import OnEvent
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import LiveJob, Plan, Submission
from toolkit.spec.report import DeployReport
from toolkit.workflows import proof
from toolkit.workflows.analysing import comparison
from toolkit.workflows.clock import Clock
from toolkit.workflows.probing import Probing
from toolkit.workflows.reporting import broken, report, timings_of
from toolkit.workflows.session import Session
from toolkit.workflows.stepping import Steps, through


@dataclass(frozen=True, slots=True)
class Following:
    """A registered version that is to be followed to its verdict."""

    plan: Plan | None
    submission: Submission
    timeout: float
    promote: bool = True
    fail_fast: bool = True
    wait_capacity: float | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)
    """The job as registered, where there is no plan of ours."""
    serves: ServedRelease | None = None
    """How to ask for the release, where there is no plan of ours."""
    probing: Probing = field(default_factory=Probing)
    steps: Steps | None = None
    """Its canaries come in steps; None: all of them at once."""
    comparing: AnalysisSettings | None = None
    """How its canaries are compared with stable instances; None: they are not."""
    under_way: bool = False
    """Its canaries may be there already."""

    @property
    def job(self) -> Mapping[str, Any]:
        """The job as registered."""
        return self.plan.job if self.plan is not None else self.raw

    @property
    def served(self) -> ServedRelease | None:
        """How to ask an instance for its release."""
        return self.plan.rendered.spec.served if self.plan is not None else self.serves

    @property
    def release(self) -> str | None:
        """The release asked for."""
        return self.submission.release

    @property
    def secrets(self) -> Collection[str]:
        """Values that evidence must not show."""
        return [s.reveal() for s in self.plan.secrets] if self.plan is not None else []


def follow(session: Session, following: Following, clock: Clock) -> DeployReport:
    """Watch a submission to its end, verify what should serve then, and judge."""
    world, submission, steps = session.world, following.submission, following.steps
    watched = Watched(
        job=following.job,
        version=submission.version,
        modify_index=submission.modify_index,
        evaluation=submission.evaluation,
        served=following.served,
        deadline=world.clock() + following.timeout,
        promote=following.promote,
        analyse=following.comparing is not None,
        more_steps=steps is not None and steps.more,
        fail_fast=following.fail_fast,
        wait_capacity=following.wait_capacity,
        edge_seen=_sees_edge(session, following.job),
        secrets=following.secrets,
    )
    begun = world.clock()
    probing = following.probing
    compared = comparison(
        world, watched.job, following.comparing, probing.outside, under_way=following.under_way
    )
    first = len(clock.rolled)
    watched, submission, outcome = through(session, watched, submission, steps, compared, clock)
    began = following.submission.submitted_at
    clock.rolled.insert(first, (replace(submission, submitted_at=began), outcome))
    found, unread = proof.patiently(
        world,
        lambda: proof.at_end(session, outcome, submission, watched.job, following.served),
    )
    found = found or proof.Found()
    looked = found.looked
    verification = fitting(outcome, found.proof, submission.version)
    judged = judge(outcome, verification, spent=probing.spent)
    ended = world.clock()
    if unread is None and judged.verdict == "deployed":
        probing.settle(clock, submission.version)
        judged = judge(outcome, verification, spent=probing.spent)
    if judged.verdict == "unverified":
        ended_otherwise, _ = proof.patiently(
            world, lambda: proof.reconfirmed(session, watched, outcome)
        )
        outcome = ended_otherwise or outcome
        judged = judge(outcome, verification, spent=probing.spent)
    if unread is not None:
        judged = Judged("unknown", f"{outcome.end} in Nomad, but {unread}")
    if looked and judged.verdict == "deployed":
        before = submission.previous.version if submission.previous else None
        for line in sentences.departed(outcome, looked.verification, before):
            clock.say("old", line)
    made = report(
        session,
        clock,
        judged,
        job=submission.job_id,
        release=following.release,
        previous=submission.previous,
        submission=submission,
        outcome=outcome,
        verification=verification,
        plan=following.plan,
        timings=timings_of(clock, outcome, begun, ended, looked.edge_wait if looked else 0.0),
        causes=(
            *(probing.causes if judged.verdict == "unverified" else ()),
            *broken(session, judged, verification, watched.job, following.secrets),
        ),
        standing=found.registered,
        probe=probing.seen(),
        analysis=compared.report,
    )
    return compared.hinted(made)


def _sees_edge(session: Session, job: Mapping[str, Any]) -> bool:
    """True when the job has a route and every Traefik can be read now."""
    routed = any(service.routes for service in services(job))
    return routed and edges.look(session.world).blind is None


def unchanged(session: Session, plan: Plan, clock: Clock) -> DeployReport:
    """Nothing to submit: prove that what is there serves."""
    live = plan.live
    assert live is not None  # noqa: S101 - a plan without changes has a live job
    if direct.is_work(live.raw):
        return _worked(session, clock, live, plan)
    looked = proof.of_live(session, live, plan.rendered.spec.served, wait=proof.GLANCE)
    outcome = Outcome("successful", "nothing changed", live.version)
    judged = judge(outcome, looked.verification, unchanged=True)
    if judged.verdict == "unverified" and _given_up(session, live):
        anew = f"`toolkit stop {plan.job_id}`, then `toolkit deploy {plan.job_id}`"
        clock.say("note", f"Nomad has given version {live.version} up: {anew}, begins anew")
    return report(
        session,
        clock,
        judged,
        job=plan.job_id,
        release=plan.release,
        previous=live,
        outcome=outcome,
        verification=looked.verification,
        plan=plan,
        version=live.version,
        causes=broken(session, judged, looked.verification, live.raw),
    )


def _given_up(session: Session, live: LiveJob) -> bool:
    """True when Nomad starts no more instances of a version of which none came up."""
    latest = session.nomad.latest_deployment(str(live.raw["ID"]))
    if latest is None:
        return False
    seen = read.deployment(latest)
    return (
        (seen.job_version, seen.status) == (live.version, "failed")
        and not any(group.healthy for group in seen.groups)
    )  # fmt: skip


def unplaced(session: Session, plan: Plan, clock: Clock) -> DeployReport:
    """The dry run could not place it: nothing is registered."""
    return report(
        session,
        clock,
        Judged("unplaced", plan.unplaced[0].summary),
        job=plan.job_id,
        release=plan.release,
        previous=plan.live,
        plan=plan,
        causes=plan.unplaced,
    )


def _worked(session: Session, clock: Clock, live: LiveJob, plan: Plan | None) -> DeployReport:
    """A batch job that was registered before: what became of its work."""
    outcome = proof.of_work(session, live)
    return report(
        session,
        clock,
        judge(outcome, None),
        job=str(live.raw["ID"]),
        release=live.release,
        previous=live,
        outcome=outcome,
        plan=plan,
        version=live.version,
    )


def detached(session: Session, plan: Plan, submission: Submission, clock: Clock) -> DeployReport:
    """Registered, and left to itself as asked."""
    return report(
        session,
        clock,
        Judged("submitted", ""),
        job=plan.job_id,
        release=plan.release,
        previous=plan.live,
        submission=submission,
        plan=plan,
    )


def attached(session: Session, job: str, *, timeout: float | None) -> Following:
    """The newest registered version of a job as something to follow."""
    spec = session.load(job)
    submission = _registered(session, spec.name)
    raw = session.nomad.job(spec.name) or {}
    return Following(
        plan=None,
        submission=submission,
        timeout=timeout or spec.rollout.timeout,
        raw=raw,
        serves=spec.served,
    )


def under_way(session: Session, plan: Plan) -> Submission | None:
    """The live version as a submission, when exactly it is still rolling; else None."""
    if plan.live is None or not _rolls(session, plan.live):
        return None
    return _registered(session, plan.job_id)


def _rolls(session: Session, live: LiveJob) -> bool:
    latest = session.nomad.latest_deployment(str(live.raw["ID"]))
    if latest is None:
        return False
    deployment = read.deployment(latest)
    return not deployment.terminal and deployment.job_version == live.version


def _registered(session: Session, job_id: str) -> Submission:
    """The newest version of a job as if it had just been submitted."""
    live, previous = proof.newest(session, job_id)
    return Submission(
        job_id=job_id,
        version=live.version,
        modify_index=live.modify_index,
        evaluation=None,
        check_index=live.modify_index,
        submitted_at=(live.raw.get("SubmitTime") or 0) / read.NANO or session.world.now(),
        previous=previous,
        release=live.release,
    )


def verified(session: Session, job: str, *, on_event: OnEvent) -> DeployReport:
    """`toolkit verify`: the chain of the live job, changed by nobody."""
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    spec = session.load(job)
    live, _ = proof.newest(session, spec.name)
    if direct.is_work(live.raw) and not live.stopped:
        return _worked(session, clock, live, None)
    looked = _glance(session, live, spec.served)
    outcome = Outcome("successful", "", live.version)
    judged = judge(outcome, looked.verification, unchanged=True)
    if live.stopped:
        judged = Judged("held", "the job is stopped")
    elif looked.verification.rolling:
        outcome = Outcome("undecided", f"version {live.version} is still rolling", live.version)
        judged = judge(outcome, looked.verification)
    return report(
        session,
        clock,
        judged,
        job=spec.name,
        release=live.release,
        previous=live,
        outcome=outcome,
        verification=looked.verification,
        version=live.version,
        causes=broken(session, judged, looked.verification, live.raw),
    )


def _glance(session: Session, live: LiveJob, served: ServedRelease | None) -> verify.Looked:
    """The chain as it is now; during a rollout, what is not there yet is not waited for."""
    rolls = not live.stopped and _rolls(session, live)
    while True:
        wait = 0.0 if rolls else proof.GLANCE
        looked = proof.of_live(session, live, served, wait=wait, alone=not rolls)
        if looked.verification.holds and not rolls:
            return looked
        before, rolls = rolls, not live.stopped and _rolls(session, live)
        # Nomad makes the deployment of a version a moment after it, and ends it once.
        if rolls == before:
            return looked
