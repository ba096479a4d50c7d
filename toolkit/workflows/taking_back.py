"""A release that turned out bad after Nomad was done with it: an explicit revert, verified.

With as many canaries as instances Nomad's deployment ends at promotion, which is when traffic
moves: what the clients lose then, no deployment can be failed for.
"""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import ApiError, ExitCode, RefusedError, StalePlanError
from toolkit.rollout import last_verified, read
from toolkit.rollout.submit import submit
from toolkit.spec.plan import LiveJob, Plan, Submission
from toolkit.spec.report import DeployReport, Verdict
from toolkit.workflows import proof, roll
from toolkit.workflows.back import plan_back
from toolkit.workflows.clock import Clock
from toolkit.workflows.guarding import guarded
from toolkit.workflows.probing import Probing
from toolkit.workflows.rollback_target import Choice, choose
from toolkit.workflows.session import Session

_HONEST: dict[Verdict, Verdict] = {
    "deployed": "reverted",
    "superseded": "superseded",
    "held": "held",
    "unknown": "unknown",
}
"""How the rollout of the older version ended -> what that makes of the new one; else `failed`."""


def refusal(plan: Plan, no_revert: bool, *, back: bool = False) -> str | None:
    """Why a release over its probe's budget would stay; None: it is taken back.

    `back`: it is an older one, put back by a rollback.
    """
    if back:
        return "what a rollback put back stays, because what it left is no better"
    if no_revert:
        return "it stays as asked"
    updates = [group["Update"] for group in read.groups(plan.job) if group.get("Update")]
    automatic = plan.rendered.spec.rollout.auto_revert
    if updates:
        automatic = any(update.get("AutoRevert") for update in updates)
    return None if automatic else "auto_revert is off"


def taken_back(
    session: Session,
    plan: Plan,
    submission: Submission,
    report: DeployReport,
    probing: Probing,
    clock: Clock,
    *,
    timeout: float,
    no_revert: bool,
    back: bool = False,
) -> DeployReport:
    """The report as it is, unless the probe's budget was spent on what Nomad calls successful.

    Then the last verified release is registered again, and its rollout verified: `reverted`. What
    does not come back is `failed`, with what serves instead.
    """
    if report.verdict != "unverified" or probing.spent is None:
        return report
    if (why_not := refusal(plan, no_revert, back=back)) is not None:
        stays = _stays(report, why_not)
        return replace(stays, next=f"toolkit history {report.job}") if back else stays
    try:
        live, choice = _target(session, submission)
        earlier = plan_back(session, plan.rendered.spec, live, choice.version, ())
        clock.say("revert", f"{probing.spent} · {choice.sentence}")
        again = submit(session.world, earlier)
    except StalePlanError as exc:
        return _closed(report, probing, "superseded", exc.message, clock)
    except RefusedError as exc:
        return _stays(report, exc.message)
    except ApiError as exc:
        if exc.code is ExitCode.UNKNOWN:
            return _closed(report, probing, "unknown", exc.message, clock)
        why = f"no revert could be registered: {exc.message}"
        return _failed(session, report, probing, why, clock)
    clock.say("revert", f"version {again.version}, check index {again.check_index}")
    following = roll.Following(plan=earlier, submission=again, timeout=timeout)
    second = guarded(again, lambda: roll.follow(session, following, clock))
    verdict = _HONEST.get(second.verdict, "failed")
    if verdict == "failed":
        why = f"the revert to {_name(choice.version)} did not take either ({second.verdict})"
        return _failed(session, report, probing, why, clock, second)
    if verdict != "reverted":
        return _closed(report, probing, verdict, second.sentence, clock, second)
    verification = second.verification
    assert verification is not None  # noqa: S101 - nothing is called deployed without one
    count = f"{verification.verified} of {verification.expected} verified"
    said = f"{_what(report)} did not take; {_name(choice.version)} serves, {count}"
    return _ended(report, probing, "reverted", said, clock, second)


