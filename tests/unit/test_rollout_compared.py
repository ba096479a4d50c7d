"""Canaries that somebody compares: the machine waits for it, and never promotes what was bad."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.machinery import OURS, Play, allocation, chain, deployment, group, live, watched
from toolkit.rollout.machine import Analyse, End, Fail, GateAnswer, Look, Opinion, Wait, decide
from toolkit.spec.cause import Cause

WORSE = Opinion("bad", "9 of 200 failed", (Cause("analysis", "9 of 200 failed"),))
FEW = Opinion("bad", "too few", (Cause("inconclusive", "too few"),))
GOOD = Opinion("good", "no worse")
OPEN = Opinion("undecided", "3 s of 20 s")
BACK = "Deployment marked as failed - rolling back to job version 3"
WAITS = deployment("running", groups=[group(desired_canaries=1, healthy=1)])


def gated(found: Opinion | None = None, *, analysing: bool = False, **how: Any) -> Play:
    """A canary that is due at the gate, compared or to be."""
    play = Play(watched(analyse=True, **how))
    canary = allocation("c", healthy=True, canary=True)
    play.says(0.0, "allocations", canary, allocation("o", job_version=3))
    play.says(0.1, "deployments", WAITS)
    play.state.analysis = found
    play._did(analysing=analysing)
    return play


def decided(play: Play) -> Any:
    """What is decided once everything was told."""
    while play.updates:
        at, update = play.updates.pop(0)
        play.now = max(play.now, at)
        play.state.take(update, play.now)
    return decide(play.watched, play.state.answers(play.watched, play.now))


def opened(play: Play) -> Play:
    """The gate was just seen open."""
    decided(play)
    play.state.look(GateAnswer(True, chain(), "all agree"), play.now)
    return play


def test_an_open_gate_lets_them_be_compared_first() -> None:
    assert isinstance(decided(opened(gated())), Analyse)


def test_a_closed_gate_lets_nobody_be_compared() -> None:
    play = gated()
    assert isinstance(decided(play), Look)
    play.state.look(GateAnswer(False, chain(), "traefik: 0 of 1 up"), play.now)
    play._did(gate_again=5.0)
    assert isinstance(decided(play), Wait)


@pytest.mark.parametrize("found", [None, OPEN])
def test_while_they_are_compared_nothing_else_is_done(found: Opinion | None) -> None:
    waiting = decided(opened(gated(found, analysing=True)))
    assert isinstance(waiting, Wait)
    assert waiting.what == "the canaries to be compared"


def test_good_ones_are_promoted_when_the_gate_is_open_again() -> None:
    play = gated(GOOD, analysing=True)
    play.says(5.0, "deployments", replace(WAITS, status="successful"))
    assert play.run().end == "successful"
    kinds = [type(d).__name__ for _, d in play.done if not isinstance(d, Wait)]
    assert kinds == ["Look", "Promote", "Ask", "End"]


def test_a_gate_that_closed_meanwhile_is_waited_for() -> None:
    play = gated(GOOD, analysing=True, deadline=9.0)
    play.gate = lambda now: GateAnswer(False, chain(), "consul: 0 of 1 passing")
    end = play.run()
    assert (end.end, end.detail) == ("undecided", "the gate stayed closed: consul: 0 of 1 passing")
    assert play.deeds() == ["End"]


@pytest.mark.parametrize("found", [WORSE, FEW])
@pytest.mark.parametrize("healthy", [True, None, False])
def test_bad_ones_are_failed_and_what_serves_comes_back(
    found: Opinion, healthy: bool | None
) -> None:
    """Whatever Nomad thinks of them by then."""
    play = gated(found, analysing=True, fail_fast=False)
    play.says(0.5, "allocations", allocation("c", healthy=healthy, canary=True))
    play.says(1.0, "deployments", deployment("failed", BACK))
    play.says(2.0, "deployments", deployment("failed", BACK), deployment("successful", version=5))
    play.registered = lambda _: live(5, 105)
    end = play.run()
    [fail] = [d for _, d in play.done if isinstance(d, Fail)]
    assert (fail.why, fail.causes) == ("analysis", found.causes)
    assert (end.end, end.version, play.state.causes) == ("reverted", 5, found.causes)


def test_before_the_gate_nobody_has_an_opinion_that_counts() -> None:
    play = gated(WORSE)
    play.watched = replace(play.watched, analyse=False)
    assert isinstance(decided(play), Look)


def test_a_promotion_that_was_made_is_not_taken_back_by_it() -> None:
    play = gated(WORSE, analysing=True)
    play._did(promoted_at=1.0)
    assert not isinstance(decided(play), Fail)


def test_a_person_who_promotes_without_waiting_is_not_overruled() -> None:
    play = gated(WORSE, analysing=True)
    done = replace(WAITS.groups[0], promoted=True)
    play.says(1.0, "deployments", replace(WAITS, groups=(done,)))
    play.says(3.0, "deployments", replace(WAITS, groups=(done,), status="successful"))
    play.state.analysis = None
    while play.updates and play.updates[0][0] <= 1.0:
        at, update = play.updates.pop(0)
        play.state.take(update, at)
        play.now = at
    play.state.analysis = WORSE
    assert play.run().end == "successful"
    assert play.deeds() == ["End"]


def test_a_token_that_may_not_fail_it_promotes_it_neither() -> None:
    play = gated(WORSE, analysing=True)
    play._did(fail_refused=True, fail_denied="Permission denied")
    end = decided(opened(play))
    assert isinstance(end, End)
    assert (end.end, end.causes) == ("held", WORSE.causes)
    assert "the token may not fail the deployment: Permission denied" in end.detail


def test_a_deployment_that_could_not_be_failed_any_more_is_what_nomad_says() -> None:
    play = gated(WORSE, analysing=True)
    play._did(fail_refused=True)
    play.says(1.0, "deployments", deployment("cancelled", "Cancelled due to newer version of job"))
    assert play.run().end == "superseded"
    assert play.deeds() == ["End"]


def test_a_nomad_that_does_not_answer_is_asked_again_later() -> None:
    play = gated(WORSE, analysing=True)
    play._did(fail_again=3.0)
    waiting = decided(opened(play))
    assert isinstance(waiting, Wait)
    assert waiting.until == 3.0


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (GOOD, "the canaries are ready and wait for promotion; no worse"),
        (WORSE, "promotion is left to you, and the canaries are not good: 9 of 200 failed"),
    ],
)
def test_a_person_who_promotes_is_told(found: Opinion, says: str) -> None:
    end = decided(opened(gated(found, analysing=True, promote=False)))
    assert isinstance(end, End)
    assert (end.end, end.detail) == ("held", says)


@pytest.mark.parametrize("promote", [True, False])
def test_a_step_that_is_good_is_followed_by_the_next(promote: bool) -> None:
    play = gated(GOOD, analysing=True, promote=promote, more_steps=True)
    end = decided(opened(play))
    assert isinstance(end, End)
    assert (end.end, end.version) == ("ready", OURS)


@pytest.mark.parametrize("promote", [True, False])
def test_a_step_that_is_bad_is_given_up(promote: bool) -> None:
    play = gated(WORSE, analysing=True, promote=promote, more_steps=True)
    assert isinstance(decided(opened(play)), Fail)


def test_our_deadline_while_they_are_compared() -> None:
    end = gated(OPEN, analysing=True, deadline=5.0).run()
    assert (end.end, end.detail) == (
        "undecided",
        "its canaries were still compared at the deadline",
    )


def test_the_gate_of_a_revert_compares_nobody() -> None:
    play = gated(FEW, analysing=True)
    waits = deployment("running", version=5, index=105, groups=WAITS.groups)
    play.says(1.0, "deployments", deployment("failed", BACK))
    mine = allocation("r", job_version=5, healthy=True, canary=True)
    play.says(2.0, "allocations", mine)
    play.says(2.0, "deployments", deployment("failed", BACK), waits)
    play.says(4.0, "deployments", deployment("failed", BACK), replace(waits, status="successful"))
    play.registered = lambda _: live(5, 105)
    assert play.run().end == "reverted"
    assert "Promote" in play.deeds()
