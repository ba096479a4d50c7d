"""Instances that have no room: how long to wait for it, and when to give up; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.rollout import placement
from toolkit.rollout.machine import evaluations
from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Decision, End, Fail, Wait
from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView, DeploymentView, GroupDeployment

UNDECIDED = 1.0
"""Seconds without what the scheduler should have made after which its evaluations are read."""
QUIET = 5.0
"""Seconds without news after which a rollout that lacks instances is looked into."""
GRACE = 10.0
"""Seconds to wait for capacity that the plan saw and the scheduler did not."""


def for_deployment(watched: Watched, answers: Answers, ours: DeploymentView) -> Decision | None:
    """What to do about a deployment that lacks instances; None: it does not, or has room."""
    dropped = _dropped(answers, ours)
    if not dropped and not _wanting(ours):
        return None
    at_all = dropped or any(_lacks_all(group) for group in ours.groups)
    since = answers.begun + UNDECIDED if at_all else answers.quiet_since + QUIET
    if not answers.evaluations_fresh and answers.now < since:
        return Wait(since, "its instances to be placed")
    if (unread := evaluations.needed(watched, answers)) is not None:
        return unread
    lacking = causes(watched, answers)
    if not lacking or answers.short_since is None:
        return None
    until = answers.short_since + patience(watched)
    if answers.now < until:
        return Wait(until, "room for its instances", lacking)
    if answers.did.fail_refused:
        return End("unplaced", lacking[0].summary, watched.version, ours, causes=lacking)
    if answers.now < answers.did.fail_again:
        return Wait(answers.did.fail_again, "Nomad to fail the deployment", lacking)
    return Fail(ours, "unplaced", dropped, lacking)


def without_deployment(watched: Watched, answers: Answers) -> Decision:
    """What to do where fewer instances were placed than are wanted; the chain is known."""
    lacking = causes(watched, answers)
    if not lacking or answers.short_since is None:
        later = answers.begun + patience(watched)
        until = later if later > answers.now else watched.deadline
        return Wait(until, "the scheduler to place its instances")
    until = answers.short_since + patience(watched)
    if answers.now < until:
        return Wait(until, "room for its instances", lacking)
    return End("unplaced", lacking[0].summary, watched.version, causes=lacking)


def patience(watched: Watched) -> float:
    """Seconds for which capacity is waited for."""
    return GRACE if watched.wait_capacity is None else watched.wait_capacity


def is_short(watched: Watched, answers: Answers) -> bool:
    """True when instances are wanted, and the scheduler says that they have no room."""
    ours = answers.ours(watched)
    rolls = ours is not None and not ours.terminal
    if ours is not None and rolls and not _wanting(ours) and not _dropped(answers, ours):
        return False
    return bool(causes(watched, answers))


def causes(watched: Watched, answers: Answers) -> tuple[Cause, ...]:
    """Why the scheduler has no room for what it should place; empty when it has, or is not done."""
    found = evaluations.chain(watched, answers)
    if (telling := evaluations.unplaced(found)) is not None:
        return placement.causes(telling.failed, watched.job)
    if (ended := evaluations.given_up(found)) is not None:
        return (
            Cause(
                kind="scheduler",
                summary=f"the scheduler gave up: {ended.description or 'it does not say why'}",
                evidence=(f"evaluation: {ended.short} ended {ended.status}",),
                advice="look at the log of the Nomad servers, then deploy again",
                at=ended.created_at or None,
            ),
        )
    return ()


def short_of(watched: Watched, answers: Answers) -> Mapping[str, Any] | None:
    """The scheduler's counts (`FailedTGAllocs`) behind `causes`; None: it has room or gave up."""
    telling = evaluations.unplaced(evaluations.chain(watched, answers))
    return telling.failed if telling is not None else None


def _dropped(answers: Answers, ours: DeploymentView) -> tuple[AllocationView, ...]:
    """Instances that were lost with their node and that nothing replaced.

    Nomad counts them as placed; of what is drained or preempted it fails the deployment itself.
    """
    return tuple(
        a
        for a in answers.allocations or ()
        if a.job_version == ours.job_version
        and a.next_allocation is None
        and a.client_status == "lost"
    )


def _wanting(deployment: DeploymentView) -> bool:
    return any(group.placed < _wanted(group) for group in deployment.groups)


def _lacks_all(group: GroupDeployment) -> bool:
    """True when nothing that the group waits for now has been placed at all."""
    return group.placed < (_wanted(group) if _awaits(group) else min(group.desired_total, 1))


def _wanted(group: GroupDeployment) -> int:
    return group.desired_canaries if _awaits(group) else group.desired_total


def _awaits(group: GroupDeployment) -> bool:
    return bool(group.desired_canaries) and not group.promoted
