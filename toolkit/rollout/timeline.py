"""A rollout as a timeline, from the instances' own events and what the watch was told; pure.

Nomad's own times come first: when an allocation was made, judged and asked to go. What Consul and
Traefik said has the time at which we were told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from toolkit.rollout.events import Failure, failures
from toolkit.spec.observed import AllocationView, TaskEvent
from toolkit.spec.timeline import Bar, Mark, Phase, Role, Sighting, Span, Timeline

MOST_BARS = 400
MOST_FAILURES = 200
"""Kept of one rollout; what is beyond is counted."""

_OVER = {"complete", "failed", "lost"}
_ENDS = {"Terminated", "Killed", "Not Restarting"}
_LEAST = 0.0005
"""Seconds; what is shorter is the same moment."""


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of a rollout beside its instances; times in seconds since the epoch.

    They are of our clock; the instances' own times, of Nomad's, are moved by `skew`.
    """

    version: int
    began: float
    ended: float
    index: int = 0
    """JobModifyIndex of what was registered: what is newer than it and of another version was
    made by a revert."""
    canaries: frozenset[str] = frozenset()
    """Allocations placed as canaries; Nomad forgets it of those that were promoted."""
    promoted: float | None = None
    releases: Mapping[int, str | None] | None = None
    """Job version -> release."""
    sightings: tuple[Sighting, ...] = ()
    marks: tuple[Mark, ...] = ()
    """Of the whole rollout; those of single instances are found here."""
    delays: Mapping[str, float] | None = None
    """Group -> seconds from leaving Consul to the signal, where nobody saw the former."""
    skew: float = 0.0
    """Seconds that our clock is ahead of Nomad's."""
    notes: tuple[str, ...] = ()


def timeline(course: Course, allocations: Sequence[AllocationView]) -> Timeline:
    """The instances that were there between the registration and the last look."""
    told: dict[str, list[Sighting]] = defaultdict(list)
    for sighting in course.sightings:
        told[sighting.allocation].append(sighting)
    if course.skew:
        allocations = [_moved(view, course.skew) for view in allocations]
    bars = [
        bar
        for allocation in allocations
        if (bar := _bar(course, allocation, told.get(allocation.id, ()))) is not None
    ]
    bars.sort(key=_place)
    notes = list(course.notes)
    if len(bars) > MOST_BARS:
        notes.append(f"{len(bars) - MOST_BARS} more instances are not shown")
        # The new ones are why anybody looks; of the old ones any will do.
        bars = sorted(bars, key=lambda bar: bar.role == "old")[:MOST_BARS]
        bars.sort(key=lambda bar: bar.role != "old")
    shown = {bar.allocation for bar in bars}
    failed = [
        mark
        for allocation in allocations
        if allocation.id in shown
        for mark in _failures(course, allocation)
    ]
    failed.sort(key=lambda mark: mark.at)
    if len(failed) > MOST_FAILURES:
        notes.append(f"{len(failed) - MOST_FAILURES} later failures are not shown")
    marks = sorted((*course.marks, *failed[:MOST_FAILURES]), key=lambda mark: mark.at)
    return Timeline(course.began, course.ended, tuple(bars), tuple(marks), tuple(notes))


def _place(bar: Bar) -> tuple[object, ...]:
    """Old ones first, and those of one kind together."""
    return bar.role != "old", bar.role, bar.group, bar.version, bar.spans[0].began, bar.allocation


def _moved(view: AllocationView, seconds: float) -> AllocationView:
    """The same instance with its times on our clock."""
    tasks = tuple(
        replace(task, events=tuple(replace(e, at=e.at + seconds) for e in task.events))
        for task in view.tasks
    )
    return replace(
        view,
        tasks=tasks,
        created_at=view.created_at and view.created_at + seconds,
        judged_at=view.judged_at and view.judged_at + seconds,
        modified_at=view.modified_at + seconds,
    )


def _bar(course: Course, allocation: AllocationView, sightings: Iterable[Sighting]) -> Bar | None:
    sightings = tuple(sightings)
    spans = _clipped(_spans(course, allocation, sightings), course.began, course.ended)
    if not spans:
        return None
    over = allocation.client_status in _OVER and spans[-1].ended is not None
    words = {"failed": "failed", "lost": "lost"}
    return Bar(
        allocation=allocation.id,
        group=allocation.group,
        node=allocation.node,
        version=allocation.job_version,
        release=(course.releases or {}).get(allocation.job_version),
        role=_role(course, allocation),
        spans=spans,
        end=words.get(allocation.client_status, "gone") if over else None,  # type: ignore[arg-type]
        sightings=_news(s for s in sightings if s.at <= course.ended),
    )


def _news(sightings: Iterable[Sighting]) -> tuple[Sighting, ...]:
    """Without what was said already; several watches, and the proof, may say the same."""
    last: dict[str, str] = {}
    found = []
    for each in sorted(sightings, key=lambda s: s.at):
        if last.get(each.system) != each.word:
            last[each.system] = each.word
            found.append(each)
    return tuple(found)


def _role(course: Course, allocation: AllocationView) -> Role:
    if allocation.job_version == course.version:
        return "canary" if _is_canary(course, allocation) else "new"
    if allocation.job_version < course.version and allocation.canary:
        # Of a step before the one that ended it.
        return "canary" if allocation.created_at >= course.began else "old"
    made_since = allocation.created_at >= course.began and allocation.create_index > course.index
    return "restored" if course.index and made_since else "old"


