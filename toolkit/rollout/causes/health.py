"""An allocation whose tasks run, or wait, and that did not become healthy; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.rollout.causes.crash import spoken
from toolkit.rollout.causes.draft import Draft
from toolkit.rollout.causes.evidence import Evidence
from toolkit.rollout.causes.words import one_line
from toolkit.rollout.declared import Service
from toolkit.rollout.events import Failure
from toolkit.spec.observed import AllocationView, TaskView

ASK = "ask the check's address on the node, and compare path and port with the job file"


def unhealthy(
    allocation: AllocationView, evidence: Evidence, first: Failure, services: Sequence[Service]
) -> Draft:
    """Nomad gave up waiting for it, or restarted it for a check."""
    task = first.task
    lines = (*checks(evidence), *spoken(evidence.output.get(task.name, ())))
    if not evidence.checks and "not running" in first.event.message:
        waiting = _waiting(allocation, evidence, first.at) or task
        if not _has_started(waiting, first.at) or not _is_checked(allocation, services):
            return _slow(allocation, evidence, waiting, first, lines)
        names = ", ".join(sorted({s.name for s in services if s.group == allocation.group}))
        said = f"the checks of service {names} did not pass in time ({first.event.message})"
        return _check(evidence, said, lines)
    return _check(evidence, first.event.message, lines)


def quiet(allocation: AllocationView, evidence: Evidence, services: Sequence[Service]) -> Draft:
    """No event says anything: what its checks say, or that it was not healthy in time."""
    pending = _waiting(allocation, evidence, float("inf"))
    if not evidence.checks and pending is not None and not _is_checked(allocation, services):
        return _slow(allocation, evidence, pending, None, checks(evidence))
    description = allocation.client_description or "it was not healthy in time"
    return _check(evidence, description, checks(evidence))


def checks(evidence: Evidence) -> tuple[str, ...]:
    """`check: alive is critical: …`, one line per check that does not pass."""
    return tuple(f"check: {c.name} is {c.status}: {c.output}" for c in evidence.checks)


def _check(evidence: Evidence, said: str, lines: tuple[str, ...]) -> Draft:
    """What a check said rather than that Nomad waited in vain for it."""
    text = one_line(said)
    if (check := next((c for c in evidence.checks if c.status != "unseen"), None)) is not None:
        text = f"{check.name} is {check.status}: {check.output}"
    return Draft("check", f"allocation did not become healthy: {text}", lines, ASK)


def _slow(
    allocation: AllocationView,
    evidence: Evidence,
    task: TaskView,
    first: Failure | None,
    lines: tuple[str, ...],
) -> Draft:
    """Nothing failed: something was not done in the time that the job gives it."""
    until = first.at if first is not None else float("inf")
    deadline = evidence.healthy_deadline(allocation.group)
    limit = f" of {deadline:g} s" if deadline else ""
    state = "had not run long enough" if _has_started(task, until) else "was not running"
    blocker = _blocker(allocation, evidence, task, until)
    before = [e for e in task.events if e.at <= until and e.kind != "Alloc Unhealthy"]
    doing = f"; last: {one_line(before[-1].message)}" if before else ""
    why = f": task {blocker}, which comes before it, was not done" if blocker else doing
    event = (f"event: {one_line(first.event.message)}",) if first is not None else ()
    return Draft(
        "slow",
        f"task {task.name} {state} within the healthy_deadline{limit}{why}",
        (*event, *lines),
        "find what takes so long (image, artifact, prestart task, start-up), or raise"
        " healthy_deadline in the job's update block",
        task.name,
    )


def _waiting(allocation: AllocationView, evidence: Evidence, until: float) -> TaskView | None:
    """The task that had not started by then: a main one before those that follow it."""
    waiting = [task for task in allocation.tasks if not _has_started(task, until)]
    main = [t for t in waiting if not _hook(evidence, allocation.group, t.name)]
    return next(iter(main or waiting), None)


def _has_started(task: TaskView, until: float) -> bool:
    """By its events; one that has none of its start left has run for long."""
    if any(event.kind == "Started" and event.at <= until for event in task.events):
        return True
    return task.state != "pending" and not any(event.kind == "Received" for event in task.events)


def _blocker(
    allocation: AllocationView, evidence: Evidence, task: TaskView, until: float
) -> str | None:
    """A prestart task that still ran while `task` waited for its end."""
    if _has_started(task, until):
        return None
    for other in allocation.tasks:
        lifecycle = evidence.task(allocation.group, other.name).get("Lifecycle") or {}
        first = lifecycle.get("Hook") == "prestart" and not lifecycle.get("Sidecar")
        ended = any(e.kind == "Terminated" and e.at <= until for e in other.events)
        if first and not ended and (_has_started(other, until) or other.state == "running"):
            return other.name
    return None


def _hook(evidence: Evidence, group: str, task: str) -> str:
    return str((evidence.task(group, task).get("Lifecycle") or {}).get("Hook") or "")


def _is_checked(allocation: AllocationView, services: Sequence[Service]) -> bool:
    return any(s.checked for s in services if s.group == allocation.group)
