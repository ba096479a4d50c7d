"""How an allocation, a node, an evaluation and a deployment are, in a word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.explaining import BACK, BLOCKED, alloc, rollout
from toolkit.rollout import read
from toolkit.spec.observed import (
    AllocationView,
    CheckView,
    ConsulInstance,
    DeploymentView,
    EvaluationView,
    TaskEvent,
    TaskView,
)
from toolkit.workflows.explain import allocation, deployment, evaluation, node

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
