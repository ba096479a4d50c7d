"""The machine's table: for every kind of job, from answers to the end. Nothing runs here."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.machinery import (
    INDEX,
    OURS,
    Play,
    allocation,
    blocked,
    chain,
    crash,
    deployment,
    evaluation,
    group,
    job,
    live,
    rolls,
    watched,
)
from toolkit.errors import ServerError
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import Fail, GateAnswer, Proof, Registered
from toolkit.rollout.machine.capacity import GRACE, UNDECIDED
from toolkit.rollout.machine.promotion import WRONG_STEADY
from toolkit.rollout.machine.registration import READ_SECONDS
from toolkit.spec.observed import TaskView


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
    assert cause.summary == "a canary answers release 1.0.0, and 1.1.0 was asked for"


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
