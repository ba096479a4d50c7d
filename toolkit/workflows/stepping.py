"""Canaries in steps: the same job registered again with more of them, each step judged first.

A registration that only changes `canary` lets Nomad stop the canaries of the step before and place
as many new ones; the stable instances serve on, and what a failed step goes back to stays the
version that was stable before the first.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from toolkit.errors import ApiError, InterruptedRolloutError, LockedError, StalePlanError
from toolkit.rollout import provenance_tags, read
from toolkit.rollout.canaries import with_canaries
from toolkit.rollout.machine import Watched
from toolkit.rollout.submit import stale, submit
from toolkit.rollout.watch import watch
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import Plan, Submission
from toolkit.spec.provenance import Origin
from toolkit.workflows import tagging
from toolkit.workflows.analysing import Comparison
from toolkit.workflows.clock import Clock
from toolkit.workflows.guarding import guarded
from toolkit.workflows.session import Session

STEP = "step"
"""What the tag of a version says that was a step, once the next one follows."""


@dataclass
class Steps:
    """The steps of one rollout: where it is, and what is still to come."""

    session: Session
    clock: Clock
    plan: Plan
    """Of the step that is registered now."""
    version: tagging.Tagged
    """The version of that step."""
    origin: Origin
    submission: Submission
    """Of that step."""
    all: tuple[int, ...] = ()
    at: int = 0
    """Of `all`, the step that is registered now."""

    @property
    def more(self) -> bool:
        """True when another step follows this one."""
        return self.at + 1 < len(self.all)

    def advance(self) -> None:
        """Register the next step in place of the one that was good.

        StalePlanError when somebody else registered the job meanwhile.
        """
        world, submission = self.session.world, self.submission
        raw = world.nomad.job(submission.job_id)
        if raw is None or read.live_job(raw).modify_index != submission.modify_index:
            raise stale(world, self.plan)
        self.at += 1
        canaries = self.all[self.at]
        self.plan = replace(
            self.plan,
            job=with_canaries(self.plan.job, canaries),
            check_index=submission.modify_index,
            live=read.live_job(raw),
        )
        self.tell()
        following = submit(world, self.plan)
        self.clock.tell_submission(following)
        before = self.version
        self.version = tagging.begin(self.session, self.plan, following, self.origin, self.clock)
        self._leave(submission.job_id, before)
        # What is gone back to, and what its instances leave for, is what was stable before.
        self.submission = replace(following, previous=submission.previous)

    def tell(self) -> None:
        """`step 1 of 2: 1 canary`, where there are several."""
        if len(self.all) > 1:
            number = self.all[self.at]
            word = "canary" if number == 1 else "canaries"
            self.clock.say("step", f"step {self.at + 1} of {len(self.all)}: {number} {word}")

    def _leave(self, job_id: str, version: tagging.Tagged) -> None:
        """Say in the tag of a version that it was a step, and no more than that."""
        found = version.provenance
        if not version.done or found is None:
            return
        try:
            provenance_tags.write(self.session.world, job_id, replace(found, verdict=STEP))
        except ApiError as exc:
            self.clock.say("note", f"the tag of version {found.version} is old: {exc.message}")


def through(
    session: Session,
    watched: Watched,
    submission: Submission,
    steps: Steps | None,
    compared: Comparison,
    clock: Clock,
) -> tuple[Watched, Submission, Outcome]:
    """Watch each step to its end: the last one that was registered, and how that ended."""
    while True:
        outcome = _watched(session, watched, submission, compared, clock)
        if outcome.end != "ready" or steps is None:
            return watched, submission, outcome
        clock.rolled.append((submission, outcome))
        try:
            steps.advance()
        except StalePlanError as exc:
            return watched, submission, replace(outcome, end="superseded", detail=exc.message)
        except LockedError as exc:
            # Nobody promotes meanwhile: whoever has the job now says how it goes on.
            return watched, submission, replace(outcome, end="held", detail=exc.message)
        submission = steps.submission
        watched = replace(
            watched,
            job=steps.plan.job,
            version=submission.version,
            modify_index=submission.modify_index,
            evaluation=submission.evaluation,
            more_steps=steps.more,
        )


def _watched(
    session: Session, watched: Watched, submission: Submission, compared: Comparison, clock: Clock
) -> Outcome:
    compared.begin(watched.job)
    try:
        return guarded(
            submission, lambda: watch(session.world, watched, clock.tell, compared.outside)
        )
    except InterruptedRolloutError as exc:
        if compared.settings is not None:
            # Without it, what attaches would promote what nobody compared.
            exc.hint = f"{exc.hint} --analyse, or the same command again"
        raise
    finally:
        compared.end()
