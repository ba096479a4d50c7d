"""What was read to explain the failure of one allocation; values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.rollout.read import NANO, groups


@dataclass(frozen=True, slots=True)
class Said:
    """The end of one stream of a task."""

    stream: str
    """`stderr` or `stdout`."""
    lines: tuple[str, ...] = ()
    problem: str | None = None
    """Why it could not be read."""


@dataclass(frozen=True, slots=True)
class CheckSaid:
    """One check of the allocation that does not pass."""

    name: str
    status: str
    output: str
    """What it said, or what we were answered, in one line."""


@dataclass(frozen=True, slots=True)
class NodeWord:
    """What Nomad says of the node."""

    status: str
    detail: str = ""
    """Its latest news, in words."""
    at: float | None = None
    """When it began to drain, or when its state last changed; seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything read about one allocation."""

    output: Mapping[str, tuple[Said, ...]] = field(default_factory=dict)
    """By task."""
    checks: tuple[CheckSaid, ...] = ()
    whole: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """Nomad's answer for the allocation, with the job as it was then; empty: not read."""
    node: NodeWord | None = None
    unseen: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def job(self) -> Mapping[str, Any]:
        """The job as it was for this allocation; empty when it was not read."""
        job: Mapping[str, Any] = self.whole.get("Job") or {}
        return job

    def group(self, name: str) -> Mapping[str, Any]:
        """One group of that job."""
        return next((group for group in groups(self.job) if group.get("Name") == name), {})

    def task(self, group: str, name: str) -> Mapping[str, Any]:
        """One task of that job."""
        tasks = self.group(group).get("Tasks") or []
        return next((task for task in tasks if task.get("Name") == name), {})

    def memory(self, group: str, task: str) -> int:
        """MB that the task may use; 0 when it is not known."""
        resources = self.task(group, task).get("Resources") or {}
        return int(resources.get("MemoryMaxMB") or resources.get("MemoryMB") or 0)

    def healthy_deadline(self, group: str) -> float:
        """Seconds in which the allocation had to become healthy; 0 when it is not known."""
        update = self.group(group).get("Update") or {}
        return float(update.get("HealthyDeadline") or 0) / NANO
