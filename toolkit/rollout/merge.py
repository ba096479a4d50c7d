"""Task events over several looks, so that what Nomad no longer keeps is not lost; pure.

Nomad keeps ten events of a task. A crash loop pushes its own beginning out within half a minute,
and the first cause with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from toolkit.spec.observed import AllocationView, TaskEvent, TaskView

FIRST, LAST = 20, 60
"""Events kept of one task: from its beginning, and from its end."""


def merged(
    before: Mapping[str, AllocationView], now: Iterable[AllocationView]
) -> tuple[AllocationView, ...]:
    """The allocations as they are `now`, with the events of `before` that Nomad has dropped.

    `before` is by allocation id. What Nomad no longer lists is not brought back.
    """
    return tuple(_allocation(before.get(view.id), view) for view in now)


def _allocation(before: AllocationView | None, now: AllocationView) -> AllocationView:
    if before is None or before.tasks == now.tasks:
        return now
    known = {task.name: task for task in before.tasks}
    tasks = tuple(_task(known.get(task.name), task) for task in now.tasks)
    return now if tasks == now.tasks else replace(now, tasks=tasks)


def _task(before: TaskView | None, now: TaskView) -> TaskView:
    if before is None or before.events == now.events:
        return now
    known = {_identity(event) for event in now.events}
    dropped = [event for event in before.events if _identity(event) not in known]
    if not dropped:
        return now
    # The order within one look is Nomad's own, and stays where times are equal.
    events = sorted([*dropped, *now.events], key=lambda event: event.at)
    if len(events) > FIRST + LAST:
        events = events[:FIRST] + events[-LAST:]
    return replace(now, events=tuple(events))


def _identity(event: TaskEvent) -> tuple[str, float, str, tuple[tuple[str, str], ...]]:
    return event.kind, event.at, event.message, tuple(sorted(event.details.items()))
