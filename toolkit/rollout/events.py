"""Task events that mean failure, and the first of them; pure."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.spec.observed import AllocationView, TaskEvent, TaskView

FAILURES = {
    "Driver Failure": "driver",
    "Failed Artifact Download": "artifact",
    "Failed Validation": "validation",
    "Setup Failure": "setup",
    "Task hook failed": "hook",
    "Template": "template",
    "Template failed": "template",
    "Terminated": "crash",
    "Not Restarting": "crash",
    "Alloc Unhealthy": "check",
    "Disk Resources Exceeded": "disk",
}
"""Nomad's event types that can be the cause of a failure -> the kind of cause."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One failure event of one task."""

    task: TaskView
    event: TaskEvent
    kind: str

    @property
    def at(self) -> float:
        """Seconds since the epoch."""
        return self.event.at


def failures(allocation: AllocationView) -> list[Failure]:
    """Failure events of all tasks, in time; an orderly end is none."""
    found = [
        Failure(task, event, FAILURES[event.kind])
        for task in allocation.tasks
        for event in task.events
        if event.kind in FAILURES and not _is_orderly(event)
    ]
    return sorted(found, key=lambda failure: failure.at)


def first_failure(allocation: AllocationView) -> Failure | None:
    """The first failure in time that Nomad still remembers."""
    found = failures(allocation)
    return found[0] if found else None


def _is_orderly(event: TaskEvent) -> bool:
    if event.kind == "Template":
        return "Missing" not in event.message
    if event.kind != "Terminated":
        return False
    details = event.details
    return (
        details.get("exit_code", "0") == "0"
        and details.get("signal", "0") == "0"
        and details.get("oom_killed", "false") != "true"
    )
