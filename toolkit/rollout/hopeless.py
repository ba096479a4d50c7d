"""Which allocations can no longer become healthy; pure."""

from __future__ import annotations

from toolkit.rollout.events import first_failure
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
    failures = [signature for event in task.events if (signature := _signature(event))]
    return len(failures) > len(set(failures))


def _signature(event: TaskEvent) -> tuple[str, ...] | None:
    """What makes two failures the same; None for an event that is no failure."""
    if event.kind == "Driver Failure":
        return ("driver",)
    if event.kind == "Terminated":
        code = event.details.get("exit_code", "0")
        signal = event.details.get("signal", "0")
        killed = event.details.get("oom_killed", "false")
        if code != "0" or signal != "0" or killed == "true":
            return ("terminated", code, signal, killed)
    return None


def hopeless(allocations: tuple[AllocationView, ...], version: int) -> list[AllocationView]:
    """Allocations of a job version that can no longer become healthy, first failure first."""
    found = [a for a in allocations if a.job_version == version and is_hopeless(a)]
    return sorted(found, key=_failed_at)


def _failed_at(allocation: AllocationView) -> float:
    failure = first_failure(allocation)
    return failure.at if failure else allocation.modified_at