def _target(session: Session, submission: Submission) -> tuple[LiveJob, Choice]:
    """What is registered, and what to go back to; StalePlanError when it is not ours any more."""
    versions = [read.live_job(raw) for raw in session.nomad.versions(submission.job_id)]
    if not versions or versions[0].modify_index != submission.modify_index:
        raise StalePlanError(f"version {submission.version} is not what is registered any more")
    if versions[0].stopped:
        raise StalePlanError("somebody stopped the job")
    last, _ = last_verified.look(session.world, submission.job_id)
    try:
        return versions[0], choose(versions, None, submission.job_id, last)
    except RefusedError:
        previous = submission.previous
        if previous is None or previous.stopped:
            raise RefusedError("there is no older release to go back to") from None
        return versions[0], Choice(previous, "ran before it")


def _name(version: LiveJob) -> str:
    return version.release or f"version {version.version}"


def _what(report: DeployReport) -> str:
    return f"{report.job} {report.release}" if report.release else report.job


def _stays(report: DeployReport, why: str) -> DeployReport:
    """Nothing is taken back."""
    return replace(
        report, sentence=f"{report.sentence}; {why}", next=f"toolkit rollback {report.job}"
    )


def _ended(
    report: DeployReport,
    probing: Probing,
    verdict: Verdict,
    sentence: str,
    clock: Clock,
    second: DeployReport | None,
) -> DeployReport:
    """The report of both rollouts: the new version's, with what the older one's came to."""
    seen = probing.seen()
    count = f", {seen.count}" if seen is not None else ""
    last = report if second is None else second
    return replace(
        report,
        verdict=verdict,
        sentence=f"{sentence}{count}, in {clock.elapsed:.1f} s",
        serving=last.serving,
        verification=last.verification,
        causes=(*probing.causes, *(second.causes if second is not None else ())),
        timings=replace(report.timings, total=clock.elapsed),
        probe=seen,
        next=f"toolkit report {report.job}",
    )


def _closed(
    report: DeployReport,
    probing: Probing,
    verdict: Verdict,
    why: str,
    clock: Clock,
    second: DeployReport | None = None,
) -> DeployReport:
    """Not ours to decide any more, or not known."""
    said = f"{_what(report)}: {probing.spent}; {why}"
    ended = _ended(report, probing, verdict, said, clock, second)
    return replace(ended, next=f"toolkit status {report.job}")


def _failed(
    session: Session,
    report: DeployReport,
    probing: Probing,
    why: str,
    clock: Clock,
    second: DeployReport | None = None,
) -> DeployReport:
    """Nor did the revert take: what serves now is looked at, and said."""
    serves = _serves(session, report.job)
    said = f"{_what(report)} did not take: {probing.spent}; {why}; {serves}"
    return _ended(report, probing, "failed", said, clock, second)


def _serves(session: Session, job_id: str) -> str:
    """`now 2 instances of 1.2.0 (version 4) run`, by what Nomad and the chain say then."""
    found, unread = proof.patiently(session.world, lambda: _looked(session, job_id))
    return unread or found or "what serves now is not known"


def _looked(session: Session, job_id: str) -> str:
    allocations = read.allocations(session.nomad.allocations(job_id).value or [])
    versions = {v.version: v for v in map(read.live_job, session.nomad.versions(job_id))}
    running: dict[int, int] = {}
    for allocation in allocations:
        if allocation.should_run:
            running[allocation.job_version] = running.get(allocation.job_version, 0) + 1
    if not running:
        return "nothing of it runs now"
    parts = []
    for version, number in sorted(running.items()):
        known = versions.get(version)
        named = f"{known.release} (version {version})" if known and known.release else ""
        plural = "instance" if number == 1 else "instances"
        parts.append(f"{number} {plural} of {named or f'version {version}'}")
    newest = max(versions) if versions else None
    proven = ""
    if newest is not None and set(running) == {newest}:
        looked = proof.of_live(session, versions[newest], None, wait=proof.GLANCE)
        proven = f", {looked.verification.verified} of {looked.verification.expected} verified"
    verb = "runs" if sum(running.values()) == 1 else "run"
    return f"now {' and '.join(parts)} {verb}{proven}"
