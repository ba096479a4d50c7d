"""The machine's table for what no deployment of Nomad judges: instances, work, schedules."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.machinery import (
    FULL,
    INDEX,
    Play,
    allocation,
    blocked,
    crash,
    deployment,
    direct,
    evaluation,
    job,
    live,
    rolls,
    watched,
)
from toolkit.rollout.machine import Registered
from toolkit.rollout.machine.capacity import GRACE
from toolkit.spec.observed import TaskView

# Without a deployment.


def test_max_parallel_0_has_to_run_steadily() -> None:
    raw = job(max_parallel=0, count=2)
    play = direct(raw, allocation("a"), allocation("b"))
    assert (play.run().end, play.now) == ("successful", 2.0)


def test_max_parallel_0_that_restarts_is_not_steady() -> None:
    raw = job(max_parallel=0)
    play = direct(raw, allocation())
    play.says(1.5, "allocations", allocation(tasks=(TaskView("app", "running", False, 1),)))
    assert (play.run().end, play.now) == ("successful", 3.5)


def test_max_parallel_0_that_crashes_again_and_again() -> None:
    raw = job(max_parallel=0)
    bad = allocation(tasks=(TaskView("app", "pending", False, 2, (crash(1.0), crash(3.0))),))
    play = direct(raw, bad)
    assert (play.run().end, play.deeds()) == ("failed", ["Explain", "End"])


def test_an_old_instance_beside_the_new_ones_is_waited_for() -> None:
    raw = job(max_parallel=0)
    old = allocation("o", job_version=3)
    play = direct(raw, old, allocation(healthy=True))
    play.says(7.0, "allocations", allocation(healthy=True))
    assert (play.run().end, play.now) == ("successful", 7.0)


def test_count_0() -> None:
    raw = job(count=0)
    play = direct(raw, allocation("o", job_version=3))
    play.says(4.0, "allocations", allocation("o", "complete", job_version=3))
    assert (play.run().end, play.now) == ("successful", 4.0)


def test_a_deployment_that_is_hidden_is_not_replaced_by_running_instances() -> None:
    play = direct(job(), allocation(), deadline=30.0)
    end = play.run()
    assert (end.end, play.now) == ("undecided", 30.0)
    assert "the deployment, which Nomad does not show" in end.detail


@pytest.mark.parametrize("how", [{"healthy": True}, {}])
def test_a_deployment_that_nomad_forgot_was_good_by_its_own_word(how: dict[str, Any]) -> None:
    play = direct(job(), allocation(**how), evaluation=None)
    play.registered = lambda _: live(stable=not how)
    assert play.run().end == "successful"


def test_canaries_alone_are_no_success_where_the_deployment_is_hidden() -> None:
    play = direct(job(), allocation(healthy=True, canary=True), deadline=9.0)
    assert play.run().end == "undecided"


@pytest.mark.parametrize("status", ["failed", "canceled"])
def test_an_evaluation_that_did_not_do_its_work_is_never_a_success(status: str) -> None:
    raw = job(max_parallel=0)
    play = Play(watched(raw, deadline=30.0), registered=lambda _: live(raw=raw))
    play.says(0.0, "allocations").says(0.0, "deployments")
    play.says(1.5, "evaluations", evaluation(status, description="reached delivery limit (3)"))
    end = play.run()
    assert end.end == ("failed" if status == "failed" else "undecided")
    assert "reached delivery limit (3)" in end.detail


def test_a_failed_evaluation_that_is_tried_again_is_waited_for() -> None:
    raw = job(max_parallel=0)
    play = Play(watched(raw), registered=lambda _: live(raw=raw))
    play.says(0.0, "allocations").says(0.0, "deployments")
    again = evaluation("pending", "e2", create_index=INDEX + 5, wait_until=60.0)
    play.says(1.5, "evaluations", evaluation("failed", next="e2"), again)
    play.says(61.0, "allocations", allocation(healthy=True))
    done = evaluation("complete", "e2", create_index=INDEX + 5)
    play.says(62.0, "evaluations", evaluation("failed", next="e2"), done)
    assert (play.run().end, play.now) == ("successful", 62.0)


@pytest.mark.parametrize(("registered", "end"), [("gone", "stopped"), (live(5, 200), "superseded")])
def test_a_canceled_evaluation_of_a_job_that_is_gone(registered: Registered, end: str) -> None:
    raw = job(max_parallel=0)
    play = Play(watched(raw), registered=lambda _: registered)
    play.says(0.0, "allocations").says(0.0, "deployments")
    play.says(1.5, "evaluations", evaluation("canceled"))
    assert play.run().end == end


def test_a_newer_version_without_a_deployment_supersedes() -> None:
    raw = job(max_parallel=0)
    play = direct(raw, allocation())
    play.says(1.0, "allocations", allocation(desired_status="stop"))
    play.registered = lambda _: live(5, 200, raw=raw)
    assert play.run().end == "superseded"
    seen = direct(raw, allocation(), allocation("n", job_version=5))
    seen.registered = lambda _: live(5, 200, raw=raw)
    assert seen.run().end == "superseded"


def test_instances_that_leave_a_draining_node_are_no_stop() -> None:
    raw = job(max_parallel=0)
    play = direct(raw, allocation())
    play.says(1.0, "allocations", allocation(desired_status="stop"))
    play.says(1.0, "evaluations", evaluation(), evaluation("pending", "e2", create_index=150))
    moved = allocation("b", create_index=160)
    left = allocation(status="complete", desired_status="stop", next_allocation=moved.id)
    play.says(5.0, "allocations", left, moved)
    play.says(5.0, "evaluations", evaluation(), evaluation("complete", "e2", create_index=150))
    assert (play.run().end, play.now) == ("successful", 7.0)


def test_an_instance_of_a_lost_node_is_not_counted() -> None:
    raw = job(max_parallel=0, count=2)
    play = direct(raw, allocation("a"), allocation("b"), fail_fast=False)
    play.says(1.0, "allocations", allocation("a"), allocation("b", "lost", desired_status="stop"))
    play.says(1.0, "evaluations", evaluation(), evaluation("pending", "e2", create_index=150))
    blocked(play, 1.2)
    assert play.run().end == "unplaced"


def test_a_lifecycle_task_that_is_done_does_not_hold_up_its_instance() -> None:
    raw = job(max_parallel=0)
    raw["TaskGroups"][0]["Tasks"] += [
        {"Name": "first", "Lifecycle": {"Hook": "prestart"}},
        {"Name": "last", "Lifecycle": {"Hook": "poststop"}},
    ]
    tasks = (
        TaskView("app", "running", False, 0), TaskView("first", "dead", False, 0),
        TaskView("last", "pending", False, 0),
    )  # fmt: skip
    assert direct(raw, allocation(tasks=tasks)).run().end == "successful"


# System.


def test_a_system_job_with_a_deployment_is_judged_by_it() -> None:
    play = rolls(raw=job("system")).says(2.0, "deployments", deployment("successful"))
    assert (play.run().end, play.now) == ("successful", 2.0)


def test_a_system_job_without_a_deployment_runs_on_every_node() -> None:
    raw = job("system")
    play = direct(raw, allocation("a"), allocation("b", "pending"))
    play.says(3.0, "allocations", allocation("a"), allocation("b"))
    assert (play.run().end, play.now) == ("successful", 5.0)


def test_a_system_job_whose_deployment_is_not_shown() -> None:
    play = direct(job("system"), allocation(), deadline=30.0)
    play.says(0.6, "evaluations", evaluation(deployment="d4"))
    assert play.run().end == "undecided"


def test_a_system_job_that_no_node_takes() -> None:
    play = direct(job("system"))
    end = play.run()
    assert (end.end, play.now) == ("unplaced", GRACE)
    assert "no node takes it" in end.detail


@pytest.mark.parametrize("failed", [FULL, {}])
def test_a_deployment_of_nothing_is_no_success_of_a_system_job(failed: dict[str, Any]) -> None:
    play = Play(watched(job("system")), registered=lambda _: live())
    play.says(0.0, "allocations").says(0.0, "deployments", deployment("successful"))
    play.says(0.2, "evaluations", evaluation(failed=failed))
    assert (play.run().end, play.now) == ("unplaced", GRACE + (0.2 if failed else 0))


def test_a_system_job_with_a_node_that_has_no_room() -> None:
    play = blocked(direct(job("system"), allocation(healthy=True)))
    assert play.run().end == "unplaced"


# Batch.


@pytest.mark.parametrize("kind", ["batch", "sysbatch"])
def test_work_that_was_done_before_the_first_look(kind: str) -> None:
    play = direct(job(kind), allocation(status="complete"))
    assert (play.run().end, play.now) == ("completed", 0.5)


def test_work_is_done_when_every_group_is() -> None:
    raw = job("batch", groups=("load", "clean"))
    play = direct(raw, allocation("a", "complete", group="load"))
    play.says(
        2.0, "allocations",
        allocation("a", "complete", group="load"), allocation("b", group="clean"),
    )  # fmt: skip
    play.says(
        3.0, "allocations",
        allocation("a", "complete", group="load"), allocation("b", "complete", group="clean"),
    )  # fmt: skip
    assert (play.run().end, play.now) == ("completed", 3.0)


def test_work_that_is_tried_again_is_not_failed_yet() -> None:
    raw = job("batch")
    play = direct(raw, allocation(status="running"))
    play.says(1.0, "allocations", allocation(status="failed"))
    # Nomad's rescheduler knows the job's ModifyIndex only.
    later = evaluation(
        "pending", "e2", job_modify_index=INDEX + 3, create_index=INDEX + 4, wait_until=30.0,
        triggered_by="alloc-failure",
    )  # fmt: skip
    play.says(1.0, "evaluations", evaluation(), later)
    again = replace(allocation("b", create_index=INDEX + 9), name="shop.web[a]")
    play.says(31.0, "allocations", allocation(status="failed", next_allocation=again.id), again)
    done = replace(again, client_status="complete")
    play.says(40.0, "allocations", allocation(status="failed", next_allocation=again.id), done)
    play.says(40.0, "evaluations", evaluation(), evaluation("complete", "e2"))
    assert (play.run().end, play.now) == ("completed", 40.0)


def test_work_that_fails_for_good() -> None:
    play = direct(job("batch"), allocation(status="failed"))
    assert (play.run().end, play.deeds()) == ("failed", ["Explain", "End"])


def test_work_that_is_stopped() -> None:
    play = direct(job("batch"), allocation(status="complete", desired_status="stop"))
    play.registered = lambda _: live(stopped=True)
    assert play.run().end == "stopped"


def test_work_without_room() -> None:
    play = blocked(direct(job("batch")), 0.5)
    assert (play.run().end, play.now) == ("unplaced", 0.5 + GRACE)


def test_work_of_which_a_part_has_no_room_is_not_completed() -> None:
    play = Play(watched(job("sysbatch")), registered=lambda _: live())
    play.says(0.0, "allocations", allocation(status="complete")).says(0.0, "deployments")
    blocked(play, 0.2)
    assert play.run().end == "unplaced"


def test_a_dispatched_child_is_work() -> None:
    raw = job("batch", ParameterizedJob={}, Dispatched=True, ParentID="import")
    raw["ParameterizedJob"] = {"Payload": "optional"}
    play = direct(raw, allocation(status="complete"))
    assert play.run().end == "completed"


# Jobs that only launch others.


@pytest.mark.parametrize(
    "more", [{"Periodic": {"Spec": "0 3 * * *"}}, {"ParameterizedJob": {"Payload": "optional"}}]
)
@pytest.mark.parametrize(
    ("registered", "end"),
    [
        (live(), "successful"),
        (live(stopped=True), "stopped"),
        (live(5, 200), "superseded"),
        ("gone", "stopped"),
        (None, "lost"),
    ],
)
def test_what_is_launched_later_is_registered(
    more: dict[str, Any], registered: Registered | None, end: str
) -> None:
    play = Play(watched(job("batch", **more)), registered=lambda _: registered)
    assert play.run().end == end
