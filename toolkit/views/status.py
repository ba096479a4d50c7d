"""What is there: the jobs of a namespace as a table, or one job closely."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import DeploymentRow, InstanceRow, JobDetail, JobRow, StatusReport
from toolkit.views import provenance as origin
from toolkit.views.text import counted, staged, table
from toolkit.views.when import stamp

HEAD = ["job", "kind", "state", "release", "version", "running", "healthy", "deployment", ""]
INSTANCE_HEAD = ["instance", "node", "group", "version", "state", "Nomad", "Consul", "restarts", ""]


LONG = 20
"""A list of more jobs than this is followed by what is in it."""
NAMED = 10
"""At most so many names on a line."""


def lines(report: StatusReport) -> list[str]:
    """One table, or one job with its instances; what could not be seen at the end."""
    if report.detail is not None:
        result = _detail(report.detail)
    elif report.jobs:
        result = table([HEAD, *(row_cells(row) for row in report.jobs)]) + _counted(report)
    else:
        result = [f"no jobs in namespace {report.namespace} at {report.address}"]
    for note in report.notes:
        result += staged("note", note)
    return result


def _counted(report: StatusReport) -> list[str]:
    """Of a list too long to be seen at once, what is in it."""
    if len(report.jobs) <= LONG and not report.left_out:
        return []
    number = sum(report.states.values())
    states = ", ".join(f"{count} {state}" for state, count in report.states.items())
    result = staged("jobs", f"{counted(number, 'job')}: {states}")
    if report.left_out:
        result += staged("", f"{report.left_out} of them left out (--limit)")
    if report.short:
        more = len(report.short) - NAMED
        names = ", ".join(report.short[:NAMED]) + (f" and {more} more" if more > 0 else "")
        one = len(report.short) == 1
        verb = (
            f"{'runs' if one else 'run'} fewer instances than {'it wants' if one else 'they want'}"
        )
        result += staged("short", f"{counted(len(report.short), 'job')} {verb}: {names}")
    return result


def _state(row: JobRow) -> str:
    """Nomad's word, and of work and of what is over how it ended: `dead · 1 failed`."""
    if row.state != "dead" and row.kind not in {"batch", "sysbatch"}:
        return row.state
    ends = (("failed", row.failed), ("lost", row.lost), ("complete", row.complete))
    said = ", ".join(f"{number} {word}" for word, number in ends if number)
    return f"{row.state} · {said}" if said else row.state


def _running(row: JobRow) -> str:
    if row.launched is None:
        return f"{row.running} of {'?' if row.wanted is None else row.wanted}"
    sides = (
        ("running", row.launched.running),
        ("pending", row.launched.pending),
        ("over", row.launched.dead),
    )
    said = ", ".join(f"{number} {word}" for word, number in sides if number)
    return f"launched: {said or 'none'}"


def row_cells(row: JobRow) -> list[str]:
    """A job as cells below HEAD."""
    return [
        row.name,
        row.kind,
        _state(row),
        row.release or "-",
        "-" if row.version is None else str(row.version),
        _running(row),
        "-" if row.healthy is None else str(row.healthy),
        row.deployment or "-",
        "" if row.ours else "not of this project",
    ]


def _detail(detail: JobDetail) -> list[str]:
    row = detail.row
    result = table([HEAD, row_cells(row)])
    said = [f"version {row.version}"] if row.version is not None else []
    if row.version is not None:
        said.append("stable" if detail.stable else "not marked stable")
    if detail.submitted_at is not None:
        said.append(f"submitted {stamp(detail.submitted_at)}")
    if said:
        result += staged("job", " · ".join(said))
    if detail.provenance is not None:
        result += staged("from", origin.sentence(detail.provenance))
    if detail.deployment is not None:
        result += staged("rollout", _deployment(detail.deployment))
    for route in detail.routes:
        result += staged("route", route)
    if detail.drift:
        result += staged("drift", detail.drift)
    if detail.instances:
        result += table([INSTANCE_HEAD, *(_instance(item) for item in detail.instances)])
    for item in detail.instances:
        for check in item.checks:
            if check.status != "passing":
                text = f"{item.allocation[:8]} {check.name} is {check.status}: {check.output}"
                result += staged("check", text)
    return result


def _deployment(row: DeploymentRow) -> str:
    promoted = "promoted" if row.promoted else f"{row.canaries} canaries not promoted"
    canaries = f" · {promoted}" if row.canaries else ""
    return (
        f"{row.id[:8]} of version {row.version} is {row.status} · "
        f"{row.healthy} of {row.desired} healthy, {row.placed} placed{canaries}"
        + (f" · {row.description}" if row.description else "")
    )


def _instance(row: InstanceRow) -> list[str]:
    judged = {True: "healthy", False: "unhealthy", None: "not judged"}[row.healthy]
    marks = [word for word, on in (("canary", row.canary), ("leaving", not row.wanted)) if on]
    return [
        row.allocation[:8],
        row.node,
        row.group,
        str(row.version),
        row.state,
        judged,
        row.consul,
        str(row.restarts),
        " ".join([row.address, *marks]).strip(),
    ]


def document(report: StatusReport) -> dict[str, Any]:
    """The report for programs."""
    detail = report.detail
    return {
        "schema": "toolkit.status/1",
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "jobs": [row_document(row) for row in report.jobs],
        "detail": None if detail is None else _detail_document(detail),
        "notes": list(report.notes),
        "left_out": report.left_out,
        "states": dict(report.states),
        "short": list(report.short),
        "calls": report.calls,
    }


def row_document(row: JobRow) -> dict[str, Any]:
    """A job of the list for programs."""
    return {
        "name": row.name,
        "kind": row.kind,
        "state": row.state,
        "release": row.release,
        "version": row.version,
        "wanted": row.wanted,
        "running": row.running,
        "healthy": row.healthy,
        "deployment": row.deployment,
        "ours": row.ours,
        "failed": row.failed,
        "lost": row.lost,
        "complete": row.complete,
        "launched": None
        if row.launched is None
        else {
            "pending": row.launched.pending,
            "running": row.launched.running,
            "dead": row.launched.dead,
        },
    }


def _detail_document(detail: JobDetail) -> dict[str, Any]:
    rollout = detail.deployment
    return {
        "job": row_document(detail.row),
        "stable": detail.stable,
        "submitted_at": detail.submitted_at,
        "deployment": None
        if rollout is None
        else {
            "id": rollout.id,
            "version": rollout.version,
            "status": rollout.status,
            "description": rollout.description,
            "placed": rollout.placed,
            "healthy": rollout.healthy,
            "desired": rollout.desired,
            "canaries": rollout.canaries,
            "promoted": rollout.promoted,
        },
        "instances": [_instance_document(row) for row in detail.instances],
        "routes": list(detail.routes),
        "drift": detail.drift,
        "provenance": origin.document(detail.provenance),
    }


def _instance_document(row: InstanceRow) -> dict[str, Any]:
    return {
        "allocation": row.allocation,
        "group": row.group,
        "node": row.node,
        "version": row.version,
        "state": row.state,
        "wanted": row.wanted,
        "healthy": row.healthy,
        "canary": row.canary,
        "restarts": row.restarts,
        "consul": row.consul,
        "address": row.address,
        "checks": [
            {"name": check.name, "status": check.status, "output": check.output}
            for check in row.checks
        ],
    }
