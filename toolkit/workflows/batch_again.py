"""Let finished work run again: Nomad places nothing of a version that is done.

A batch job gets a new version: it is registered as stopped and then as it is, both under a check
index, so that of two runs at once one is refused and nobody's run is ever stopped by the other. A
sysbatch job, of which Nomad keeps what each node has done, is forgotten and registered anew.
Nothing of the job itself is changed for it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Literal

from toolkit.rollout import placement
from toolkit.rollout.submit import stale, submit
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.plan import Plan

Say = Callable[[Literal["note"], str], None]


def would_not_fit(world: World, plan: Plan) -> tuple[Cause, ...]:
    """Why a second run of an unchanged job could not be placed.

    The plan of a job that is done places nothing, so the same job is planned under another name.
    """
    if plan.changed:
        return ()
    job_id = f"{plan.job_id}-again"
    answer = world.nomad.plan({**plan.job, "ID": job_id, "Name": job_id}, diff=False)
    return placement.causes(answer.get("FailedTGAllocs"), plan.job)


def make_ready(world: World, plan: Plan, say: Say) -> Plan:
    """The plan with which a registration really runs; StalePlanError when somebody was faster."""
    if plan.live is None:
        return plan
    if plan.job.get("Type") == "sysbatch":
        return plan if _runs_everywhere(plan) else _forgotten(world, plan, say)
    if plan.changed:
        return plan
    say("note", f"version {plan.live.version} is done: it runs again as a new version")
    return _stopped(world, plan)


def _stopped(world: World, plan: Plan, **other: Any) -> Plan:
    """Register the finished job as stopped, with `other` keys of its own; the plan against that."""
    assert plan.live is not None  # noqa: S101 - what is done was registered
    claim = replace(plan, job={**plan.job, "Stop": True, **other}, changed=True)
    submission = submit(world, claim)
    live = replace(
        plan.live,
        version=submission.version,
        modify_index=submission.modify_index,
        stopped=True,
    )
    return replace(plan, check_index=submission.modify_index, live=live, changed=True)


def _runs_everywhere(plan: Plan) -> bool:
    """True when Nomad itself would run every instance of a sysbatch job's new version."""
    places = any(group.place or group.replace for group in plan.groups)
    return places and not any(group.in_place or group.ignore for group in plan.groups)


def _forgotten(world: World, plan: Plan, say: Say) -> Plan:
    """Purge a finished sysbatch job; the plan of it as a new one.

    A stopped version comes first, so that who loses a race learns it before anything is purged.
    Its other priority makes it a version even of a job that is stopped already; it never runs.
    """
    priority = int(plan.job.get("Priority") or 50)
    claimed = _stopped(world, plan, Priority=priority - 1 if priority > 1 else priority + 1)
    raw = world.nomad.job(plan.job_id)
    if raw is None or int(raw.get("JobModifyIndex") or 0) != claimed.check_index:
        raise stale(world, plan)
    say("note", "forgotten first: Nomad runs a sysbatch job only once on a node")
    world.nomad.stop(plan.job_id, purge=True)
    return replace(plan, check_index=0, live=None, changed=True)
