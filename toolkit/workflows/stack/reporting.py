"""The report of a stack, from what became of its jobs."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import ApiError, ExitCode
from toolkit.spec.stack import StackReport, StackRow
from toolkit.views.text import counted
from toolkit.workflows.stack import record, restore, rows
from toolkit.workflows.stack.journey import Journey, named_some
from toolkit.workflows.stack.prepare import Ready
from toolkit.workflows.stack.record import Entry


def report(journey: Journey, ready: Ready, found: Sequence[StackRow]) -> StackReport:
    """One value for all of it."""
    atomic, clock, target = journey.options.atomic, journey.clock, journey.session.target
    bad = rows.first_bad(found)
    stuck = [row.job for row in found if row.back not in {None, "reverted"}]
    worked = [
        name
        for name in restore.cannot_be_taken_back(ready.prepared)
        if any(row.job == name and row.verdict is not None for row in found)
    ]
    notes = []
    if atomic and bad is not None and worked:
        notes.append(f"not taken back: {named_some(worked)}, whose work nothing undoes")
    return StackReport(
        action="deploy",
        verdict=rows.verdict(found, atomic=atomic),
        sentence=_sentence(found, bad, stuck, clock.elapsed, atomic=atomic),
        environment=target.environment,
        address=target.nomad.address,
        namespace=target.namespace,
        rows=tuple(found),
        parallel=journey.limit,
        atomic=atomic,
        notes=tuple(notes),
        next=rows.next_command(found),
        events=tuple(clock.events),
        seconds=clock.elapsed,
        calls=_calls(ready, found),
    )


def _calls(ready: Ready, found: Sequence[StackRow]) -> int:
    """Calls of every job's own session; of those that were only looked at, of their reports."""
    if ready.prepared:
        return sum(each.session.nomad.counter.calls for each in ready.prepared.values())
    return sum(row.report.calls for row in found if row.report is not None)


def _sentence(
    found: Sequence[StackRow],
    bad: StackRow | None,
    stuck: Sequence[str],
    seconds: float,
    *,
    atomic: bool,
) -> str:
    took = f"in {seconds:.1f} s"
    said = f"{counted(len(found), 'job')}: {rows.summary(found)}, {took}"
    if bad is None:
        return said
    if all(row.verdict is None or _was_refused(row) for row in found):
        return f"nothing was changed; {said}"
    if stuck:
        return f"{named_some(stuck)} could not be taken back; {said}"
    if atomic:
        return f"{bad.job} did not go well, and what was changed was taken back; {said}"
    return f"{bad.job} did not go well; {said}"


def _was_refused(row: StackRow) -> bool:
    """True where nothing of the job was changed, because it was refused or has no room."""
    return row.report is None and row.own_code in {ExitCode.REFUSED, ExitCode.UNPLACED}


def write_down(
    journey: Journey, ready: Ready, found: Sequence[StackRow], *, instead: Entry | None = None
) -> None:
    """Keep this state of the stack as verified; who may not write it is told so.

    `instead`: the state that the stack went back to.
    """
    world = journey.session.world
    ids = {row.job: ready.prepared[row.job].plan.job_id for row in found}
    try:
        listed = {str(stub["ID"]): stub for stub in world.nomad.jobs()}
    except ApiError as exc:
        journey.clock.say("note", f"the stack was not written down as verified: {exc.message}")
        return
    jobs = {}
    for row in found:
        stub, report = listed.get(ids[row.job]), row.report
        if stub is None or report is None or report.version is None:
            continue
        index = int(stub.get("JobModifyIndex") or 0)
        jobs[ids[row.job]] = record.Kept(report.version, index, report.release)
    entry = Entry(world.now(), jobs)
    if said := record.add(world, journey.stack, entry, instead=instead):
        journey.clock.say("note", said)
