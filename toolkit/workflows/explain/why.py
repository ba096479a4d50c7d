"""Causes for the stories: of allocations, of what waits for a node, of a broken chain."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from toolkit.clients import task_texts
from toolkit.rollout import placement, reasons, secrets
from toolkit.rollout.causes.merge import in_time
from toolkit.rollout.declared import services
from toolkit.rollout.events import failures
from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView, ConsulInstance, EvaluationView
from toolkit.workflows.explain import look
from toolkit.workflows.session import Session

_OVER = {"failed", "lost", "unknown"}


def failed(allocations: Iterable[AllocationView]) -> list[AllocationView]:
    """Those that have something to explain: an end that nobody asked for, or bad health."""
    return [
        each
        for each in allocations
        if each.client_status in _OVER
        or each.healthy is False
        or was_moved(each)
        or (each.should_run and failures(each) and not _runs(each))
    ]


def was_moved(allocation: AllocationView) -> bool:
    """True when the scheduler took it away: preempted, drained, lost."""
    return task_texts.find(task_texts.DESIRED, allocation.desired_description) is not None


def _runs(allocation: AllocationView) -> bool:
    return allocation.client_status == "running" and all(
        task.state == "running" or (task.state == "dead" and not task.failed)
        for task in allocation.tasks
    )


def of_allocations(
    session: Session,
    job: Mapping[str, Any],
    allocations: Sequence[AllocationView],
    instances: Sequence[ConsulInstance] | None = None,
    hidden: Collection[str] | None = None,
) -> tuple[Cause, ...]:
    """Why they failed, without the job's secrets; no call where there are none.

    `instances` are Consul's and `hidden` the secrets' values; where nobody has read them they are
    read here.
    """
    if not allocations:
        return ()
    declared = services(job)
    if instances is None:
        here = {each.group for each in allocations if each.client_status == "running"}
        asked = tuple(service for service in declared if service.group in here)
        instances, _ = look.consul(session, asked)
    if hidden is None:
        hidden = secrets.stored(session.world, str(job.get("ID") or ""))
    return reasons.causes(session.world, allocations, instances, hidden, declared)


def of_placement(
    session: Session, evaluation: EvaluationView | None, job: Mapping[str, Any]
) -> tuple[Cause, ...]:
    """Why something waits for a node."""
    if evaluation is None or not evaluation.failed:
        return ()
    at = evaluation.created_at or None
    return placement.explained(session.world, evaluation.failed, job, at)


def ordered(*found: Sequence[Cause]) -> tuple[Cause, ...]:
    """All of them, the first in time first."""
    return tuple(sorted((cause for causes in found for cause in causes), key=in_time))
