"""The timeline of a rollout at its end, from one more look at its instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit.errors import ApiError
from toolkit.rollout import merge, read
from toolkit.rollout.timeline import Course, timeline
from toolkit.spec.events import Event, Stage
from toolkit.spec.observed import AllocationView
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import Submission
from toolkit.spec.timeline import Mark, MarkKind, Timeline
from toolkit.workflows.session import Session

_MARKS: Mapping[Stage, MarkKind] = {"fail": "failed", "revert": "revert"}


def drawn(
    session: Session, submission: Submission, outcome: Outcome, events: Sequence[Event]
) -> Timeline:
    """What each instance was when, from the registration until now.

    Never raises for what Nomad does: what it does not say any more is left out, and noted.
    """
    world = session.world
    now, clock = world.now(), world.clock()

    def epoch(at: float | None) -> float | None:
        """A time on the world's clock in seconds since the epoch."""
        return None if at is None else now - (clock - at)

    allocations, notes = _last_look(session, submission.job_id, outcome.allocations)
    promoted = epoch(outcome.promoted_at)
    marks = [Mark(submission.submitted_at, "submitted", f"version {submission.version} submitted")]
    if (healthy := epoch(outcome.healthy_at)) is not None:
        marks.append(Mark(healthy, "healthy", "every new instance is healthy, says Nomad"))
    if promoted is not None:
        marks.append(Mark(promoted, "promoted", "canaries promoted"))
    marks += [Mark(e.at, _MARKS[e.stage], e.text) for e in events if e.stage in _MARKS]
    previous = submission.previous
    releases = {submission.version: submission.release}
    if previous is not None:
        releases[previous.version] = previous.release
        if outcome.version != submission.version:
            # A revert registers the old release anew, under a number of its own.
            releases[outcome.version] = previous.release
    skew = outcome.skew
    if skew:
        way = "ahead of" if skew > 0 else "behind"
        told = f"this machine's clock is {abs(skew):.1f} s {way} Nomad's; Nomad's times are moved"
        notes = (*notes, told)
    course = Course(
        version=submission.version,
        began=submission.submitted_at,
        ended=now,
        index=submission.modify_index,
        promoted=promoted,
        releases=releases,
        sightings=outcome.sightings,
        marks=tuple(marks),
        skew=skew,
        notes=notes,
    )
    return timeline(course, allocations)


def _last_look(
    session: Session, job_id: str, before: tuple[AllocationView, ...]
) -> tuple[tuple[AllocationView, ...], tuple[str, ...]]:
    """The allocations as they are now; what Nomad dropped meanwhile as it was last seen."""
    try:
        listed = session.nomad.allocations(job_id).value or []
    except ApiError as exc:
        return before, (f"what became of the instances at the end is not known: {exc.message}",)
    known = {view.id: view for view in before}
    found = merge.merged(known, read.allocations(listed))
    here = {view.id for view in found}
    return (*(view for view in before if view.id not in here), *found), ()
