"""`toolkit status`: what is there, the whole namespace or one job closely; never a verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from toolkit.errors import ApiError, DeniedError, NotFoundError
from toolkit.rollout import declared, read
from toolkit.rollout.provenance import shown
from toolkit.spec.jobspec import JobSpec
from toolkit.spec.listing import (
    CheckLine,
    DeploymentRow,
    InstanceRow,
    JobDetail,
    JobRow,
    StatusReport,
)
from toolkit.spec.observed import AllocationView, ConsulInstance, DeploymentView
from toolkit.spec.plan import LiveJob
from toolkit.spec.target import Target
from toolkit.workflows.names import Found, find
from toolkit.workflows.overview import (
    everything,
    job_row,
    listed_only,
    not_deployed,
    total,
    vaguely,
)
from toolkit.workflows.session import Session

GONE = {"complete", "failed", "lost"}
"""Client statuses of an allocation that is over."""
NAMED = 5
"""Jobs that ended badly that are named."""


def status(session: Session, job: str | None, *, limit: int | None = None) -> StatusReport:
    """All jobs of the namespace, or `job` closely; NotFoundError for one that nobody knows.

    Of all jobs at most `limit` are listed; what the others are is counted all the same.
    """
    session = session.glancing()
    if job is None:
        rows, notes = everything(session)
        shown = rows if limit is None else rows[:limit]
        return replace(
            blank(session, notes=(*notes, *ended_badly(rows))),
            jobs=shown,
            left_out=len(rows) - len(shown),
            states=dict(sorted(Counter(row.state for row in rows).items())),
            short=tuple(row.name for row in rows if row.runs_short),
        )
    found = find(session, job)
    try:
        raw = session.nomad.job(found.id)
    except DeniedError:
        return distantly(session, found)
    if raw is None:
        return _unregistered(session, found)
    return closely(session, raw, found.spec)


def distantly(session: Session, found: Found) -> StatusReport:
    """One job as the list has it; DeniedError for a token that may not list either."""
    stubs = [stub for stub in session.nomad.jobs(found.id, meta=True) if stub["ID"] == found.id]
    if not stubs:
        return _unregistered(session, found)
    ours = found.spec is not None or session.settings.project is None
    row = vaguely(stubs[0], None, ours=ours)
    detail = JobDetail(row, False, None, None, (), ())
    return blank(session, detail=detail, notes=(listed_only(session),))


def _unregistered(session: Session, found: Found) -> StatusReport:
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


def blank(
    session: Session, *, detail: JobDetail | None = None, notes: tuple[str, ...] = ()
) -> StatusReport:
    """The report's envelope."""
    target = session.target
    return StatusReport(
        environment=target.environment,
        address=target.nomad.address,
        namespace=target.namespace,
        detail=detail,
        notes=notes,
        calls=session.nomad.counter.calls,
    )


def closely(session: Session, raw: Mapping[str, Any], spec: JobSpec | None) -> StatusReport:
    """One registered job with its instances, each beside what Consul says of it."""
    live = read.live_job(raw)
    job_id = str(raw["ID"])
    latest = session.nomad.latest_deployment(job_id)
    views = read.allocations(session.nomad.allocations(job_id).value or [])
    present = [view for view in views if view.client_status not in GONE]
    services = declared.services(raw)
    known, notes = consul_side(session, sorted({service.name for service in services}))
    served = {service.group for service in services}
    healthy = [view for view in present if view.should_run]
    row = job_row(
        raw,
        latest,
        running=sum(1 for view in healthy if view.client_status == "running"),
        placed=len(healthy),
        ours=spec is not None or session.settings.project is None,
    )
    row = ended(row, views, live.version)
    detail = JobDetail(
        row=row,
        stable=live.stable,
        submitted_at=(raw.get("SubmitTime") or 0) / read.NANO or None,
        deployment=rollout_row(read.deployment(latest)) if latest else None,
        instances=tuple(instance(view, known, served) for view in present),
        routes=tuple(
            dict.fromkeys(
                address(session.target, route) for item in services for route in item.routes
            )
        ),
        drift=drift(live, spec),
        provenance=shown(raw),
    )
    return blank(session, detail=detail, notes=(*notes, *ended_badly([row])))


def ended(row: JobRow, views: Iterable[AllocationView], version: int) -> JobRow:
    """The row with how those instances of one version ended that no other one replaced."""
    last = [each for each in views if each.job_version == version and not each.next_allocation]
    words = Counter(each.client_status for each in last)
    return replace(row, failed=words["failed"], lost=words["lost"], complete=words["complete"])


def ended_badly(rows: Iterable[JobRow]) -> tuple[str, ...]:
    """Where to learn more of jobs that are over and did not all end well."""
    names = [row.name for row in rows if row.has_failed]
    notes = [
        f"allocations of {name} failed or were lost: `toolkit explain {name}` says how it is"
        for name in names[:NAMED]
    ]
    if more := names[NAMED:]:
        notes.append(f"and so did some of {len(more)} more")
    return tuple(notes)


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
