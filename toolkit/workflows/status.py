"""`toolkit status`: what is there, the whole namespace or one job closely; never a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from toolkit.errors import ApiError, NotFoundError
from toolkit.rollout import declared, read
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.listing import (
    CheckLine,
    DeploymentRow,
    InstanceRow,
    JobDetail,
    JobRow,
    JobState,
    StatusReport,
)
from toolkit.spec.observed import AllocationView, ConsulInstance, DeploymentView
from toolkit.spec.plan import LiveJob
from toolkit.spec.target import Target
from toolkit.workflows.names import find, project_jobs
from toolkit.workflows.session import Session

GONE = {"complete", "failed", "lost"}
"""Client statuses of an allocation that is over."""


def status(session: Session, job: str | None) -> StatusReport:
    """All jobs of the namespace, or `job` closely; NotFoundError for one that nobody knows."""
    if job is None:
        rows, notes = everything(session)
        return blank(session, jobs=rows, notes=notes)
    found = find(session, job)
    raw = session.nomad.job(found.id)
    if raw is None:
        if found.spec is None:
            raise NotFoundError(
                f"no job {found.id}, neither in the project nor in namespace "
                f"{session.target.namespace}",
                system="Nomad",
                address=session.target.nomad.address,
                hint="toolkit status lists them",
            )
        row = not_deployed(found.spec)
        return blank(session, detail=JobDetail(row, False, None, None, (), ()))
    return closely(session, raw, found.spec)


def blank(
    session: Session,
    *,
    jobs: tuple[JobRow, ...] = (),
    detail: JobDetail | None = None,
    notes: tuple[str, ...] = (),
) -> StatusReport:
    """The report's envelope."""
    target = session.target
    return StatusReport(
        environment=target.environment,
        address=target.nomad.address,
        namespace=target.namespace,
        jobs=jobs,
        detail=detail,
        notes=notes,
    )


def everything(session: Session) -> tuple[tuple[JobRow, ...], tuple[str, ...]]:
    """The project's jobs first, in its order, then the others by name."""
    specs, notes = project_jobs(session)
    stubs = {stub["ID"]: stub for stub in session.nomad.jobs() if not stub.get("ParentID")}
    order = [*(name for name in specs if name in stubs or specs[name] is not None)]
    order += sorted(name for name in stubs if name not in specs)
    rows = []
    for name in order:
        stub, spec = stubs.get(name), specs.get(name)
        if stub is not None:
            ours = name in specs or session.settings.project is None
            rows.append(listed(session, stub, ours=ours))
        elif spec is not None:
            rows.append(not_deployed(spec))
    return tuple(rows), notes


def listed(session: Session, stub: Mapping[str, Any], *, ours: bool) -> JobRow:
    """One registered job, from its stub, its registration and its latest deployment."""
    raw = session.nomad.job(stub["ID"]) or stub
    latest = session.nomad.latest_deployment(stub["ID"]) if stub["Type"] != "batch" else None
    groups = ((stub.get("JobSummary") or {}).get("Summary") or {}).values()
    running = sum(int(group.get("Running") or 0) for group in groups)
    placed = sum(int(g.get("Running") or 0) + int(g.get("Starting") or 0) for g in groups)
    return job_row(raw, latest, running=running, placed=placed, ours=ours)


def job_row(
    raw: Mapping[str, Any],
    latest: Mapping[str, Any] | None,
    *,
    running: int,
    placed: int,
    ours: bool,
) -> JobRow:
    """A registered job as a row."""
    live = read.live_job(raw)
    rollout = read.deployment(latest) if latest else None
    current = rollout if rollout and rollout.job_version == live.version else None
    wanted = 0 if live.stopped else placed if live.kind in {"system", "sysbatch"} else total(live)
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


def state(raw: Mapping[str, Any], live: LiveJob) -> JobState:
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


