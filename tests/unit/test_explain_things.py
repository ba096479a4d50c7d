"""How an allocation, a node, an evaluation and a deployment are, in a word."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from toolkit.rollout import read
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Link, Verification
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
from toolkit.workflows.explain import allocation, deployment, evaluation, node
from toolkit.workflows.explain.look import JobSeen

RUNS = Verification((Link("nomad", "holds", "2 of 2 running"),), (), expected=2)

BACK = "Failed due to unhealthy allocations - rolling back to job version 1"


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


# Single things.


@pytest.mark.parametrize(
    ("view", "kind", "word", "says"),
    [
        (alloc(), "service", "well", "runs"),
        (alloc(), "batch", "running", "runs"),
        (alloc(status="pending"), "service", "waiting", "not started"),
        (alloc(status="failed"), "service", "unwell", "failed"),
        (alloc(status="lost"), "service", "unwell", "lost with its node"),
        (alloc(status="unknown"), "service", "unknown", "disconnected"),
        (alloc(healthy=False), "service", "unwell", "not healthy in time"),
        (alloc(status="complete"), "batch", "done", "did its work"),
        (alloc(status="complete", desired_status="evict"), "service", "stopped", "preempted"),
        (
            alloc(status="complete", desired_status="stop", healthy=False),
            "service", "stopped", "it was not healthy",
        ),
        (alloc(desired_status="stop"), "service", "stopped", "is being stopped"),
        (
            alloc(tasks=(TaskView("app", "running", False, 2),)),
            "service", "well", "restarted 2 times",
        ),
        (
            alloc(tasks=(TaskView("app", "running", False, 0), TaskView("log", "dead", True, 0))),
            "service", "unwell", "without task log",
        ),
    ],
)  # fmt: skip
def test_how_an_allocation_is(view: AllocationView, kind: str, word: str, says: str) -> None:
    told = allocation.condition(view, kind, [], checked=False)
    assert (told[0], says in told[1]) == (word, True), told


def test_a_life_shows_no_secret_and_no_login() -> None:
    said = 'failed to download artifact "https://me:pw1@files.example/a.tgz?sig=s1g": hunter2'
    task = TaskView("app", "dead", True, 0, (TaskEvent("Failed Artifact Download", 5.0, said),))
    life = allocation.timeline({"CreateTime": 2 * read.NANO}, alloc(tasks=(task,)), ["hunter2"])
    assert [moment.at for moment in life] == [2.0, 5.0]
    assert "https://***@files.example/a.tgz?***" in life[1].text
    for hidden in ("hunter2", "pw1", "s1g"):
        assert hidden not in repr(life)


def test_a_failing_check_makes_a_running_allocation_unwell() -> None:
    check = CheckView("alive", "critical", "500", "web")
    instance = ConsulInstance("web", "x", "a" * 36, "127.0.0.1", 80, "node-1", (), (check,))
    told = allocation.condition(alloc(), "service", [instance], checked=True)
    assert told == ("unwell", "runs, and check alive is critical")
    good = replace(instance, checks=(replace(check, status="passing"),))
    told = allocation.condition(alloc(), "service", [good], checked=True)
    assert told == ("well", "runs, passing in Consul")


@pytest.mark.parametrize(
    ("raw", "word", "says"),
    [
        ({"Status": "ready", "SchedulingEligibility": "eligible"}, "well", "takes work"),
        ({"Status": "ready", "SchedulingEligibility": "ineligible"}, "stopped", "no new work"),
        ({"Status": "ready", "DrainStrategy": {}, "Drain": True}, "waiting", "being drained"),
        ({"Status": "down"}, "unwell", "down"),
        ({"Status": "disconnected"}, "unwell", "disconnected"),
        ({"Status": "initializing"}, "waiting", "starting"),
        ({"Status": "odd"}, "unknown", "odd"),
    ],
)
def test_how_a_node_is(raw: dict[str, Any], word: str, says: str) -> None:
    told = node.condition(raw, busy=True)
    assert (told[0], says in told[1]) == (word, True), told


@pytest.mark.parametrize(
    ("raw", "says", "command"),
    [
        ({}, "made node n ineligible", "nomad node eligibility -enable aaaaaaaa"),
        ({"DrainStrategy": {"Deadline": 1}}, "drains node n", "nomad node drain -disable aaaaaaaa"),
    ],
)
def test_what_keeps_work_from_a_node_comes_before_what_failed_there(
    raw: dict[str, Any], says: str, command: str
) -> None:
    closed = {"ID": "a" * 36, "Status": "ready", "SchedulingEligibility": "ineligible", **raw}
    event = {"Message": "Node marked as ineligible", "Timestamp": "2026-05-04T03:12:00Z"}
    [cause] = node.ailments({**closed, "Events": [event]}, "n")
    assert says in cause.summary
    assert command in (cause.advice or "")
    assert cause.evidence == ("node: Node marked as ineligible",)
    assert node.ailments({**closed, "SchedulingEligibility": "eligible"}, "n") == ()


@pytest.mark.parametrize(
    ("view", "made", "word", "says"),
    [
        (replace(BLOCKED, status="blocked"), (), "waiting", "until a node can take"),
        (
            replace(BLOCKED, status="complete", blocked="b" * 36, queued={"web": 2}), (),
            "waiting", "2 instances could not be placed, and evaluation bbbbbbbb waits for them",
        ),
        (
            replace(BLOCKED, status="complete", failed={}), (alloc(),),
            "done", "placed or changed 1 allocation",
        ),
        (replace(BLOCKED, status="complete", failed={}), (), "done", "nothing to place"),
        (
            replace(BLOCKED, status="pending", wait_until=1800.0), (),
            "waiting", "not run before 1970-01-01 00:30:00Z",
        ),
        (replace(BLOCKED, status="pending"), (), "running", "has not run it yet"),
        (
            replace(BLOCKED, status="failed", description="too often"), (),
            "unwell", "gave up: too often",
        ),
        (replace(BLOCKED, status="canceled"), (), "stopped", "was canceled"),
        (replace(BLOCKED, status="new"), (), "unknown", "its status is new"),
    ],
)  # fmt: skip
def test_what_an_evaluation_decided(
    view: EvaluationView, made: tuple[AllocationView, ...], word: str, says: str
) -> None:
    told = evaluation.decided(view, made)
    assert (told[0], says in told[1]) == (word, True), told


@pytest.mark.parametrize(
    ("view", "waits", "word", "says"),
    [
        (rollout(), False, "done", "was successful"),
        (rollout(2, "failed", BACK), False, "unwell", "made Nomad go back to version 1"),
        (rollout(2, "failed", "Failed due to progress deadline"), False, "unwell", "failed"),
        (rollout(2, "cancelled", "Cancelled because job is stopped"), False, "stopped", "stopped"),
        (rollout(2, "paused"), False, "waiting", "paused"),
        (rollout(2, "running"), True, "waiting", "waits for a node"),
        (rollout(2, "running", desired_canaries=1), False, "waiting", "waits for promotion"),
        (rollout(2, "running", desired_canaries=3), False, "rolling", "under way"),
        (rollout(2, "running"), False, "rolling", "under way"),
        (rollout(2, "blocked"), False, "waiting", "is blocked"),
    ],
)
def test_how_a_deployment_is(view: DeploymentView, waits: bool, word: str, says: str) -> None:
    told = deployment.state(view, waits=waits)
    assert (told[0], says in told[1]) == (word, True), told
