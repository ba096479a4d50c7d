"""A rollout that somebody beside Nomad judges: decided on at once, and never after its end."""

from __future__ import annotations

import threading

import pytest

from tests.unit.machinery import Play, allocation, chain, deployment, group, live, rolls
from toolkit.rollout.machine import Fail, Opinion, Proof
from toolkit.rollout.outside import Outside
from toolkit.spec.cause import Cause

SPENT = Opinion("bad", "3 of 412 requests failed, 0 may", (Cause("probe", "3 of 412 failed"),))
BACK = "Deployment marked as failed - rolling back to job version 3"


def rolling(healthy: int, total: int, *, promoted: bool) -> Play:
    play = rolls()
    part = group(total=total, healthy=healthy, desired_canaries=1, promoted=promoted)
    play.says(1.0, "deployments", deployment("running", groups=[part]))
    play.says(2.0, "deployments", deployment("failed", BACK))
    play.says(3.0, "deployments", deployment("failed", BACK), deployment("successful", version=5))
    play.registered = lambda _: live(5, 105)
    return play


def test_a_spent_budget_fails_the_deployment_with_its_figures() -> None:
    play = rolling(0, 1, promoted=False)
    play.state.probe = SPENT
    end = play.run()
    [fail] = [d for _, d in play.done if isinstance(d, Fail)]
    assert (fail.why, fail.causes) == ("probe", SPENT.causes)
    assert (end.end, end.version, play.state.causes) == ("reverted", 5, SPENT.causes)


def test_nothing_is_promoted_over_a_spent_budget() -> None:
    play = rolling(1, 1, promoted=False)
    play.says(0.5, "allocations", allocation("c", healthy=True, canary=True))
    play.state.probe = SPENT
    play.run()
    assert "Promote" not in play.deeds()


def test_a_deployment_that_our_promotion_ends_is_not_failed() -> None:
    play = rolls()
    done = group(healthy=1, desired_canaries=1, promoted=True)
    play.says(1.0, "deployments", deployment("running", groups=[done]))
    play.says(2.0, "deployments", deployment("successful", groups=[done]))
    play.state.probe = SPENT
    play._did(promoted_at=0.0)
    # The probe is over just now, when Nomad shows the promotion already.
    play.updates.pop(1)
    assert play.run().end == "successful"
    assert play.deeds() == ["End"]


def test_after_a_promotion_of_one_the_others_are_still_given_back() -> None:
    play = rolling(1, 3, promoted=True)
    play._did(promoted_at=0.0)
    play.state.probe = SPENT
    assert play.run().end == "reverted"
    assert "Fail" in play.deeds()


def test_nomad_that_will_not_fail_it_is_not_asked_again() -> None:
    play = rolls().says(1.0, "deployments", deployment("successful"))
    play.state.probe = SPENT
    play._did(fail_refused=True)
    assert play.run().end == "successful"
    assert play.deeds() == ["End"]


@pytest.mark.parametrize("opinion", [None, Opinion("good"), Opinion("undecided")])
def test_a_budget_that_holds_changes_nothing(opinion: Opinion | None) -> None:
    play = rolls().says(1.0, "deployments", deployment("successful"))
    play.state.probe = opinion
    assert play.run().end == "successful"
    assert play.deeds() == ["End"]


@pytest.mark.parametrize(
    ("opinion", "word"), [(SPENT, "unverified"), (Opinion("good"), "deployed")]
)
def test_the_word_for_a_release_whose_budget_is_spent(opinion: Opinion, word: str) -> None:
    play = rolls().says(1.0, "deployments", deployment("successful"))
    play.proof = Proof(4, chain())
    play.run()
    play.state.probe = opinion
    assert play.judged().verdict == word


def test_told_from_another_thread_it_wakes_once_per_change() -> None:
    outside = Outside()
    woken: list[str] = []
    outside.tell("probe", Opinion("undecided"))

    def wake() -> None:
        woken.append(threading.current_thread().name)

    outside.wakes(wake)
    for number, opinion in enumerate((Opinion("good"), Opinion("good"), SPENT)):
        teller = threading.Thread(target=outside.tell, args=("probe", opinion), name=f"{number}")
        teller.start()
        teller.join()
    assert woken == ["0", "2"]
    assert outside.of("probe") == SPENT
    assert outside.of("analysis") is None
    outside.leaves(wake)
    outside.forget("probe")
    outside.tell("probe", SPENT)
    assert woken == ["0", "2"]
    outside.forget("probe")
    assert outside.of("probe") is None
