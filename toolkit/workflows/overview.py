"""All jobs of a namespace as rows, in a handful of calls however many there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from toolkit.errors import DeniedError, NotFoundError
from toolkit.rollout import direct, read
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.listing import JobRow, JobState, Launched
from toolkit.spec.plan import LiveJob
from toolkit.workflows.names import project_jobs
from toolkit.workflows.session import Session

Json = Mapping[str, Any]

AFTER = 4
"""Jobs that are asked after one by one."""


def everything(session: Session) -> tuple[tuple[JobRow, ...], tuple[str, ...]]:
    """The project's jobs first, in its order, then the others by name.

    Two calls, one for every 500 jobs, and one for each of the first few jobs that Nomad's overview
    lacks. Of further ones a deployment says version and count, or nobody does, and a note names
    them. A token that may only list gets the list, and a note.
    """
    specs, notes = project_jobs(session)
    stubs = {
        str(stub["ID"]): stub for stub in session.nomad.jobs(meta=True) if not stub.get("ParentID")
    }
    blind = False
    statuses: dict[str, Json] = {}
    rollouts: dict[str, Json] = {}
    try:
        statuses = overview(session) if stubs else {}
        rollouts = newest(session.nomad.every_deployment()) if stubs else {}
    except DeniedError:
        blind = True
        notes += (listed_only(session),)
    order = [*(name for name in specs if name in stubs or specs[name] is not None)]
    order += sorted(name for name in stubs if name not in specs)
    rows: list[JobRow] = []
    left = 0 if blind else AFTER if statuses else len(stubs)
    vague = []
    for name in order:
        stub, spec = stubs.get(name), specs.get(name)
        if stub is not None:
            ours = name in specs or session.settings.project is None
            status, latest = statuses.get(name), rollouts.get(name)
            if status is not None:
                rows.append(listed(stub, status, latest, ours=ours))
            elif left:
                left -= 1
                rows.append(singly(session, stub, latest, ours=ours))
            else:
                rows.append(vaguely(stub, latest, ours=ours))
                vague += [name] if rows[-1].version is None else []
        elif spec is not None:
            rows.append(not_deployed(spec))
    if vague and not blind:
        one = f"version and count of {', '.join(vague[:3])}{' …' if vague[3:] else ''}"
        notes += (f"Nomad's overview leaves out {one}: `toolkit status JOB` has them",)
    return tuple(rows), notes


def overview(session: Session) -> dict[str, Json]:
    """Nomad's own brief status by job; never whole by promise.

    Empty from a Nomad older than 1.8. Nomad 1.11.3 leaves out all but one of the jobs that were
    changed in the same moment, as after the loss of a node.
    """
    try:
        return {str(item["ID"]): item for item in session.nomad.statuses()}
    except NotFoundError:
        return {}


def listed_only(session: Session) -> str:
    """What a token lacks that may list jobs and not read them."""
    return (
        "the Nomad token may list jobs and not read them, so versions, counts, instances and "
        f"rollouts are not shown: they need read-job in namespace {session.target.namespace}"
    )


def newest(rollouts: Iterable[Json]) -> dict[str, Json]:
    """The latest deployment of each job."""
    found: dict[str, Json] = {}
    for rollout in sorted(rollouts, key=lambda each: int(each.get("CreateIndex") or 0)):
        found[str(rollout.get("JobID"))] = rollout
    return found


def listed(stub: Json, status: Json, latest: Json | None, *, ours: bool) -> JobRow:
    """One registered job from what Nomad says of all jobs at once."""
    raw = {**stub, "Version": status.get("Version")}
    asked = int(status.get("GroupCountSum") or 0)
    return _from_stub(stub, raw, latest, asked=asked, ours=ours)


def singly(session: Session, stub: Json, latest: Json | None, *, ours: bool) -> JobRow:
    """One registered job, asked after by itself."""
    return _from_stub(stub, session.nomad.job(stub["ID"]) or stub, latest, ours=ours)


def vaguely(stub: Json, latest: Json | None, *, ours: bool) -> JobRow:
    """One registered job from its stub and its deployment, if that is of the registered version."""
    rollout = read.deployment(latest) if latest else None
    if rollout is not None and rollout.job_modify_index == stub.get("JobModifyIndex"):
        asked = sum(group.desired_total for group in rollout.groups)
        raw = {**stub, "Version": rollout.job_version}
        return _from_stub(stub, raw, latest, asked=asked, ours=ours)
    row = _from_stub(stub, stub, latest, asked=0, ours=ours)
    wanted = row.wanted if row.state == "stopped" or row.kind in {"system", "sysbatch"} else None
    return replace(row, version=None, wanted=wanted, healthy=None)


def _from_stub(
    stub: Json, raw: Json, latest: Json | None, *, ours: bool, asked: int | None = None
) -> JobRow:
    counts = stub.get("JobSummary") or {}

    def number(word: str) -> int:
        return sum(int(each.get(word) or 0) for each in (counts.get("Summary") or {}).values())

    running = number("Running")
    placed = running + number("Starting")
    parent = bool(stub.get("Periodic") or stub.get("ParameterizedJob"))
    row = job_row(raw, latest, running=running, placed=placed, ours=ours, asked=asked)
    return replace(
        row,
        wanted=0 if parent else row.wanted,
        failed=number("Failed"),
        lost=number("Lost"),
        complete=number("Complete"),
        launched=launched(counts.get("Children") or {}) if parent else None,
    )


def launched(children: Json) -> Launched:
    """What a periodic or parameterized job launched, as Nomad sums it up."""
    return Launched(*(int(children.get(word) or 0) for word in ("Pending", "Running", "Dead")))


def job_row(
    raw: Json,
    latest: Json | None,
    *,
    running: int,
    placed: int,
    ours: bool,
    asked: int | None = None,
) -> JobRow:
    """A registered job as a row; `asked` are its instances where `raw` has no groups."""
    live = read.live_job(raw)
    rollout = read.deployment(latest) if latest else None
    current = rollout if rollout and rollout.job_version == live.version else None
    if live.stopped or (direct.is_launched_later(raw) and not raw.get("ParentID")):
        wanted = 0
    elif live.kind in {"system", "sysbatch"}:
        wanted = placed
    else:
        wanted = total(live) if asked is None else asked
    return JobRow(
        name=str(raw["ID"]),
        kind=live.kind,
        state=state(raw, live),
        release=live.release,
        version=live.version,
        wanted=wanted,
        running=running,
        healthy=None if current is None else sum(group.healthy for group in current.groups),
        deployment=None if rollout is None else rollout.status,
        ours=ours,
    )


def total(live: LiveJob) -> int:
    """Instances that a service or batch job asks for."""
    return sum(live.counts.values())


def state(raw: Json, live: LiveJob) -> JobState:
    """Nomad's word, and ours for a job that somebody stopped."""
    if live.stopped:
        return "stopped"
    match raw.get("Status"):
        case "running":
            return "running"
        case "dead":
            return "dead"
        case _:
            return "pending"


def not_deployed(spec: JobSpec) -> JobRow:
    """A job of the project that the cluster does not know."""
    return JobRow(
        name=spec.name,
        kind=spec.kind,
        state="not deployed",
        release=spec.release,
        version=None,
        wanted=spec.count,
        running=0,
        healthy=None,
        deployment=None,
        ours=True,
    )
