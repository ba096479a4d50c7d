"""What a run, a launch, a dispatch and an attach to one share: follow the work, say its end."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.errors import ApiError, ExitCode, InterruptedRolloutError, NotFoundError
from toolkit.rollout.work import Work, wanted
from toolkit.rollout.work_follow import LOST_AFTER, Following, WorkEnd, follow
from toolkit.spec.cause import Cause
from toolkit.spec.work import OnOutput, WorkInstance, WorkReport, WorkTimings, WorkVerdict
from toolkit.workflows.clock import Clock
from toolkit.workflows.report_keep import work_finished
from toolkit.workflows.session import Session


@dataclass(frozen=True, slots=True)
class WorkOptions:
    """What the user asked for; durations in seconds."""

    timeout: float | None = None
    """None: as long as the work takes."""
    detach: bool = False
    wait_capacity: float | None = None
    allow: tuple[str, ...] = ()
    """Lint rules accepted for this once."""
    lost_after: float = LOST_AFTER
    """How long Nomad may stay away before the end is `unknown`."""


DEFAULTS = WorkOptions()


@dataclass(frozen=True, slots=True)
class Started:
    """Work that Nomad has, to be followed."""

    job: str
    """As the user knows it: of a child its parent."""
    work: Work
    release: str | None = None
    evaluation: str | None = None
    secrets: Collection[str] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def subject(self) -> str:
        """`migrate 1.0.0`, or the id of a child."""
        if self.work.parent is not None:
            return self.work.job_id
        return f"{self.job} {self.release}" if self.release else self.job


def child_of(session: Session, child: str, how: str) -> Mapping[str, Any]:
    """The job that a launch or a dispatch made; NotFoundError when somebody purged it since."""
    made = session.nomad.job(child)
    if made is None:
        raise NotFoundError(
            f"{child} was {how}, and is gone",
            system="Nomad",
            hint="somebody purged it",
            code=ExitCode.SUPERSEDED,
        )
    return made


def to_the_end(
    session: Session, started: Started, options: WorkOptions, clock: Clock, on_output: OnOutput
) -> WorkReport:
    """Follow what was started, or with `detach` leave it.

    InterruptedRolloutError on Ctrl-C, which stops nothing; an API that refuses from here on is
    `unknown`.
    """
    if options.detach:
        return report(session, started, clock, "submitted", f"{started.subject} is under way")
    begun = session.world.clock()
    following = Following(
        work=started.work,
        deadline=None if options.timeout is None else begun + options.timeout,
        wait_capacity=options.wait_capacity,
        lost_after=options.lost_after,
        secrets=started.secrets,
    )
    step = f"toolkit attach {started.work.job_id}"
    try:
        end = follow(session.world, following, clock.tell, on_output)
    except KeyboardInterrupt as exc:
        raise InterruptedRolloutError(
            f"interrupted; {started.subject} goes on in Nomad without us",
            hint=f"{step} watches it again, toolkit stop {started.work.job_id} ends it",
        ) from exc
    except ApiError as exc:
        if exc.code is ExitCode.REFUSED:
            exc.code, exc.hint = ExitCode.UNKNOWN, step
        raise
    clock.mark("work")
    sentence = said(started, end, clock.marks["work"])
    found = report(session, started, clock, end.verdict, sentence, end)
    return work_finished(session, found, clock)


def report(
    session: Session,
    started: Started,
    clock: Clock,
    verdict: WorkVerdict,
    sentence: str,
    end: WorkEnd | None = None,
) -> WorkReport:
    """The report of something that was started."""
    causes = end.causes if end else ()
    return WorkReport(
        verdict=verdict,
        sentence=sentence,
        job=started.job,
        environment=session.target.environment,
        address=session.target.nomad.address,
        namespace=session.target.namespace,
        release=started.release,
        child=started.work.job_id if started.work.parent else None,
        version=started.work.version,
        evaluation=started.evaluation,
        instances=end.instances if end else (),
        causes=causes,
        notes=_notes(verdict, started, end),
        next=_next(verdict, started.work.job_id, causes),
        events=tuple(clock.events),
        timings=timings(clock),
        calls=session.nomad.counter.calls,
    )


def _notes(verdict: WorkVerdict, started: Started, end: WorkEnd | None) -> tuple[str, ...]:
    found = [*started.notes, *(end.notes if end else ())]
    if verdict == "unplaced":
        found.append(f"`toolkit stop {started.work.job_id}` takes it back")
    return tuple(found)


def timings(clock: Clock) -> WorkTimings:
    """Where the seconds went so far."""
    marks = clock.marks
    return WorkTimings(clock.elapsed, marks.get("plan"), marks.get("submit"), marks.get("work"))


def said(started: Started, end: WorkEnd, seconds: float) -> str:
    """The end of work in one sentence."""
    subject, took = started.subject, f"in {seconds:.1f} s"
    match end.verdict:
        case "completed":
            return f"{subject} is done, {_counted(started.work, end.instances)}, {took}"
        case "failed":
            return f"{subject} failed, {_counted(started.work, end.instances)}, {took}"
        case "unplaced":
            return f"{subject} has no room and waits on in Nomad: {end.detail}"
        case _:
            return f"{subject}: {end.detail}"


def _counted(work: Work, instances: tuple[WorkInstance, ...]) -> str:
    """`2 of 3 instances complete`."""
    states: dict[str, list[str]] = {}
    for row in instances:
        if not row.replaced:
            states.setdefault(row.allocation, []).append(row.state)
    number = len(states) if work.everywhere else sum(wanted(work.job).values())
    done = sum(all(state == "complete" for state in found) for found in states.values())
    if number == 0:
        return "no instance was asked for"
    return f"{done} of {number} instance{'' if number == 1 else 's'} complete"


def _next(verdict: WorkVerdict, job_id: str, causes: tuple[Cause, ...]) -> str | None:
    match verdict:
        case "completed":
            return None
        case "failed":
            allocation = causes[0].allocation if causes else None
            return f"toolkit explain {allocation[:8] if allocation else job_id}"
        case "held" | "superseded":
            return f"toolkit status {job_id}"
        case _:
            return f"toolkit attach {job_id}"
