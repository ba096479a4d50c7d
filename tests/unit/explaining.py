"""A job, its instances and its deployments, as explain has read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from toolkit.rollout import read
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Link, Verification
from toolkit.spec.observed import (
    AllocationView,
    DeploymentView,
    EvaluationView,
    GroupDeployment,
    TaskEvent,
    TaskView,
)
from toolkit.workflows.explain.look import JobSeen

BACK = "Failed due to unhealthy allocations - rolling back to job version 1"
RUNS = Verification((Link("nomad", "holds", "2 of 2 running"),), (), expected=2)


def job(version: int = 3, *, kind: str = "service", **more: Any) -> dict[str, Any]:
    groups = [{"Name": "web", "Count": 2}]
    return {
        "ID": "shop", "Type": kind, "Version": version, "JobModifyIndex": 10 * version,
        "Status": "running", "Meta": {"release": "1.1.0"}, "SubmitTime": 1000 * read.NANO,
        "TaskGroups": groups, **more,
    }  # fmt: skip


def alloc(
    name: str = "a", version: int = 3, status: str = "running", **more: Any
) -> AllocationView:
    tasks = (TaskView("app", "running", False, 0, (TaskEvent("Started", 1500.0, ""),)),)
    whole: dict[str, Any] = {
        "id": name * 36, "name": f"shop.web[{name}]", "group": "web", "job_version": version,
        "node": "node-1", "node_id": "n", "client_status": status, "desired_status": "run",
        "tasks": tasks, "modified_at": 1600.0, **more,
    }  # fmt: skip
    return AllocationView(**whole)


def rollout(
    version: int = 3, status: str = "successful", text: str = "", **more: Any
) -> DeploymentView:
    group = GroupDeployment("web", 2, 0, 2, 2, 0, promoted=False, auto_revert=True)
    return DeploymentView(
        "d" * 36, version, 10 * version, status, text, (replace(group, **more),), version
    )


def seen(raw: Mapping[str, Any] | None = None, **more: Any) -> JobSeen:
    whole: dict[str, Any] = {
        "versions": (), "deployments": (rollout(),), "allocations": (alloc("a"), alloc("b")),
        "evaluations": (), "unseen": (), **more,
    }  # fmt: skip
    return JobSeen(id="shop", raw=dict(raw or job()), **whole)


CRASH = Cause("crash", "x", allocation="f" * 36)
BLOCKED = EvaluationView(
    "e" * 36, "blocked", "", "queued-allocs", 30, failed={"web": {}}, create_index=31,
    created_at=1700.0,
)  # fmt: skip


def broken(name: str, detail: str) -> Verification:
    links = [Link("nomad", "holds", "2 of 2 running")] if name != "nomad" else []
    return Verification((*links, Link(name, "broken", detail)), (), expected=2)  # type: ignore[arg-type]
