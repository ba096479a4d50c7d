"""A job without a deployment, judged by its instances; pure.

Batch jobs, system jobs of old servers, `max_parallel = 0` and count 0.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from toolkit.rollout.verify import count
from toolkit.spec.observed import AllocationView

BATCH = {"batch", "sysbatch"}

Word = Literal["waits", "short", "stopped", "failed", "completed", "runs", "none wanted"]
"""What the instances of our version say; `short`: fewer were placed than are wanted."""


def is_launched_later(job: Mapping[str, Any]) -> bool:
    """True for periodic and parameterized jobs: registering them runs nothing."""
    return bool(job.get("Periodic") or job.get("ParameterizedJob"))


def judge(
    job: Mapping[str, Any], mine: Sequence[AllocationView], everything: Sequence[AllocationView]
) -> Word:
    """The word for the instances of our version, `mine`, of all that Nomad lists."""
    kind = job.get("Type")
    if kind == "service" and not count(job):
        gone = not any(a.should_run for a in everything)
        return "none wanted" if gone else "waits"
    if mine and not any(a.desired_status == "run" for a in mine):
        return "stopped"
    placed = [a for a in mine if a.next_allocation is None]
    wanted = count(job) if kind in {"service", "batch"} else 1
    if len(placed) < wanted:
        return "short"
    if kind in BATCH:
        return _work(placed)
    return "runs" if all(_runs(a) for a in placed if a.desired_status == "run") else "waits"


def _work(placed: Sequence[AllocationView]) -> Word:
    """A stopped instance is `complete` in Nomad's words too; only what ended by itself is done."""
    if any(a.should_run for a in placed):
        return "waits"
    if any(a.client_status in {"failed", "lost"} for a in placed):
        return "failed"
    return "completed" if all(a.desired_status == "run" for a in placed) else "stopped"


def _runs(allocation: AllocationView) -> bool:
    running = allocation.client_status == "running"
    return running and all(task.state == "running" for task in allocation.tasks)
