"""Answers of Nomad and Consul, read into the values of `spec.observed`; pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from toolkit.spec.observed import (
    AllocationView,
    CheckView,
    ConsulInstance,
    DeploymentView,
    EvaluationView,
    GroupDeployment,
    TaskEvent,
    TaskView,
)
from toolkit.spec.plan import LiveJob

NANO = 1_000_000_000

# Nomad's id of a service instance: client/serviceregistration/id.go.
_INSTANCE = re.compile(
    r"^_nomad-task-([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})-"
)


_RUNTIME = (
    "Version", "Stable", "SubmitTime", "CreateIndex", "ModifyIndex", "JobModifyIndex", "Status",
    "StatusDescription", "VersionTag", "Stop",
)  # fmt: skip


def live_job(raw: Mapping[str, Any]) -> LiveJob:
    """The job as Nomad has it registered."""
    meta = raw.get("Meta") or {}
    return LiveJob(
        version=int(raw.get("Version") or 0),
        modify_index=int(raw.get("JobModifyIndex") or 0),
        kind=str(raw.get("Type") or ""),
        release=meta.get("release"),
        stopped=bool(raw.get("Stop")),
        stable=bool(raw.get("Stable")),
        counts={group["Name"]: int(group.get("Count") or 0) for group in groups(raw)},
        raw=dict(raw),
    )


def registration(raw: Mapping[str, Any]) -> dict[str, Any]:
    """A job as it was registered, without what Nomad sets by itself."""
    return {key: value for key, value in raw.items() if key not in _RUNTIME}


def groups(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The task groups of a job."""
    return list(job.get("TaskGroups") or [])


def allocations(raw: Iterable[Mapping[str, Any]]) -> tuple[AllocationView, ...]:
    """Allocations as listed by Nomad, oldest first."""
    return tuple(sorted((allocation(item) for item in raw), key=lambda view: view.create_index))


def allocation(raw: Mapping[str, Any]) -> AllocationView:
    """One allocation, from a list stub or from the whole."""
    health = raw.get("DeploymentStatus") or {}
    version = raw.get("JobVersion")
    if version is None:
        version = (raw.get("Job") or {}).get("Version") or 0
    return AllocationView(
        id=raw["ID"],
        name=raw.get("Name") or "",
        group=raw.get("TaskGroup") or "",
        job_version=int(version),
        node=raw.get("NodeName") or (raw.get("NodeID") or "")[:8],
        node_id=raw.get("NodeID") or "",
        client_status=raw.get("ClientStatus") or "",
        desired_status=raw.get("DesiredStatus") or "",
        desired_description=raw.get("DesiredDescription") or "",
        client_description=raw.get("ClientDescription") or "",
        canary=bool(health.get("Canary")),
        healthy=health.get("Healthy"),
        tasks=tuple(
            task(name, state) for name, state in sorted((raw.get("TaskStates") or {}).items())
        ),
        create_index=int(raw.get("CreateIndex") or 0),
        modify_index=int(raw.get("ModifyIndex") or 0),
        modified_at=(raw.get("ModifyTime") or 0) / NANO,
        next_allocation=raw.get("NextAllocation") or None,
        created_at=(raw.get("CreateTime") or 0) / NANO,
        judged_at=seconds(health.get("Timestamp")),
    )


def task(name: str, raw: Mapping[str, Any]) -> TaskView:
    """One task's state with the events that Nomad still keeps."""
    return TaskView(
        name=name,
        state=raw.get("State") or "pending",
        failed=bool(raw.get("Failed")),
        restarts=int(raw.get("Restarts") or 0),
        events=tuple(
            TaskEvent(
                kind=event.get("Type") or "",
                at=(event.get("Time") or 0) / NANO,
                message=event.get("DisplayMessage") or event.get("Message") or "",
                details={str(k): str(v) for k, v in (event.get("Details") or {}).items()},
            )
            for event in raw.get("Events") or []
        ),
    )