def _is_canary(course: Course, allocation: AllocationView) -> bool:
    return allocation.canary or allocation.id in course.canaries


def _spans(course: Course, allocation: AllocationView, sightings: Sequence[Sighting]) -> list[Span]:
    """All phases of an instance, from its creation on."""
    leaving = _first(sightings, "leaving")
    events = sorted((e for task in allocation.tasks for e in task.events), key=lambda e: e.at)
    created = allocation.created_at or (events[0].at if events else allocation.modified_at)
    going = _going(course, allocation, events, leaving)
    points: list[tuple[float, Phase]] = [(created, "placed")]
    points += _restarts(events)
    if allocation.healthy is not None and allocation.judged_at:
        points.append((allocation.judged_at, "healthy" if allocation.healthy else "unhealthy"))
    seen = _first(sightings, "healthy")
    if seen is not None and seen < allocation.judged_at:
        # It was judged before, and is judged again by a revert's deployment.
        points.append((min(seen, course.began) if created < course.began else seen, "healthy"))
    promoted = course.promoted
    mine = allocation.job_version == course.version
    if mine and _is_canary(course, allocation) and promoted is not None and allocation.healthy:
        points.append((max(promoted, allocation.judged_at), "promoted"))
    points.sort(key=lambda point: point[0])
    if going is not None:
        points = [point for point in points if point[0] < going] + [(going, "draining")]
    ended = _ended(allocation, events)
    if ended is not None:
        points = [point for point in points if point[0] <= ended]
    return _joined(points, ended)


def _first(sightings: Sequence[Sighting], word: str) -> float | None:
    """When Nomad was first seen to say it."""
    return min((s.at for s in sightings if (s.system, s.word) == ("Nomad", word)), default=None)


def _joined(points: list[tuple[float, Phase]], ended: float | None) -> list[Span]:
    spans: list[Span] = []
    for place, (at, phase) in enumerate(points):
        until = points[place + 1][0] if place + 1 < len(points) else ended
        if spans and spans[-1].phase == phase:
            spans[-1] = Span(phase, spans[-1].began, until)
        elif until is None or until - at >= _LEAST or not spans:
            spans.append(Span(phase, at, until))
    return spans


def _restarts(events: Sequence[TaskEvent]) -> list[tuple[float, Phase]]:
    """When tasks started, and were started again after they had ended by themselves."""
    points: list[tuple[float, Phase]] = []
    for event in events:
        if event.kind == "Started" and (not points or points[-1][1] == "restarting"):
            points.append((event.at, "running"))
        elif event.kind == "Restarting" and points and points[-1][1] == "running":
            ends = [e.at for e in events if e.kind == "Terminated" and e.at <= event.at]
            points.append((max(ends[-1:] or [event.at]), "restarting"))
    return points


def _going(
    course: Course, allocation: AllocationView, events: Sequence[TaskEvent], leaving: float | None
) -> float | None:
    """When it was asked to go; None while it may stay.

    A group's shutdown delay passes before its tasks hear of it, so what was seen counts as well.
    """
    if allocation.desired_status not in {"stop", "evict"}:
        return None
    started = max((e.at for e in events if e.kind == "Started"), default=0.0)
    delay = 0.0 if leaving is not None else (course.delays or {}).get(allocation.group, 0.0)
    said = [e.at - delay for e in events if e.kind == "Killing" and e.at >= started]
    if leaving is not None:
        said.append(leaving)
    if not said and allocation.client_status not in _OVER:
        said.append(allocation.modified_at)
    return min(said, default=None)


def _ended(allocation: AllocationView, events: Sequence[TaskEvent]) -> float | None:
    if allocation.client_status not in _OVER:
        return None
    last = max((e.at for e in events if e.kind in _ENDS), default=0.0)
    return last or allocation.modified_at


def _clipped(spans: Sequence[Span], began: float, ended: float) -> tuple[Span, ...]:
    found = []
    for span in spans:
        if span.began >= ended or (span.ended is not None and span.ended <= began):
            continue
        until = None if span.ended is None or span.ended > ended else span.ended
        found.append(Span(span.phase, max(span.began, began), until))
    return tuple(found)


def _failures(course: Course, allocation: AllocationView) -> list[Mark]:
    found = failures(allocation)
    crashed = {failure.task.name for failure in found if failure.event.kind == "Terminated"}
    return [
        Mark(failure.at, "failure", _said(failure), allocation.id)
        for failure in found
        if course.began <= failure.at <= course.ended
        # Only says that the end before it was the last.
        and not (failure.event.kind == "Not Restarting" and failure.task.name in crashed)
    ]


def _said(failure: Failure) -> str:
    """What happened, without the message: that may hold what nobody should read."""
    details = failure.event.details
    if failure.kind != "crash":
        return f"task {failure.task.name}: {failure.event.kind.lower()}"
    if (signal := details.get("signal", "0")) != "0":
        return f"task {failure.task.name} was ended by signal {signal}"
    code = details.get("exit_code")
    return f"task {failure.task.name} " + (f"exited {code}" if code else "ended")
