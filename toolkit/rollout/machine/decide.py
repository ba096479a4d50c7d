"""From the last answers seen to the next step or the end; pure."""

from __future__ import annotations

from dataclasses import replace

from toolkit.rollout.direct import is_launched_later
from toolkit.rollout.hopeless import hopeless
from toolkit.rollout.machine import capacity, instances, overdue, promotion, reverting
from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Ask, Decision, End, Explain, Fail, Wait
from toolkit.rollout.machine.registration import became, confirmed
from toolkit.spec.observed import DeploymentView


def decide(watched: Watched, answers: Answers) -> Decision:
    """The one thing to do next. What is known counts before what time it is."""
    decided = _by_facts(watched, answers)
    if isinstance(decided, End | Explain) or answers.now < watched.deadline:
        if isinstance(decided, Wait):
            return replace(decided, until=min(decided.until, watched.deadline))
        return decided
    # One question more, where only what is registered is still to be known.
    if decided == Ask("job") and answers.did.asking_since is None:
        return decided
    return overdue.end(watched, answers, decided)


def _by_facts(watched: Watched, answers: Answers) -> Decision:
    if why := answers.denied.get("Nomad"):
        ours = answers.ours(watched)
        return End("lost", f"Nomad tells us nothing more: {why}", watched.version, ours)
    if is_launched_later(watched.job):
        return confirmed(watched, answers, End("successful", "registered", watched.version))
    if answers.allocations is None or answers.deployments is None:
        return Wait(watched.deadline, "Nomad's first answers")
    ours = answers.ours(watched)
    if ours is None and answers.last is not None:
        if answers.last.status == "failed":
            return reverting.decide(watched, answers, answers.last)
        return became(watched, answers, "its deployment, which Nomad does not show any more")
    if ours is None:
        return instances.decide(watched, answers)
    return _deployment(watched, answers, ours)


def _deployment(watched: Watched, answers: Answers, ours: DeploymentView) -> Decision:
    match ours.status:
        case "successful" if instances.lacks_all(watched, answers):
            # Nomad calls the deployment of a system job good that no node takes.
            return instances.missing(watched, answers)
        case "successful":
            end = End("successful", ours.description, watched.version, ours)
            return confirmed(watched, answers, end)
        case "cancelled":
            word = "stopped" if "stopped" in ours.description else "superseded"
            return End(word, ours.description, watched.version, ours)  # type: ignore[arg-type]
        case "failed":
            return reverting.decide(watched, answers, ours)
        case "paused":
            return End("held", "the deployment is paused", watched.version, ours)
    return _rolling(watched, answers, ours)


def _rolling(watched: Watched, answers: Answers, ours: DeploymentView) -> Decision:
    did = answers.did
    if did.failed:
        return Wait(watched.deadline, "Nomad to end the failed deployment")
    if (spent := _spent(answers, ours)) is not None:
        return spent
    if (bad_canaries := promotion.condemned(watched, answers, ours)) is not None:
        return bad_canaries
    # Without Consul nothing can be judged: what happens is then left to Nomad's own deadlines.
    judging = watched.fail_fast and not did.fail_refused and "Consul" not in answers.lost
    bad = hopeless(answers.allocations or (), ours.job_version) if judging else []
    if bad and answers.now >= did.fail_again:
        return Fail(ours, "hopeless", tuple(bad))
    # After our promotion the deployment's own view may be a moment behind.
    due = did.promoted_at is None and promotion.is_due(ours, answers.allocations or ())
    lacking = capacity.for_deployment(watched, answers, ours)
    if lacking is not None and not (isinstance(lacking, Wait) and due):
        return lacking
    if due:
        return promotion.decide(watched, answers, ours)
    until = did.fail_again if bad else watched.deadline
    return Wait(until, "its instances to become healthy")


def _spent(answers: Answers, ours: DeploymentView) -> Decision | None:
    """What to do about a probe that is over its budget; None while there is nothing to do."""
    did, probe = answers.did, answers.probe
    if probe is None or probe.word != "bad" or did.fail_refused:
        return None
    # Our promotion ends a deployment whose every instance is healthy: Nomad fails none that ended.
    if did.promoted_at is not None and all(g.healthy >= g.desired_total for g in ours.groups):
        return None
    if answers.now < did.fail_again:
        return Wait(did.fail_again, "Nomad to take that the deployment failed")
    return Fail(ours, "probe", causes=probe.causes)
