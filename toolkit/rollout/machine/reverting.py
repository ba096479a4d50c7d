"""A deployment that failed, and Nomad's own revert of it; pure."""

from __future__ import annotations

from toolkit.rollout.declared import services
from toolkit.rollout.hopeless import suspects
from toolkit.rollout.machine import capacity, instances, promotion
from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Ask, Decision, End, Explain, Follow, Wait
from toolkit.rollout.machine.registration import PURGED, STOPPED, confirmed
from toolkit.rollout.revert import target_version
from toolkit.spec.observed import DeploymentView
from toolkit.spec.plan import LiveJob

APPEARS = 20.0
"""Seconds in which the revert's deployment must appear."""
DIRECT = 1.0
"""Seconds without one after which the registered job is asked what it is."""


def decide(watched: Watched, answers: Answers, failed: DeploymentView) -> Decision:
    """From a failed deployment to its end, a revert of it included."""
    did = answers.did
    if not did.explained:
        bad = suspects(answers.allocations or (), failed.job_version)
        lacking = () if bad else capacity.causes(watched, answers)
        return Explain(tuple(bad), lacking, failed)
    target = target_version(failed.description)
    if target is None:
        decided: Decision = End("failed", failed.description, watched.version, failed)
    elif did.following is None:
        return Follow(target)
    else:
        decided = _followed(watched, answers, failed, did.following)
    return _unplaced(answers, decided)


def _unplaced(answers: Answers, decided: Decision) -> Decision:
    """What was given up for want of room ends with that word, whatever came back."""
    gave_up = answers.did.gave_up or [c.kind for c in answers.causes] == ["unplaced"]
    if isinstance(decided, End) and gave_up and decided.end in {"failed", "reverted", "undecided"}:
        why = answers.causes[0].summary if answers.causes else decided.detail
        return End("unplaced", why, decided.version, decided.deployment)
    return decided


def _followed(watched: Watched, answers: Answers, failed: DeploymentView, since: float) -> Decision:
    following = _following(answers, failed)
    if following is None:
        return _without_deployment(watched, answers, failed, since)
    version = following.job_version
    match following.status:
        case "successful":
            return confirmed(watched, answers, End("reverted", failed.description, version, failed))
        case "failed":
            detail = f"the revert failed too: {following.description}"
            return End("failed", detail, version, failed)
        case "cancelled":
            stopped = "stopped" in following.description
            word = "stopped" if stopped else "superseded"
            return End(word, following.description, version, failed)  # type: ignore[arg-type]
        case "paused":
            return End("held", "the deployment of the revert is paused", version, failed)
    if promotion.is_due(following, answers.allocations or ()):
        return promotion.decide(watched, answers, following, revert=True)
    return Wait(watched.deadline, "the revert to end")


def _following(answers: Answers, failed: DeploymentView) -> DeploymentView | None:
    """The deployment of the next job version.

    Nomad fails a deployment and registers what it goes back to in one step: nobody's version
    comes between them.
    """
    version = failed.job_version + 1
    return next((d for d in answers.deployments or () if d.job_version == version), None)


def _without_deployment(
    watched: Watched, answers: Answers, failed: DeploymentView, since: float
) -> Decision:
    """Nomad makes no deployment for what it goes back to, or has not yet."""
    found = answers.registered
    if found == "gone":
        return End("stopped", PURGED, watched.version, failed)
    if (version := _replaced(watched, answers, failed)) is not None:
        return confirmed(watched, answers, End("reverted", failed.description, version, failed))
    if found is not None:
        if found.stopped and found.version == failed.job_version + 1:
            detail = f"{failed.description}, which was stopped"
            return End("failed", detail, watched.version, failed)
        if found.stopped:
            return End("stopped", STOPPED, watched.version, failed)
        if found.version > failed.job_version + 1:
            detail = f"version {found.version} replaced it"
            return End("superseded", detail, watched.version, failed)
        if found.version > failed.job_version and _runs(answers, found):
            return End("reverted", failed.description, found.version, failed)
    if answers.now >= since + APPEARS and "Nomad" not in answers.lost:
        return End("failed", "the revert made no deployment", watched.version, failed)
    ask_at = max(since + DIRECT, answers.did.ask_again)
    if found is None and answers.now >= ask_at:
        return Ask("job")
    until = since + APPEARS if found is not None else ask_at
    if isinstance(found, LiveJob) and (again := instances.steady_at(_as_found(found), answers)):
        until = min(until, again)
    return Wait(until, "the revert to begin")


def _runs(answers: Answers, found: LiveJob) -> bool:
    """True when the instances of what is registered now run, and no deployment judges them."""
    judged = _as_found(found)
    return not instances.expects_deployment(found.raw) and (
        instances.word(judged, answers) in {"runs", "none wanted"}
    )


def _as_found(found: LiveJob) -> Watched:
    return Watched(
        job=found.raw, version=found.version, modify_index=found.modify_index, evaluation=None,
        served=None, deadline=0.0,
    )  # fmt: skip


def _replaced(watched: Watched, answers: Answers, failed: DeploymentView) -> int | None:
    """The version whose instances run again where Nomad makes no deployment: of a system job.

    Nomad tracks the health of such instances late or never; what they serve is verified after
    this, so running is enough where Consul has a check to say more.
    """
    if watched.job.get("Type") != "system":
        return None
    later = [
        a
        for a in answers.allocations or ()
        if a.job_version > failed.job_version and a.desired_status == "run"
    ]
    checked = any(service.checked for service in services(watched.job))
    if later and all(a.client_status == "running" and (checked or a.healthy) for a in later):
        return max(a.job_version for a in later)
    return None
