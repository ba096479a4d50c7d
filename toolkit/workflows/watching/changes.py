"""What is new between two sights, as lines; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from toolkit.rollout.progress import chains
from toolkit.spec.chain import InstanceChain
from toolkit.spec.listing import JobRow
from toolkit.spec.observed import AllocationView
from toolkit.spec.sight import Change, JobSight


def of_job(
    before: JobSight | None,
    now: JobSight,
    rows_before: Sequence[InstanceChain],
    rows: Sequence[InstanceChain],
    known: Iterable[AllocationView],
) -> tuple[Change, ...]:
    """The job's own line first, then each instance that is another than it was, then who left."""
    found = [Change("job", now.headline())] if before != now else []
    old = {row.allocation: row for row in rows_before}
    found += [
        Change("instance", chains([row])[0]) for row in rows if old.get(row.allocation) != row
    ]
    here = {row.allocation for row in rows}
    views = {view.id: view for view in known}
    for row in rows_before:
        if row.allocation not in here:
            found.append(Change("left", f"{row.allocation[:8]} {row.node}  {_end(views, row)}"))
    return tuple(found)


def _end(views: Mapping[str, AllocationView], row: InstanceChain) -> str:
    view = views.get(row.allocation)
    if view is None:
        return "forgotten by Nomad"
    return "stopped" if view.client_status == "complete" else view.client_status


def of_jobs(before: Sequence[JobRow] | None, now: Sequence[JobRow]) -> tuple[Change, ...]:
    """A line for each job that is another than it was, and for each that is not there any more."""
    old = {row.name: row for row in before or ()}
    found = [Change("job", said(row)) for row in now if old.get(row.name) != row]
    here = {row.name for row in now}
    found += [Change("left", f"{name} is not there any more") for name in old if name not in here]
    return tuple(found)


def said(row: JobRow) -> str:
    """`shop 1.1.0  running  2 of 2 run, 2 healthy  deployment successful`."""
    parts = [f"{row.name} {row.release}" if row.release else row.name, row.state]
    if row.version is not None and row.launched is None:
        wanted = "?" if row.wanted is None else row.wanted
        healthy = "" if row.healthy is None else f", {row.healthy} healthy"
        parts.append(f"{row.running} of {wanted} run{healthy}")
    if row.failed or row.lost:
        parts.append(f"{row.failed + row.lost} failed or lost")
    if row.deployment is not None:
        parts.append(f"deployment {row.deployment}")
    return "  ".join(parts)
