"""Canaries in steps: the same job registered again with more of them, each step judged first.

A registration that only changes `canary` lets Nomad stop the canaries of the step before and place
as many new ones; the stable instances serve on, and what a failed step goes back to stays the
version that was stable before the first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import memory, provenance_tags, read
from toolkit.rollout.canaries import number_of, with_canaries
from toolkit.rollout.submit import stale, submit
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.plan import Memory, Plan, Submission
from toolkit.spec.provenance import Origin
from toolkit.spec.rendered import RenderedJob
from toolkit.workflows import tagging
from toolkit.workflows.clock import Clock
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
    all: tuple[int, ...] = ()
    at: int = 0
    """Of `all`, the step that is registered now."""

    @property
    def more(self) -> bool:
        """True when another step follows this one."""
        return self.at + 1 < len(self.all)

    def advance(self, submission: Submission) -> Submission:
        """Register the next step in place of `submission`, which was good.

        StalePlanError when somebody else registered the job meanwhile.
        """
        world = self.session.world
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
        self.clock.say("step", f"step {self.at + 1} of {len(self.all)}: {canaries} canaries")
        following = submit(world, self.plan)
        self.clock.tell_submission(following)
        before = self.version
        self.version = tagging.begin(self.session, self.plan, following, self.origin, self.clock)
        self._leave(submission.job_id, before)
        # What is gone back to, and what its instances leave for, is what was stable before.
        return replace(following, previous=submission.previous)

    def _leave(self, job_id: str, version: tagging.Tagged) -> None:
        """Say in the tag of a version that it was a step, and no more than that."""
        found = version.provenance
        if not version.done or found is None:
            return
        try:
            provenance_tags.write(self.session.world, job_id, replace(found, verdict=STEP))
        except ApiError as exc:
            self.clock.say("note", f"the tag of version {found.version} is old: {exc.message}")


def first(plan: Plan, steps: tuple[int, ...]) -> Plan:
    """The plan of the first step; `plan` is that of the last, which the user agreed to."""
    return replace(plan, job=with_canaries(plan.job, steps[0])) if steps else plan


def found(session: Session, clock: Clock, plan: Plan, steps: tuple[int, ...]) -> Steps:
    """The steps of a rollout that is under way: those after the one that is registered."""
    live = plan.live
    assert live is not None  # noqa: S101 - it is under way
    canaries = number_of(live.raw)
    at = steps.index(canaries) if canaries in steps else max(len(steps) - 1, 0)
    origin = tagging.origin_again(session, live.raw)
    return Steps(session, clock, plan, tagging.already(live.raw), origin, steps, at)


def plan_of(session: Session, spec: JobSpec, raw: Mapping[str, Any]) -> Plan:
    """What is registered, as the plan that registered it."""
    live = read.live_job(raw)
    submission = session.nomad.submission(str(raw["ID"]), live.version)
    source = str((submission or {}).get("Source") or "")
    return Plan(
        rendered=RenderedJob(spec=spec, hcl=memory.without(source), lines=(), sources={}),
        job=read.registration(raw),
        check_index=live.modify_index,
        live=live,
        remembered=memory.recall(submission, live.release) or Memory(),
    )
