"""The timeline of a rollout at its end, from one more look at its instances."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from toolkit.errors import ApiError
from toolkit.rollout import merge, read
from toolkit.rollout.timeline import Course, timeline
from toolkit.spec.chain import Verification
from toolkit.spec.events import Event, Stage
from toolkit.spec.observed import AllocationView, DeploymentView
from toolkit.spec.outcome import Outcome
from toolkit.spec.plan import Submission
from toolkit.spec.report import DeployReport
from toolkit.spec.timeline import Mark, MarkKind, Sighting, Timeline
from toolkit.workflows.session import Session

_MARKS: Mapping[Stage, MarkKind] = {"fail": "failed", "revert": "revert"}
_TOGETHER = 1.0
"""Seconds within which lines about one turn of a rollout are one mark."""


def drawn(
    session: Session,
    rolled: Sequence[tuple[Submission, Outcome]],
    events: Sequence[Event],
    report: DeployReport,
    decided: float,
) -> Timeline:
    """What each instance was when, from the registration until now.

    `rolled` is what was asked for, then what we went back to, if anything; `decided` is when the
    verdict of `report` was, on the world's clock. Never raises for what Nomad does: what it does
    not say any more is left out, and noted.
    """
    world = session.world
    now, clock = world.now(), world.clock()
    submission, outcome = rolled[0]

    def epoch(at: float | None) -> float | None:
        """A time on the world's clock in seconds since the epoch."""
        return None if at is None else now - (clock - at)

    seen: dict[str, AllocationView] = {}
    for _, each in rolled:
        seen.update({view.id: view for view in merge.merged(seen, each.allocations)})
    if rolled[-1][1].end == "lost":
        # Asked again, it would keep the verdict waiting for as long as it keeps silent.
        allocations = tuple(seen.values())
        notes: tuple[str, ...] = ("what became of the instances is not known: Nomad was lost",)
    else:
        allocations, notes = _last_look(session, submission.job_id, seen)
    promoted = epoch(outcome.promoted_at)
    began = submission.submitted_at
    marks = [Mark(began, "submitted", f"version {submission.version} submitted")]
    if (healthy := epoch(outcome.healthy_at)) is not None:
        marks.append(Mark(healthy, "healthy", "every new instance is healthy, says Nomad"))
    if promoted is not None:
        marks.append(Mark(promoted, "promoted", "canaries promoted"))
    marks += _turns(events)
    ended = epoch(decided) or now
    marks.append(Mark(ended, "verdict", report.verdict))
    skew = outcome.skew
    if skew:
        way = "ahead of" if skew > 0 else "behind"
        told = f"this machine's clock is {abs(skew):.1f} s {way} Nomad's; Nomad's times are moved"
        notes = (*notes, told)
    course = Course(
        version=submission.version,
        began=began,
        ended=now,
        index=submission.modify_index,
        canaries=canaries_of(outcome.deployment),
        promoted=promoted,
        releases=_releases(rolled),
        sightings=(
            *(each for _, watched in rolled for each in watched.sightings),
            *_at_last(report.verification, ended),
        ),
        marks=tuple(marks),
        skew=skew,
        notes=notes,
    )
    return timeline(course, allocations)


def _turns(events: Sequence[Event]) -> list[Mark]:
    """Where the rollout failed and went back; several lines of one moment are one."""
    found: list[Mark] = []
    for event in events:
        kind = _MARKS.get(event.stage)
        again = any(mark.kind == kind and event.at - mark.at < _TOGETHER for mark in found)
        if kind is not None and not again:
            found.append(Mark(event.at, kind, event.text))
    return found


def _at_last(verification: Verification | None, at: float) -> list[Sighting]:
    """What the proof saw of the instances: after a promotion nobody looked at the edge before."""
    return [
        Sighting(row.allocation, "Traefik", row.traefik, at)
        for row in (verification.instances if verification else ())
        if row.traefik not in {"-", "unseen"}
    ]


def canaries_of(deployment: DeploymentView | None) -> frozenset[str]:
    """The allocations that a deployment placed as canaries."""
    groups = deployment.groups if deployment else ()
    return frozenset(id_ for group in groups for id_ in group.placed_canaries)


def _releases(rolled: Sequence[tuple[Submission, Outcome]]) -> dict[int, str | None]:
    """Job version -> release, as far as the rollout knows."""
    found: dict[int, str | None] = {}
    for submission, outcome in rolled:
        previous = submission.previous
        if previous is not None:
            # A revert registers the old release anew, under a number of its own.
            found.setdefault(outcome.version, previous.release)
            found.setdefault(previous.version, previous.release)
        found[submission.version] = submission.release
    return found


def _last_look(
    session: Session, job_id: str, before: Mapping[str, AllocationView]
) -> tuple[tuple[AllocationView, ...], tuple[str, ...]]:
    """The allocations as they are now; what Nomad dropped meanwhile as it was last seen."""
    try:
        listed = session.nomad.allocations(job_id).value or []
    except ApiError as exc:
        why = f"what became of the instances at the end is not known: {exc.message}"
        return tuple(before.values()), (why,)
    found = merge.merged(before, read.allocations(listed))
    here = {view.id for view in found}
    return (*(view for key, view in before.items() if key not in here), *found), ()