def deployments(raw: Iterable[Mapping[str, Any]]) -> tuple[DeploymentView, ...]:
    """Deployments of a job, oldest first."""
    return tuple(sorted((deployment(item) for item in raw), key=lambda view: view.create_index))


def deployment(raw: Mapping[str, Any]) -> DeploymentView:
    """One deployment."""
    return DeploymentView(
        id=raw["ID"],
        job_version=int(raw.get("JobVersion") or 0),
        job_modify_index=int(raw.get("JobSpecModifyIndex") or 0),
        status=raw.get("Status") or "",
        description=raw.get("StatusDescription") or "",
        groups=tuple(
            GroupDeployment(
                group=name,
                desired_total=int(state.get("DesiredTotal") or 0),
                desired_canaries=int(state.get("DesiredCanaries") or 0),
                placed=int(state.get("PlacedAllocs") or 0),
                healthy=int(state.get("HealthyAllocs") or 0),
                unhealthy=int(state.get("UnhealthyAllocs") or 0),
                promoted=bool(state.get("Promoted")),
                auto_revert=bool(state.get("AutoRevert")),
                placed_canaries=tuple(state.get("PlacedCanaries") or ()),
                progress_deadline=(state.get("ProgressDeadline") or 0) / NANO,
            )
            for name, state in sorted((raw.get("TaskGroups") or {}).items())
        ),
        create_index=int(raw.get("CreateIndex") or 0),
        modify_index=int(raw.get("ModifyIndex") or 0),
    )


def evaluations(raw: Iterable[Mapping[str, Any]]) -> tuple[EvaluationView, ...]:
    """Evaluations of a job, oldest first."""
    return tuple(sorted((evaluation(item) for item in raw), key=lambda view: view.create_index))


def evaluation(raw: Mapping[str, Any]) -> EvaluationView:
    """One evaluation, from a list or from the whole."""
    return EvaluationView(
        id=raw["ID"],
        status=raw.get("Status") or "",
        description=raw.get("StatusDescription") or "",
        triggered_by=raw.get("TriggeredBy") or "",
        job_modify_index=int(raw.get("JobModifyIndex") or 0),
        deployment=raw.get("DeploymentID") or None,
        failed=dict(raw.get("FailedTGAllocs") or {}),
        queued={name: int(number) for name, number in (raw.get("QueuedAllocations") or {}).items()},
        blocked=raw.get("BlockedEval") or None,
        next=raw.get("NextEval") or None,
        previous=raw.get("PreviousEval") or None,
        wait_until=seconds(raw.get("WaitUntil")),
        create_index=int(raw.get("CreateIndex") or 0),
        modify_index=int(raw.get("ModifyIndex") or 0),
        created_at=(raw.get("CreateTime") or 0) / NANO,
    )


def seconds(text: object) -> float:
    """Nomad's time as text in seconds since the epoch; 0 for none, which Go writes as year 1."""
    try:
        return max(datetime.fromisoformat(str(text)).timestamp(), 0.0)
    except (ValueError, OverflowError):
        return 0.0


def consul_instances(service: str, raw: Iterable[Mapping[str, Any]]) -> tuple[ConsulInstance, ...]:
    """Instances of one service from Consul's health endpoint, checks of the node included."""
    found = []
    for entry in raw:
        body, node = entry.get("Service") or {}, entry.get("Node") or {}
        match = _INSTANCE.match(body.get("ID") or "")
        found.append(
            ConsulInstance(
                service=service,
                id=body.get("ID") or "",
                allocation=match.group(1) if match else None,
                address=body.get("Address") or node.get("Address") or "",
                port=int(body.get("Port") or 0),
                node=node.get("Node") or "",
                tags=tuple(body.get("Tags") or ()),
                checks=tuple(
                    CheckView(
                        name=check.get("Name") or "",
                        status=check.get("Status") or "",
                        output=check.get("Output") or "",
                        service_id=check.get("ServiceID") or "",
                        id=check.get("CheckID") or "",
                    )
                    for check in entry.get("Checks") or []
                ),
            )
        )
    return tuple(sorted(found, key=lambda instance: instance.id))
