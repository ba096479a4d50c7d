"""The chain of evaluations that our registration began; pure.

Nomad copies the job's index from one evaluation to the next, but not into those that its
deployment watcher and its rescheduler make: what was created since we registered is ours as well,
until a newer version is registered.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.rollout.machine.answers import Answers, Watched
from toolkit.rollout.machine.decisions import Ask, Decision, Wait
from toolkit.spec.observed import EvaluationView

Chain = tuple[EvaluationView, ...]


def chain(watched: Watched, answers: Answers) -> Chain:
    """The evaluations of our registration, oldest first."""
    return since(watched.modify_index, answers.evaluations or ())


def since(modify_index: int, everything: Sequence[EvaluationView]) -> Chain:
    """The evaluations of the registration with that JobModifyIndex, oldest first."""
    found = [
        e
        for e in everything
        if e.job_modify_index == modify_index or e.create_index >= modify_index
    ]
    return tuple(sorted(found, key=lambda e: (e.create_index, e.modify_index)))


def needed(watched: Watched, answers: Answers) -> Decision | None:
    """How to come to know the chain; None: it is known, our own evaluation included.

    An older list will not do: what is failed, lost or stopped now may have an evaluation that
    will replace it, and Nomad writes that down first.
    """
    if not answers.evaluations_fresh:
        again = answers.did.read_again
        if answers.now >= again:
            return Ask("evaluations")
        return Wait(again, "the evaluation of our registration")
    made = watched.evaluation
    if made is not None and all(e.id != made for e in answers.evaluations or ()):
        return Wait(watched.deadline, "the evaluation of our registration")
    return None


def pending(found: Chain) -> EvaluationView | None:
    """The evaluation that the scheduler has still to run, the soonest; None: it is done."""
    waiting = [e for e in found if e.status == "pending"]
    return min(waiting, key=lambda e: e.wait_until) if waiting else None


def blocked(found: Chain) -> EvaluationView | None:
    """The evaluation that waits for capacity."""
    return next((e for e in reversed(found) if e.status == "blocked"), None)


def given_up(found: Chain) -> EvaluationView | None:
    """The evaluation with which the scheduler gave up; None when one after it did the work."""
    if pending(found) is not None or blocked(found) is not None:
        return None
    done = [e for e in found if e.status in {"complete", "failed"}]
    return done[-1] if done and done[-1].status == "failed" else None


def unplaced(found: Chain) -> EvaluationView | None:
    """The newest evaluation that says what had no room; None when a later one found it."""
    done = [e for e in found if e.status in {"complete", "failed", "blocked"}]
    telling = [e for e in done if e.failed]
    if not telling:
        return None
    later = [
        e
        for e in done
        if e.status == "complete" and not e.failed and e.create_index > telling[-1].create_index
    ]
    return None if later and blocked(found) is None else telling[-1]


def names_deployment(found: Chain) -> bool:
    """True when the scheduler says that it made a deployment."""
    return any(e.deployment for e in found)
