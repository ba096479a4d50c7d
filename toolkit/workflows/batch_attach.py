"""`toolkit attach` of work: a batch job, or the child of a periodic or parameterized one."""

from __future__ import annotations

from toolkit.errors import ConfigError, RefusedError
from toolkit.rollout import direct, read, secrets
from toolkit.rollout.work import Work
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.work import OnOutput, WorkReport, discard
from toolkit.workflows.batch import DEFAULTS, Started, WorkOptions, to_the_end
from toolkit.workflows.clock import Clock
from toolkit.workflows.names import find
from toolkit.workflows.session import Session


def attach_work(
    session: Session,
    job: str,
    options: WorkOptions = DEFAULTS,
    *,
    on_event: OnEvent = ignore,
    on_output: OnOutput = discard,
) -> WorkReport | None:
    """Follow the newest work of a job to its end, its output from the first byte that is kept.

    None for a job that is none, or that is not registered. RefusedError where several children of
    one job are under way, or none.
    """
    job_id = _batch_id(session, job)
    raw = session.nomad.job(job_id) if job_id else None
    if raw is None or raw.get("Type") not in direct.BATCH:
        return None
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    if direct.is_launched_later(raw) and not raw.get("Dispatched"):
        raw = session.nomad.job(_child(session, raw["ID"])) or raw
    live, parent = read.live_job(raw), raw.get("ParentID") or None
    started = Started(
        job=parent or raw["ID"],
        work=Work(raw, live.version, live.modify_index, parent=parent),
        release=live.release,
        secrets=secrets.stored(session.world, parent or raw["ID"]),
    )
    clock.say("note", f"{started.subject}, version {live.version}")
    return to_the_end(session, started, options, clock, on_output)


def _batch_id(session: Session, job: str) -> str | None:
    """Nomad's id of what may be a batch job; None for a job file that says otherwise."""
    try:
        found = find(session, job)
    except ConfigError:
        # Whoever follows a rollout says what is wrong with the name.
        return None
    spec = found.spec
    if spec is None or spec.kind in direct.BATCH:
        return found.id
    return found.id if spec.kind_origin is None and not spec.plain else None


def _child(session: Session, job_id: str) -> str:
    """The only child that is under way."""
    alive = [c["ID"] for c in session.nomad.children(job_id) if c.get("Status") != "dead"]
    if len(alive) == 1:
        return str(alive[0])
    if alive:
        raise RefusedError(
            f"{len(alive)} children of {job_id} are under way: {', '.join(sorted(alive)[:8])}",
            hint=f"toolkit attach {min(alive)}",
        )
    raise RefusedError(
        f"nothing of {job_id} is under way",
        hint=f"toolkit status {job_id} shows the job; run or dispatch starts it",
    )