def closely(session: Session, raw: Mapping[str, Any], spec: JobSpec | None) -> StatusReport:
    """One registered job with its instances, each beside what Consul says of it."""
    live = read.live_job(raw)
    job_id = str(raw["ID"])
    latest = session.nomad.latest_deployment(job_id)
    views = read.allocations(session.nomad.allocations(job_id).value or [])
    shown = [view for view in views if view.client_status not in GONE]
    services = declared.services(raw)
    known, notes = consul_side(session, sorted({service.name for service in services}))
    served = {service.group for service in services}
    healthy = [view for view in shown if view.should_run]
    row = job_row(
        raw,
        latest,
        running=sum(1 for view in healthy if view.client_status == "running"),
        placed=len(healthy),
        ours=spec is not None or session.settings.project is None,
    )
    detail = JobDetail(
        row=row,
        stable=live.stable,
        submitted_at=(raw.get("SubmitTime") or 0) / read.NANO or None,
        deployment=rollout_row(read.deployment(latest)) if latest else None,
        instances=tuple(instance(view, known, served) for view in shown),
        routes=tuple(
            dict.fromkeys(
                address(session.target, route) for item in services for route in item.routes
            )
        ),
        drift=drift(live, spec),
    )
    return blank(session, detail=detail, notes=notes)


def consul_side(
    session: Session, services: list[str]
) -> tuple[list[ConsulInstance] | None, tuple[str, ...]]:
    """All instances of the services; None and why when Consul shows nothing to us."""
    found: list[ConsulInstance] = []
    for name in services:
        try:
            found += read.consul_instances(name, session.consul.service(name).value or [])
        except ApiError as exc:
            return None, (f"cannot see Consul: {exc.message}",)
    return found, ()


def instance(
    view: AllocationView, known: list[ConsulInstance] | None, served: set[str]
) -> InstanceRow:
    """One allocation; of several services the worst counts."""
    mine = [item for item in known or () if item.allocation == view.id]
    checks = tuple(
        CheckLine(check.name, check.status, check.output.strip().partition("\n")[0])
        for item in mine
        for check in item.checks
        if check.service_id
    )
    return InstanceRow(
        allocation=view.id,
        group=view.group,
        node=view.node,
        version=view.job_version,
        state=view.client_status,
        wanted=view.desired_status == "run",
        healthy=view.healthy,
        canary=view.canary,
        restarts=sum(task.restarts for task in view.tasks),
        consul=consul_word(
            mine,
            seen=known is not None,
            # An instance on its way out leaves Consul first.
            expected=view.group in served and (view.desired_status == "run" or bool(mine)),
        ),
        address=f"{mine[0].address}:{mine[0].port}" if mine else "",
        checks=checks,
    )


def consul_word(mine: list[ConsulInstance], *, seen: bool, expected: bool) -> str:
    """`passing`, `warning`, `critical`, `missing`, `unseen` or `-`."""
    if not expected:
        return "-"
    if not seen:
        return "unseen"
    if not mine:
        return "missing"
    words = {check.status for item in mine for check in item.checks}
    return next((word for word in ("critical", "warning") if word in words), "passing")


def rollout_row(view: DeploymentView) -> DeploymentRow:
    """A deployment with its groups added up."""
    return DeploymentRow(
        id=view.id,
        version=view.job_version,
        status=view.status,
        description=view.description,
        placed=sum(group.placed for group in view.groups),
        healthy=sum(group.healthy for group in view.groups),
        desired=sum(group.desired_total for group in view.groups),
        canaries=sum(group.desired_canaries for group in view.groups),
        promoted=not view.needs_promotion,
    )


def address(target: Target, route: declared.Route) -> str:
    """Where a browser finds the route; its rule where the environment names no edge."""
    base = next(
        (
            target.edge[name]
            for name in ("public", "private")
            if name in route.entry_points and name in target.edge
        ),
        None,
    )
    if base is None:
        return route.rule
    parts = urlsplit(base)
    port = "" if parts.port is None else f":{parts.port}"
    host = route.host or parts.hostname or ""
    return f"{parts.scheme}://{host}{port}{route.path}"


def drift(live: LiveJob, spec: JobSpec | None) -> str | None:
    """How the live job differs from the job file in release or count."""
    if spec is None or live.stopped:
        return None
    said = []
    if spec.release is not None and spec.release != live.release:
        said.append(f"{live.release or 'no release'} is live, {spec.source} says {spec.release}")
    one = len(live.counts) == 1 and live.kind == "service"
    if one and spec.count is not None and spec.count != total(live):
        said.append(f"count {total(live)} is live, {spec.source} says {spec.count}")
    return "; ".join(said) or None
