"""What kept an allocation from being well without its own doing: health, time, the scheduler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.test_rollout_reasons import Logs, allocation, crash, event, world
from toolkit.rollout import reasons
from toolkit.rollout.causes import merge
from toolkit.rollout.causes.classify import classify
from toolkit.rollout.causes.evidence import CheckSaid, Evidence, NodeWord
from toolkit.rollout.declared import Service
from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView, TaskView

SERVICE = Service("web", None, "web", "http", (), True, (), check_path="/health")
LATE = "Task not running for min_healthy_time of 10s by healthy_deadline of 4s"
NEVER = "Task not running by healthy_deadline of 4s"


def job(**more: Any) -> dict[str, Any]:
    """A job with one prestart task and a deadline."""
    tasks = [
        {"Name": "init", "Lifecycle": {"Hook": "prestart", "Sidecar": False}},
        {"Name": "app"},
    ]
    update = {"HealthyDeadline": 4_000_000_000}
    return {"ID": "shop", "TaskGroups": [{"Name": "web", "Tasks": tasks, "Update": update, **more}]}


def waiting(*tasks: TaskView) -> AllocationView:
    return replace(allocation(), tasks=tasks)


def view(name: str, state: str, *events: Any) -> TaskView:
    return TaskView(name, state, False, 0, events)


# Slow, checks.


def test_a_task_that_waits_for_its_prestart_names_it() -> None:
    late = event("Alloc Unhealthy", 5, NEVER)
    found = waiting(view("init", "running", late), view("app", "pending", late))
    cause = classify(found, Evidence(whole={"Job": job()}))
    assert (cause.kind, cause.task) == ("slow", "app")
    assert cause.summary == (
        "task app was not running within the healthy_deadline of 4 s: task init, which comes before"
        " it, was not done"
    )
    assert "healthy_deadline" in str(cause.advice)


def test_what_became_of_the_tasks_later_changes_nothing() -> None:
    late, end = event("Alloc Unhealthy", 5, NEVER), crash(90)
    init = view("init", "dead", event("Received", 0), event("Started", 1), late, end)
    found = waiting(init, view("app", "dead", event("Received", 0), late))
    cause = classify(found, Evidence(whole={"Job": job()}))
    assert (cause.kind, cause.task) == ("slow", "app")
    assert "task init, which comes before it, was not done" in cause.summary


def test_a_task_that_never_started_says_what_it_did_last() -> None:
    downloading = event("Downloading Artifacts", 2, "Client is downloading artifacts")
    late, after = event("Alloc Unhealthy", 5, NEVER), event("Killing", 9, "Sent interrupt")
    cause = classify(waiting(view("app", "pending", downloading, late, after)), Evidence())
    assert cause.kind == "slow"
    assert cause.summary.endswith("last: Client is downloading artifacts")


def test_a_failed_check_is_not_slowness() -> None:
    late = event("Alloc Unhealthy", 5, LATE)
    running = waiting(view("app", "running", event("Started", 1), late))
    said = (CheckSaid("alive", "critical", "HTTP GET http://x/health: 500"),)
    cause = classify(running, Evidence(checks=said), [SERVICE])
    assert (cause.kind, "500" in cause.summary) == ("check", True)
    # What it said is gone: whose check it was is still known.
    cause = classify(running, Evidence(), [SERVICE])
    assert cause.kind == "check"
    assert "the checks of service web did not pass in time" in cause.summary
    # No service, no check.
    assert classify(running, Evidence()).kind == "slow"


def test_a_restart_for_a_check_is_the_checks_fault() -> None:
    told = event("Restart Signaled", 4, 'healthcheck: check "alive" unhealthy')
    events = [event("Started", 1), told, crash(5, "137", "9"), event("Restarting", 6)]
    cause = reasons.of_allocation(world(), allocation(events))
    assert (cause.kind, cause.at) == ("check", 4)


# First in time, consequences.


def test_what_a_task_overcame_is_not_its_cause() -> None:
    pull = event("Driver Failure", 1, "Failed to pull `x`: timeout")
    events = [pull, event("Restarting", 2), event("Started", 3), crash(9)]
    cause = reasons.of_allocation(world(), allocation(events))
    assert (cause.kind, cause.at) == ("crash", 9)
    waited = event("Template", 1, "Missing: kv.block(a)")
    cause = reasons.of_allocation(world(), allocation([waited, event("Started", 2), crash(4)]))
    assert cause.kind == "crash"


def test_a_sidecar_that_fails_first_is_the_cause_of_its_siblings_end() -> None:
    siblings = [
        event("Started", 1),
        event("Sibling Task Failed", 3, 'Task\'s sibling "side" failed'),
        crash(4, "137", "9"),
    ]
    cause = reasons.of_allocation(
        world(Logs(b"gone\n")),
        allocation({"app": siblings, "side": [event("Started", 1), crash(5)]}),
    )
    assert (cause.task, cause.summary.startswith("task side exited 1")) == ("side", True)


# Moved by the scheduler.


@pytest.mark.parametrize(
    ("status", "desired", "said", "kind", "says"),
    [
        ("complete", "evict", "Preempted by alloc ID abc", "preempted", "higher priority"),
        ("complete", "stop", "alloc is being migrated", "drained", "node-1 is being drained"),
        ("lost", "stop", "alloc is lost since its node is down", "lost", "node-1 was lost"),
        ("unknown", "run", "alloc is unknown since its node is disconnected", "lost", "nobody"),
    ],
)  # fmt: skip
def test_what_the_scheduler_took_away(
    status: str, desired: str, said: str, kind: str, says: str
) -> None:
    gone = replace(allocation(status=status), desired_status=desired, desired_description=said)
    whole = {"PreemptedByAllocation": "abcdef01-2345"}
    cause = classify(
        gone, Evidence(whole=whole, node=NodeWord("down", "last: heartbeat missed", 40.0))
    )
    assert (cause.kind, says in cause.summary) == (kind, True), cause.summary
    assert cause.at == 40.0
    assert f"scheduler: {said}" in cause.evidence
    assert any("heartbeat missed" in line for line in cause.evidence)
    assert ("placed instead: allocation abcdef01" in cause.evidence) == (kind == "preempted")


def test_a_failure_of_its_own_comes_before_what_the_scheduler_did() -> None:
    moved = replace(
        allocation([crash(3)], status="failed"), desired_description="alloc is being migrated"
    )
    assert classify(moved, Evidence()).kind == "crash"


def test_an_allocation_that_could_not_be_set_up() -> None:
    said = 'failed to setup alloc: pre-run hook "network" failed: no bridge'
    cause = classify(allocation(status="failed", description=said), Evidence())
    assert (cause.kind, cause.task) == ("setup", None)
    assert "no bridge" in cause.summary


def test_what_could_not_be_read_is_in_the_evidence() -> None:
    cause = classify(allocation([crash(1)]), Evidence(unseen=("the whole of it: 403",)))
    assert cause.evidence[-1] == "unseen: the whole of it: 403"


# Order and number.


def test_causes_are_merged_in_time_and_counted() -> None:
    one = Cause("crash", "task app exited 1", "web", "app", "a", at=5.0)
    later = replace(one, allocation="b", at=9.0, count=3)
    other, timeless = Cause("check", "x", at=2.0), Cause("edge", "y")
    found = merge.merge([timeless, later, one, other])
    assert [cause.kind for cause in found] == ["check", "crash", "edge"]
    assert (found[1].allocation, found[1].count) == ("a", 4)
    newest = merge.merge([one, later, other], newest_first=True)
    assert [cause.allocation for cause in newest] == ["b", None]


def test_no_secret_stays_in_any_part_of_a_cause() -> None:
    told = Cause("crash", "key hunter2", evidence=("stderr: hunter2",), advice="use hunter2")
    assert "hunter2" not in repr(merge.merge([told], ["hunter2"]))


def test_hundreds_that_fail_alike_cost_a_few_calls() -> None:
    logs = Logs(b"FATAL\n")
    many = [allocation([crash(n)], name=f"{n:036d}") for n in range(1, 301)]
    [cause] = reasons.causes(world(logs), many)
    assert cause.count == 300
    assert cause.allocation == f"{1:036d}"
    assert len(logs.asked) == 2 * reasons.MOST_OF_A_KIND
    assert cause.place().endswith("and 299 more instances")
