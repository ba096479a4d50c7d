"""A job judged by its instances alone; pure.

Batch jobs, system jobs of old servers, `max_parallel = 0`, count 0, and jobs whose deployment
Nomad has forgotten.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from toolkit.rollout.read import NANO, groups
from toolkit.spec.observed import AllocationView

BATCH = {"batch", "sysbatch"}

MIN_HEALTHY = 10.0
"""Nomad's own default of `min_healthy_time`, in seconds."""

Word = Literal["waits", "short", "stopped", "failed", "completed", "runs", "none wanted"]
"""What the instances of our version say; `short`: fewer are there than are wanted."""


def is_launched_later(job: Mapping[str, Any]) -> bool:
    """True for periodic and parameterized jobs: registering them runs nothing.

    What they launch is not: a dispatched job keeps the words of its parent, and says so.
    """
    return bool(job.get("Periodic") or (job.get("ParameterizedJob") and not job.get("Dispatched")))


def is_work(job: Mapping[str, Any]) -> bool:
    """True for a job that does its work and ends, itself and not by what it launches."""
    return job.get("Type") in BATCH and not is_launched_later(job)


def judge(
    job: Mapping[str, Any],
    mine: Sequence[AllocationView],
    everything: Sequence[AllocationView],
    *,
    steady: Mapping[str, float] | None = None,
    now: float = 0.0,
) -> Word:
    """The word for the instances of our version, `mine`, of all that Nomad lists.

    With `steady` (allocation id -> since when it runs without a restart, on the clock of `now`)
    an instance that Nomad does not vouch for runs only after its `min_healthy_time`.
    """
    kind, wanted = job.get("Type"), counts(job)
    if kind == "service" and not sum(wanted.values()):
        gone = not any(a.client_status in {"pending", "running"} for a in everything)
        return "none wanted" if gone else "waits"
    if mine and not any(a.desired_status == "run" for a in mine):
        return "stopped"
    final = [a for a in mine if a.next_allocation is None]
    if kind in BATCH:
        return _work(final, wanted if kind == "batch" else {})
    alive = [a for a in final if a.should_run]
    if kind == "system":
        if not final:
            return "short"
        alive = [a for a in final if a.desired_status == "run"]
    elif any(_number(alive, group) < number for group, number in wanted.items()):
        return "short"
    ids = {a.id for a in mine}
    others = any(a.should_run for a in everything if a.id not in ids)
    well = all(_runs(a, job) and _is_steady(a, job, steady, now) for a in alive)
    return "runs" if well and not others else "waits"


def _work(final: list[AllocationView], wanted: Mapping[str, int]) -> Word:
    """A stopped instance is `complete` in Nomad's words too; only what ended by itself is done."""
    if not final or any(_number(final, group) < number for group, number in wanted.items()):
        return "short"
    if any(a.should_run or a.client_status == "unknown" for a in final):
        return "waits"
    if any(a.client_status in {"failed", "lost"} for a in final):
        return "failed"
    return "completed" if all(a.desired_status == "run" for a in final) else "stopped"


def _number(found: list[AllocationView], group: str) -> int:
    """Instances of a group; one that was placed anew counts once."""
    return len({a.name for a in found if a.group == group})


def counts(job: Mapping[str, Any]) -> dict[str, int]:
    """Wanted instances of each group, as Nomad reads the job."""
    return {
        str(group.get("Name")): 1 if group.get("Count") is None else int(group["Count"])
        for group in groups(job)
    }


def min_healthy(job: Mapping[str, Any], group: str) -> float:
    """The group's `min_healthy_time` in seconds; of a job without a deployment too."""
    spec = next((g for g in groups(job) if g.get("Name") == group), {})
    update = spec.get("Update") or job.get("Update") or {}
    return float(update["MinHealthyTime"]) / NANO if update.get("MinHealthyTime") else MIN_HEALTHY


def _runs(allocation: AllocationView, job: Mapping[str, Any]) -> bool:
    if allocation.client_status != "running" or allocation.healthy is False:
        return False
    return all(_task_is_up(allocation, job, task.name) for task in allocation.tasks)


def _is_steady(
    allocation: AllocationView,
    job: Mapping[str, Any],
    steady: Mapping[str, float] | None,
    now: float,
) -> bool:
    """Nomad's own word, or running without a restart for as long as Nomad would want it."""
    if allocation.healthy or steady is None:
        return True
    since = steady.get(allocation.id)
    return since is not None and now >= since + min_healthy(job, allocation.group)


def _task_is_up(allocation: AllocationView, job: Mapping[str, Any], name: str) -> bool:
    """A main task or a sidecar runs; one that comes before or after them did not fail."""
    task = next(t for t in allocation.tasks if t.name == name)
    spec = next((t for t in _tasks(job, allocation.group) if t.get("Name") == name), {})
    cycle = spec.get("Lifecycle") or {}
    if not cycle or cycle.get("Sidecar"):
        return task.state == "running"
    return cycle.get("Hook") == "poststop" or not task.failed


def _tasks(job: Mapping[str, Any], group: str) -> list[Mapping[str, Any]]:
    spec = next((g for g in groups(job) if g.get("Name") == group), {})
    return list(spec.get("Tasks") or [])
