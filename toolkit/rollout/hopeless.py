"""Which allocations can no longer become healthy; pure."""

from __future__ import annotations

from collections.abc import Mapping

from toolkit.rollout.events import first_failure, task_failures
from toolkit.spec.observed import AllocationView, TaskEvent, TaskView

_FINAL = {"Not Restarting", "Failed Validation"}


def is_hopeless(allocation: AllocationView) -> bool:
    """True when the allocation failed for good, or fails the same way again and again.

    Failed: Nomad says so, its restarts are used up, or it missed its healthy deadline. The same
    way again: two crashes with the same exit code or signal, or two driver failures.
    """
    if allocation.client_status == "failed" or allocation.healthy is False:
        return True
    return any(_task_is_hopeless(task) for task in allocation.tasks)


def _task_is_hopeless(task: TaskView) -> bool:
    if any(event.kind in _FINAL for event in task.events):
        return True
    signatures = [sign for event in task_failures(task) if (sign := _signature(event))]
    return len(signatures) > len(set(signatures))


def _signature(event: TaskEvent) -> tuple[str, ...] | None:
    """What makes two failures the same; None for one that may yet pass by itself."""
    if event.kind == "Driver Failure":
        return ("driver",)
    if event.kind == "Terminated":
        names = ("exit_code", "signal", "oom_killed")
        return ("terminated", *(event.details.get(name, "") for name in names))
    return None


def hopeless(allocations: tuple[AllocationView, ...], version: int) -> list[AllocationView]:
    """Allocations of a job version that can no longer become healthy, first failure first.

    One whose replacement is healthy is none of them: what it failed of has passed. That is how it
    looks to whoever hears late of both, such as after the servers had no leader for a while.
    """
    after = {a.id: a for a in allocations}
    found = [
        a
        for a in allocations
        if a.job_version == version and is_hopeless(a) and not _is_made_good(a, after)
    ]
    return sorted(found, key=_failed_at)


def _is_made_good(allocation: AllocationView, after: Mapping[str, AllocationView]) -> bool:
    seen, last = {allocation.id}, allocation
    while (then := after.get(last.next_allocation or "")) is not None and then.id not in seen:
        seen.add(then.id)
        last = then
    same = last is not allocation and last.job_version == allocation.job_version
    return same and last.healthy is True and not is_hopeless(last)


def _failed_at(allocation: AllocationView) -> float:
    failure = first_failure(allocation)
    return failure.at if failure else allocation.modified_at


def suspects(allocations: tuple[AllocationView, ...], version: int) -> list[AllocationView]:
    """Allocations of a failed job version that may have been why: the narrowest choice of them."""
    mine = [a for a in allocations if a.job_version == version]
    bad = [a for a in mine if a.healthy is not True] or mine
    return [a for a in bad if a.desired_status != "run" or a.healthy is False] or bad
