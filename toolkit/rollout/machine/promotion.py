"""When canaries are due at the gate, and when they serve the wrong thing for good; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Analyse, Decision, End, Fail, Look, Promote, Wait
from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView, DeploymentView

WRONG_STEADY = 3.0
"""Seconds in which canaries that are healthy everywhere may answer another release."""


def canaries(
    deployment: DeploymentView, allocations: Sequence[AllocationView]
) -> tuple[AllocationView, ...]:
    """The instances of the groups that wait for promotion, as far as Nomad wants them to run."""
    waiting = {g.group for g in deployment.groups if g.desired_canaries and not g.promoted}
    return tuple(
        a
        for a in allocations
        if a.job_version == deployment.job_version and a.should_run and a.group in waiting
    )


def is_due(deployment: DeploymentView, allocations: Sequence[AllocationView]) -> bool:
    """True when Nomad itself calls enough canaries of every waiting group healthy."""
    if deployment.status != "running" or not deployment.needs_promotion:
        return False
    mine = canaries(deployment, allocations)
    return all(
        sum(a.group == group.group and a.healthy is True for a in mine) >= group.desired_canaries
        for group in deployment.groups
        if group.desired_canaries and not group.promoted
    )


def decide(
    watched: Watched, answers: Answers, deployment: DeploymentView, *, revert: bool = False
) -> Decision:
    """The next step at the gate, for a deployment that is due there."""
    did, gate = answers.did, answers.gate
    if did.promotion_denied:
        why = f"the canaries are ready, and the token may not promote them: {did.promotion_denied}"
        return End("held", why, watched.version, deployment)
    if not revert and _is_compared(answers):
        return Wait(watched.deadline, "the canaries to be compared")
    if gate is not None and gate.open:
        if revert:
            return Promote(deployment, revert=True)
        return _passed(watched, answers, deployment)
    if not revert and (cause := _wrong(watched, answers)) is not None:
        return Fail(deployment, "release", causes=(cause,))
    if answers.now >= did.gate_again:
        return Look(deployment, revert=revert)
    return Wait(did.gate_again, f"the gate: {answers.gate_said}")


def _is_compared(answers: Answers) -> bool:
    """True while the canaries are compared with stable instances."""
    found = answers.analysis
    return answers.did.analysing and (found is None or found.word == "undecided")


def _passed(watched: Watched, answers: Answers, deployment: DeploymentView) -> Decision:
    """What follows an open gate, which is looked at again after an analysis."""
    if watched.analyse and not answers.did.analysing:
        return Analyse(deployment)
    if watched.more_steps:
        why = "the canaries are good, and more of them may follow"
        return End("ready", why, watched.version, deployment)
    if watched.promote:
        return Promote(deployment)
    why = "the canaries are ready and wait for promotion"
    if watched.analyse and answers.analysis is not None:
        why = f"{why}; {answers.analysis.reason}"
    return End("held", why, watched.version, deployment)


def condemned(watched: Watched, answers: Answers, deployment: DeploymentView) -> Decision | None:
    """What to do about canaries that were found worse; None: nobody found that.

    Whatever becomes of them meanwhile, they are not promoted by us.
    """
    did, found = answers.did, answers.analysis
    if not watched.analyse or found is None or found.word != "bad":
        return None
    if did.promoted_at is not None or not deployment.needs_promotion:
        # Promoted meanwhile, by us or by a person who did not wait for it.
        return None
    if not watched.promote and not watched.more_steps:
        why = f"promotion is left to you, and the canaries are not good: {found.reason}"
        return End("held", why, watched.version, deployment, causes=found.causes)
    if did.fail_denied:
        why = f"{found.reason}; the token may not fail the deployment: {did.fail_denied}"
        return End("held", why, watched.version, deployment, causes=found.causes)
    if did.fail_refused:
        return Wait(watched.deadline, "Nomad to say what became of the deployment")
    if answers.now < did.fail_again:
        return Wait(did.fail_again, "Nomad to take that the deployment failed")
    return Fail(deployment, "analysis", causes=found.causes)


def _wrong(watched: Watched, answers: Answers) -> Cause | None:
    """Why canaries that answer another release are given up; None while that may yet pass."""
    gate, did = answers.gate, answers.did
    judging = watched.fail_fast and not did.failed and not did.fail_refused
    if gate is None or not gate.wrong or answers.wrong_since is None or not judging:
        return None
    steady = answers.now >= answers.wrong_since + WRONG_STEADY
    if not steady or answers.now < did.fail_again:
        return None
    row, asked = gate.wrong[0], gate.verification.release
    return Cause(
        kind="release",
        summary=f"a canary answers release {row.serves}, and {asked} was asked for",
        group=row.group,
        allocation=row.allocation,
        node=row.node,
        evidence=(f"asked: {row.address} answers release {row.serves}, again and again",),
        advice="build and name what the release says, or check that the job file passes the "
        "release to the task",
    )
