"""The machine's table: for every kind of job, from answers to the end. Nothing runs here."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.machinery import (
    FULL,
    INDEX,
    OURS,
    Play,
    allocation,
    chain,
    crash,
    deployment,
    evaluation,
    group,
    job,
    live,
    watched,
)
from toolkit.errors import ServerError
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import Fail, GateAnswer, Proof, Registered
from toolkit.rollout.machine.capacity import GRACE, UNDECIDED
from toolkit.rollout.machine.promotion import WRONG_STEADY
from toolkit.rollout.machine.registration import READ_SECONDS
from toolkit.spec.observed import TaskView


def rolls(*, raw: dict[str, Any] | None = None, **how: Any) -> Play:
    """A service whose deployment runs."""
    found = Play(watched(raw, **how))
    found.says(0.0, "allocations", allocation("o", job_version=3), allocation())
    return found.says(0.1, "deployments", deployment("running", groups=[group()]))


def direct(raw: dict[str, Any], *those: Any, **how: Any) -> Play:
    """A job without a deployment, whose evaluation is complete."""
    found = Play(watched(raw, **how), registered=lambda _: live(raw=raw))
    found.says(0.0, "allocations", *those)
    found.says(0.0, "deployments")
    return found.says(0.5, "evaluations", evaluation())


def canaries(*, promote: bool = True, **how: Any) -> Play:
    """One group with a canary that is healthy, and one without canaries that is still rolled."""
    raw = job(groups=("web", "side"))
    found = Play(watched(raw, promote=promote, **how))
    found.says(
        0.0, "allocations",
        allocation("c", healthy=True, canary=True), allocation("s", group="side"),
    )  # fmt: skip
    waits = group(desired_canaries=1, healthy=1)
    return found.says(0.1, "deployments", deployment("running", groups=[waits, group("side")]))


# A service with a deployment.


@pytest.mark.parametrize(
    ("status", "description", "end"),
    [
        ("successful", "Deployment completed successfully", "successful"),
        ("cancelled", "Cancelled due to newer version of job", "superseded"),
        ("cancelled", "Cancelled because job is stopped", "stopped"),
        ("paused", "Deployment is paused", "held"),
        ("failed", "Failed due to progress deadline", "failed"),
    ],
)
def test_a_deployments_end(status: str, description: str, end: str) -> None:
    play = rolls().says(1.0, "deployments", deployment(status, description))
    assert (play.run().end, play.now) == (end, 1.0)


@pytest.mark.parametrize("status", ["pending", "blocked", "unblocking", "initializing", "new-word"])
def test_a_status_that_says_nothing_is_waited_out(status: str) -> None:
    play = rolls(deadline=5.0).says(1.0, "deployments", deployment(status, "Deployment is …"))
    assert (play.run().end, play.now) == ("undecided", 5.0)


def test_another_versions_deployment_is_not_ours() -> None:
    play = rolls(deadline=5.0)
    old = deployment("successful", version=3, index=50)
    play.says(1.0, "deployments", old, deployment("running", groups=[group()]))
    assert play.run().end == "undecided"


@pytest.mark.parametrize(
    ("registered", "end"),
    [
        ("gone", "stopped"),
        (live(stopped=True), "stopped"),
        (live(OURS + 1, INDEX + 9), "superseded"),
        (live(OURS + 1, INDEX + 9, raw=job(max_parallel=0)), "superseded"),
        (live(0, INDEX + 9), "superseded"),
        (live(OURS, INDEX + 9), "superseded"),
        (live(), "successful"),
    ],
)
def test_a_success_is_one_only_of_what_is_registered(registered: Registered, end: str) -> None:
    play = rolls().says(1.0, "deployments", deployment("successful"))
    play.registered = lambda _: registered
    assert play.run().end == end


def test_an_answer_older_than_our_registration_is_not_believed() -> None:
    play = rolls().says(1.0, "deployments", deployment("successful"))
    play.registered = lambda now: live(3, 50) if now < 3 else live()
    assert play.run().end == "successful"
    assert 3.0 <= play.now < 4.0


def test_what_is_registered_cannot_be_read() -> None:
    play = rolls().says(1.0, "deployments", deployment("successful"))
    play.registered = lambda _: None
    end = play.run()
    assert (end.end, play.now) == ("lost", 1.0 + READ_SECONDS)
    assert "successful in Nomad, but" in end.detail


def test_at_the_deadline_what_is_known_counts() -> None:
    play = rolls(deadline=1.0).says(1.0, "deployments", deployment("successful"))
    assert play.run().end == "successful"


def test_a_deployment_that_vanishes_with_its_job() -> None:
    play = rolls().says(1.0, "deployments")
    play.registered = lambda _: "gone"
    assert play.run().end == "stopped"


def test_a_deployment_that_vanishes_while_its_job_stays_decides_nothing() -> None:
    play = rolls(deadline=9.0).says(1.0, "deployments")
    assert (play.run().end, play.now) == ("undecided", 9.0)
    back = rolls().says(1.0, "deployments").says(2.0, "deployments", deployment("successful"))
    assert (back.run().end, back.now) == ("successful", 2.0)


def test_a_rollout_that_goes_well_asks_only_once_what_is_registered() -> None:
    play = canaries().says(3.0, "deployments", deployment("successful"))
    assert play.run().end == "successful"
    assert play.asked() == ["job"]


# Failing.


def test_the_same_crash_again_fails_the_deployment_at_once() -> None:
    bad = allocation(tasks=(TaskView("app", "pending", False, 2, (crash(1.0), crash(3.0))),))
    play = rolls().says(2.0, "allocations", bad)
    play.says(2.5, "deployments", deployment("failed", "Deployment marked as failed"))
    assert (play.run().end, play.now) == ("failed", 2.5)
    assert play.deeds() == ["Fail", "End"]


def test_without_consul_nobody_is_judged() -> None:
    bad = allocation(status="failed")
    play = rolls(deadline=9.0)
    play.updates.insert(0, (0.0, Update("lost", source="Consul", error=_error("no answer"))))
    play.says(2.0, "allocations", bad)
    end = play.run()
    assert (end.end, play.deeds()) == ("undecided", ["End"])
    assert end.detail == "Consul does not answer: no answer"


def test_nomad_lost_at_the_deadline() -> None:
    play = rolls(deadline=9.0)
    play.updates.append((2.0, Update("lost", source="Nomad", error=_error("no leader"))))
    assert play.run().end == "lost"


def test_a_token_that_is_denied_ends_it() -> None:
    play = rolls()
    play.updates.append((2.0, Update("denied", source="Nomad", error=_error("denied"))))
    assert (play.run().end, play.now) == ("lost", 2.0)


def test_the_deadline_says_how_far_it_came() -> None:
    play = rolls(deadline=4.0)
    end = play.run()
    assert (end.end, end.detail) == ("undecided", "0 of 1 instances were healthy at the deadline")
    assert [a.id[0] for a in end.suspects] == ["a"]


# The gate.


def test_only_the_groups_with_canaries_wait_for_the_gate() -> None:
    play = canaries().says(3.0, "deployments", deployment("successful"))
    assert play.run().end == "successful"
    assert play.deeds() == ["Promote", "End"]


def test_canaries_are_left_to_a_person() -> None:
    play = canaries(promote=False)
    end = play.run()
    assert (end.end, end.detail) == ("held", "the canaries are ready and wait for promotion")


def test_a_gate_that_stays_closed() -> None:
    play = canaries(deadline=5.0)
    play.gate = lambda _: GateAnswer(False, chain(traefik="broken"), "traefik: 0 of 1 up")
    end = play.run()
    assert (end.end, end.detail) == ("undecided", "the gate stayed closed: traefik: 0 of 1 up")


def wrong(_now: float) -> GateAnswer:
    answered = chain(serves="1.0.0", release="1.1.0")
    return GateAnswer(False, answered, "release: 1.0.0", wrong=answered.instances)


def test_canaries_that_serve_another_release_for_good_are_failed() -> None:
    play = canaries()
    play.gate = wrong
    play.says(9.0, "deployments", deployment("failed", "Deployment marked as failed"))
    assert play.run().end == "failed"
    assert play.deeds() == ["Fail", "End"]
    at = next(now for now, done in play.done if type(done).__name__ == "Fail")
    assert WRONG_STEADY <= at <= WRONG_STEADY + 1
    (cause,) = play.state.causes
    assert (cause.kind, cause.node) == ("release", "node-1")
    assert cause.summary == "it answers release 1.0.0, and 1.1.0 was asked for"


def test_an_answer_that_becomes_right_is_promoted() -> None:
    play = canaries().says(9.0, "deployments", deployment("successful"))
    play.gate = lambda now: wrong(now) if now < 2 else GateAnswer(True, chain(), "all agree")
    assert play.run().end == "successful"
    assert play.deeds() == ["Promote", "End"]


def test_an_answer_that_is_wrong_now_and_then_is_not_failed() -> None:
    play = canaries(deadline=20.0)
    silent = GateAnswer(False, chain(release="broken"), "release: no answer")
    play.gate = lambda now: wrong(now) if int(now) % 2 else silent
    assert play.run().end == "undecided"
    assert play.deeds() == ["End"]


# Capacity.


def blocked(play: Play, at: float = 1.0) -> Play:
    first = evaluation(failed=FULL, blocked="e2")
    second = evaluation("blocked", "e2", create_index=INDEX + 1)
    return play.says(at, "evaluations", first, second)


def unplaced(**how: Any) -> Play:
    play = Play(watched(**how))
    play.says(0.0, "allocations")
    return play.says(0.1, "deployments", deployment("running", groups=[group(placed=0)]))


def test_no_room_in_time_is_unplaced_and_the_deployment_is_failed() -> None:
    play = blocked(unplaced())
    play.says(UNDECIDED + GRACE + 2, "deployments", deployment("failed", "Deployment marked …"))
    end = play.run()
    assert (end.end, play.deeds()) == ("unplaced", ["Fail", "End"])
    assert "cannot be placed" in end.detail
    at = next(now for now, done in play.done if type(done).__name__ == "Fail")
    assert at == UNDECIDED + GRACE


def test_room_that_comes_later_is_a_success() -> None:
    play = blocked(unplaced(wait_capacity=60.0))
    play.says(30.0, "deployments", deployment("running", groups=[group()]))
    play.says(40.0, "deployments", deployment("successful"))
    assert (play.run().end, play.now) == ("successful", 40.0)
    assert play.deeds() == ["End"]


def test_room_that_is_gone_again_is_waited_for_anew() -> None:
    play = blocked(unplaced(wait_capacity=20.0))
    play.says(15.0, "deployments", deployment("running", groups=[group()]))
    play.says(30.0, "deployments", deployment("running", groups=[group(placed=0)]))
    play.says(55.0, "deployments", deployment("failed"))
    assert play.run().end == "unplaced"
    at = next(now for now, done in play.done if type(done).__name__ == "Fail")
    assert at == 50.0


def test_a_part_that_has_no_room_is_noticed_when_nothing_moves() -> None:
    play = Play(watched(job(count=3)))
    play.says(0.0, "allocations", allocation(healthy=True))
    play.says(0.1, "deployments", deployment("running", groups=[group(total=3, placed=1)]))
    blocked(play, 6.0).says(99.0, "deployments", deployment("failed"))
    assert play.run().end == "unplaced"


def test_an_instance_that_its_node_took_away_has_no_room() -> None:
    play = Play(watched(wait_capacity=3.0))
    play.says(0.0, "allocations", allocation())
    play.says(0.1, "deployments", deployment("running", groups=[group()]))
    play.says(5.0, "allocations", allocation(status="lost", desired_status="stop"))
    blocked(play, 5.0).says(9.0, "deployments", deployment("failed"))
    assert play.run().end == "unplaced"
    fail = next(done for _, done in play.done if isinstance(done, Fail))
    assert [a.id[0] for a in fail.suspects] == ["a"]
    assert [cause.kind for cause in fail.causes] == ["unplaced"]


def test_instances_that_are_rolled_one_by_one_are_not_short_of_room() -> None:
    play = Play(watched(job(count=3)))
    play.says(0.0, "allocations", allocation(healthy=True))
    play.says(0.1, "deployments", deployment("running", groups=[group(total=3, placed=1)]))
    play.says(8.0, "evaluations", evaluation())
    play.says(40.0, "deployments", deployment("successful"))
    assert (play.run().end, play.deeds()) == ("successful", ["End"])


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


# The word.


@pytest.mark.parametrize(
    ("proof", "word"),
    [
        (None, "unknown"),
        (Proof(OURS, chain()), "deployed"),
        (Proof(3, chain()), "unknown"),
        (Proof(OURS, chain(consul="broken")), "unverified"),
        (Proof(OURS, chain(edge="unseen")), "unknown"),
    ],
)
def test_a_success_needs_the_proof_of_its_own_version(proof: Proof | None, word: str) -> None:
    play = rolls().says(1.0, "deployments", deployment("successful"))
    play.run()
    play.proof = proof
    assert play.judged().verdict == word


@pytest.mark.parametrize(
    ("proof", "word"),
    [
        (None, "failed"),
        (Proof(3, chain()), "reverted"),
        (Proof(OURS, chain()), "failed"),
        (Proof(3, chain(edge="broken")), "failed"),
        (Proof(3, chain(edge="unseen")), "unknown"),
    ],
)
def test_a_failure_needs_the_proof_of_another_version(proof: Proof | None, word: str) -> None:
    play = rolls().says(1.0, "deployments", deployment("failed"))
    play.run()
    play.proof = proof
    assert play.judged().verdict == word


def test_before_its_end_nothing_is_known() -> None:
    play = Play(watched(), proof=Proof(OURS, chain()))
    assert play.judged().verdict == "unknown"


def _error(text: str) -> ServerError:
    return ServerError(text, system="Nomad")
