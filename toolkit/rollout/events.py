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


_ASKED_FOR = {"Restart Signaled", "Killing"}
"""After these an end is what somebody asked for, whatever its exit code."""
_AGAIN = {"Restarting", "Not Restarting"}
"""After these an exit code of 0 was not wanted: the task should have gone on."""


def failures(allocation: AllocationView) -> list[Failure]:
    """Failure events of all tasks, in time; an orderly end is none."""
    found = [
        Failure(task, event, FAILURES[event.kind])
        for task in allocation.tasks
        for event in task_failures(task)
    ]
    return sorted(found, key=lambda failure: failure.at)


def task_failures(task: TaskView) -> list[TaskEvent]:
    """Failure events of one task, in time."""
    found, asked = [], False
    for place, event in enumerate(task.events):
        if event.kind in _ASKED_FOR:
            asked = True
        elif event.kind == "Started":
            asked = False
        elif event.kind == "Terminated":
            again = any(later.kind in _AGAIN for later in task.events[place + 1 :])
            if not asked and (again or not _is_clean(event)):
                found.append(event)
        elif event.kind in FAILURES and (event.kind != "Template" or "Missing" in event.message):
            found.append(event)
    return found


def first_failure(allocation: AllocationView) -> Failure | None:
    """The first failure in time that Nomad still remembers."""
    found = failures(allocation)
    return found[0] if found else None


def _is_clean(event: TaskEvent) -> bool:
    details = event.details
    return (
        details.get("exit_code", "0") == "0"
        and details.get("signal", "0") == "0"
        and details.get("oom_killed", "false") != "true"
    )
