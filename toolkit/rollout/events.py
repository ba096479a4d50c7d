"""Task events that mean failure, and the first of them; pure."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.clients.task_texts import TEMPLATE_FAILED
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


_ASKED_FOR = {"Restart Signaled", "Killing", "Sibling Task Failed", "Leader Task Dead"}
"""After these an end is what somebody asked for, whatever its exit code."""
_AGAIN = {"Restarting", "Not Restarting"}
"""After these an exit code of 0 was not wanted: the task should have gone on."""
_BEFORE_START = {"driver", "artifact", "template", "hook", "setup"}
"""Once the task has started these are overcome."""


def failures(allocation: AllocationView) -> list[Failure]:
    """Failure events of all tasks, in time; an orderly end is none.

    What a task overcame before it started, and what was only done to it because another task
    failed, is left out as long as anything else is there.
    """
    found = [
        Failure(task, event, kind_of(event))
        for task in allocation.tasks
        for event in task_failures(task)
    ]
    found.sort(key=lambda failure: failure.at)
    return [failure for failure in found if not _is_overcome(failure)] or found


def task_failures(task: TaskView) -> list[TaskEvent]:
    """Failure events of one task, in time."""
    found, asked = [], False
    for place, event in enumerate(task.events):
        if _is_deliberate_failure(event):
            found.append(event)
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


def kind_of(event: TaskEvent) -> str:
    """The kind of failure that an event of `task_failures` is."""
    if event.kind == "Killing":
        return "template" if event.message.startswith(TEMPLATE_FAILED) else "hook"
    return "check" if event.kind == "Restart Signaled" else FAILURES[event.kind]


def first_failure(allocation: AllocationView) -> Failure | None:
    """The first failure in time that Nomad still remembers."""
    found = failures(allocation)
    return found[0] if found else None


def _is_deliberate_failure(event: TaskEvent) -> bool:
    """True where Nomad itself ends a task: its template failed, or its check did for too long."""
    if event.kind == "Killing":
        return event.details.get("fails_task") == "true"
    return event.kind == "Restart Signaled" and "healthcheck" in event.message


def _is_overcome(failure: Failure) -> bool:
    return failure.kind in _BEFORE_START and any(
        event.kind == "Started" and event.at >= failure.at for event in failure.task.events
    )


def _is_clean(event: TaskEvent) -> bool:
    details = event.details
    return (
        details.get("exit_code", "0") == "0"
        and details.get("signal", "0") == "0"
        and details.get("oom_killed", "false") != "true"
    )
