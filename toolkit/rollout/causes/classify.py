"""One cause of one allocation and what was read about it; pure."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.clients import task_texts
from toolkit.rollout import declared
from toolkit.rollout.causes import crash, health, start
from toolkit.rollout.causes.draft import Draft
from toolkit.rollout.causes.evidence import Evidence
from toolkit.rollout.causes.words import one_line
from toolkit.rollout.declared import Service
from toolkit.rollout.events import failures
from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView

_GONE = {"lost", "unknown"}


def classify(
    allocation: AllocationView, evidence: Evidence, services: Sequence[Service] = ()
) -> Cause:
    """The first cause of the allocation's failure, with its evidence and what to do.

    `services` are its job's; without them they are read from the job in the evidence.
    """
    services = services or declared.services(evidence.job)
    found = failures(allocation)
    moved = _moved(allocation, evidence)
    if moved is not None and (not found or allocation.client_status in _GONE):
        draft, task, at = moved, None, _left_at(allocation, evidence)
    elif not found:
        draft = _setup(allocation) or health.quiet(allocation, evidence, services)
        task, at = None, allocation.modified_at or None
    else:
        first = found[0]
        task, at = first.task.name, first.at
        if first.kind == "crash":
            draft = crash.crashed(allocation, evidence, found)
        elif first.kind == "check":
            draft = health.unhealthy(allocation, evidence, first, services)
        else:
            draft = start.not_started(allocation, evidence, first)
    return Cause(
        kind=draft.kind,
        summary=draft.summary,
        group=allocation.group,
        task=draft.task or task,
        allocation=allocation.id,
        node=allocation.node,
        evidence=(*draft.evidence, *(f"unseen: {text}" for text in evidence.unseen)),
        advice=draft.advice,
        at=at,
    )


def _left_at(allocation: AllocationView, evidence: Evidence) -> float | None:
    """When the node began to drain, or was lost: the end of the allocation is only its echo."""
    changed = allocation.modified_at or None
    since = evidence.node.at if evidence.node is not None else None
    return since if since is not None and changed is not None and since <= changed else changed


def _moved(allocation: AllocationView, evidence: Evidence) -> Draft | None:
    """Taken away by the scheduler, or lost with its node: no failure of its own."""
    said = allocation.desired_description
    meaning = task_texts.find(task_texts.DESIRED, said)
    if meaning is None and allocation.client_status not in _GONE:
        return None
    kind = meaning.kind if meaning is not None else "lost"
    lines = [f"scheduler: {one_line(said)}"] if said else []
    if evidence.node is not None:
        detail = f", {evidence.node.detail}" if evidence.node.detail else ""
        lines.append(f"node: {allocation.node} is {evidence.node.status}{detail}")
    node = allocation.node or "its node"
    if kind == "preempted":
        by = str(evidence.whole.get("PreemptedByAllocation") or "")
        lines += [f"placed instead: allocation {by[:8]}"] if by else []
        summary = f"allocation {allocation.short} was preempted: {meaning.what}" if meaning else ""
    elif kind == "drained":
        summary = f"node {node} is being drained, allocation {allocation.short} had to leave it"
    elif allocation.client_status == "unknown":
        summary = f"its node {node} is disconnected: nobody knows how the allocation is"
    else:
        summary = f"its node {node} was lost"
    advice = meaning.advice if meaning is not None else "look at the node: `toolkit explain {node}`"
    short = allocation.node_id[:8] or node
    return Draft(kind, summary, tuple(lines), advice.format(node=short))


def _setup(allocation: AllocationView) -> Draft | None:
    """The allocation itself could not be prepared, so that no task has an event."""
    text = allocation.client_description
    if allocation.client_status != "failed" or "failed to setup" not in text:
        return None
    return start.of_hook("allocation", text, allocation.node)
