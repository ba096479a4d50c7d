"""How a revert ends, by what a watch sees of it; time passes only while it waits."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.machinery import Play, allocation, chain, deployment, job, live, watched
from toolkit.errors import UnreachableError
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import GateAnswer, Registered
from toolkit.rollout.machine.reverting import APPEARS
from toolkit.spec.observed import AllocationView, DeploymentView, GroupDeployment

BACK = "Failed due to unhealthy allocations - rolling back to job version 3"
THEIRS = 5


def revert(status: str, description: str = "", version: int = THEIRS) -> DeploymentView:
    return deployment(status, description, version=version, index=100 + version)


def registered(version: int = THEIRS, **how: Any) -> Registered:
    return live(version, 100 + version, **how)


def play(*, description: str = BACK, raw: dict[str, Any] | None = None, **how: Any) -> Play:
    found = Play(watched(raw, **how), registered=lambda _: registered())
    found.says(0.0, "allocations", allocation(status="failed"))
    return found.says(0.0, "deployments", deployment("failed", description))


def deployments(at: float, found: Play, *those: DeploymentView) -> Play:
    return found.says(at, "deployments", deployment("failed", BACK), *those)


@pytest.mark.parametrize(
    "description",
    [
        "Deployment marked as failed",
        "Failed due to progress deadline - no stable job version to auto revert to",
        "… - not rolling back to stable job version 3 as current job has same specification",
    ],
)
def test_without_a_version_to_go_back_to_there_is_nothing_to_follow(description: str) -> None:
    found = play(description=description)
    ended = found.run()
    assert (ended.end, ended.detail, ended.version) == ("failed", description, 4)
    assert (found.now, found.deeds()) == (0.0, ["Explain", "End"])


@pytest.mark.parametrize(
    ("status", "end", "words"),
    [
        ("successful", "reverted", BACK),
        ("failed", "failed", "the revert failed too: why"),
        ("cancelled", "superseded", "why"),
        ("paused", "held", "the deployment of the revert is paused"),
    ],
)
def test_the_next_deployment_is_followed_to_its_end(status: str, end: str, words: str) -> None:
    found = deployments(0.4, play(), revert("running"))
    ended = deployments(0.8, found, revert(status, "why")).run()
    assert (ended.end, ended.detail) == (end, words)
    assert ended.version == THEIRS
    assert (found.now, found.deeds()) == (0.8, ["Explain", "Follow", "End"])


def test_what_somebody_registers_after_it_is_not_the_revert() -> None:
    later = deployments(0.5, play(), revert("successful"), revert("failed", version=6))
    later.registered = lambda _: registered(6)
    ended = later.run()
    assert (ended.end, ended.detail) == ("superseded", "version 6 replaced it")


def test_a_later_version_is_not_the_revert() -> None:
    found = deployments(0.5, play(), revert("successful", version=6))
    found.registered = lambda _: registered(6)
    assert found.run().end == "superseded"


def test_a_revert_to_a_stopped_version_is_no_stop_by_somebody() -> None:
    found = play()
    found.registered = lambda _: registered(stopped=True)
    ended = found.run()
    assert (ended.end, ended.detail) == ("failed", f"{BACK}, which was stopped")
    by_hand = play()
    by_hand.registered = lambda _: registered(6, stopped=True)
    assert by_hand.run().end == "stopped"


def test_a_success_of_the_revert_counts_only_while_it_is_registered() -> None:
    for found, end in (("gone", "stopped"), (registered(stopped=True), "stopped")):
        done = deployments(0.5, play(), revert("successful"))
        done.registered = lambda _, found=found: found  # type: ignore[misc]
        assert done.run().end == end


def test_an_answer_from_before_the_revert_is_asked_again() -> None:
    found = deployments(0.5, play(), revert("successful"))
    found.registered = lambda now: live() if now < 2 else registered()
    assert found.run().end == "reverted"
    assert 2.0 <= found.now < 3.0


def test_a_revert_that_does_not_appear() -> None:
    found = play()
    found.registered = lambda _: live()
    ended = found.run()
    assert (ended.end, ended.detail) == ("failed", "the revert made no deployment")
    assert found.now == APPEARS


def test_a_revert_is_waited_for_from_the_moment_that_nomad_answers_again() -> None:
    found = play()
    error = UnreachableError("no leader", system="Nomad", address="")
    found.updates.append((2.0, Update("lost", source="Nomad", error=error)))
    found.updates.append((21.0, Update("back", source="Nomad")))
    deployments(23.0, found, revert("successful"))
    # Its lists were read before the revert was registered, and again a moment after it answers.
    found.registered = lambda now: live() if now < 23 else registered()
    assert found.run().end == "reverted"


def test_a_revert_whose_job_was_purged_is_not_waited_for() -> None:
    found = play()
    found.registered = lambda _: "gone"
    assert found.run().end == "stopped"
    assert found.now < APPEARS


def test_a_revert_that_does_not_end() -> None:
    found = deployments(0.5, play(deadline=30.0), revert("running"))
    ended = found.run()
    assert (ended.end, ended.detail) == ("undecided", "the revert was not over at the deadline")
    assert found.now == 30.0


def test_a_revert_with_canaries_goes_through_the_gate() -> None:
    canary = GroupDeployment("web", 1, 1, 1, 1, 0, promoted=False, auto_revert=True)
    waits = deployment("running", version=5, index=105, groups=[canary])
    found = play()
    found.says(0.5, "allocations", allocation("b", job_version=5, healthy=True))
    deployments(0.5, found, waits)
    answers = iter([GateAnswer(False, chain(), "traefik: not yet")])
    found.gate = lambda _: next(answers, GateAnswer(True, chain(), "all agree"))
    deployments(5.0, found, revert("successful"))
    assert found.run().end == "reverted"
    assert found.deeds() == ["Explain", "Follow", "Promote", "End"]


# A system job's revert has no deployment.


def test_a_system_jobs_instances_are_the_revert() -> None:
    found = play(raw=job("system"))
    found.says(0.3, "allocations", allocation("b", "pending", job_version=5))
    found.says(0.6, "allocations", allocation("b", job_version=5))
    ended = found.run()
    assert (ended.end, ended.version, found.now) == ("reverted", 5, 0.6)


def test_without_a_check_nomads_word_is_waited_for() -> None:
    found = play(raw=job("system", checked=False))
    found.registered = lambda _: live()
    found.says(0.3, "allocations", allocation("b", job_version=5))
    found.says(4.0, "allocations", allocation("b", job_version=5, healthy=True))
    found.says(4.5, "deployments", deployment("failed", BACK))
    found.registered = lambda now: live() if now < 4 else registered()
    assert found.run().end == "reverted"
    assert found.now == 4.0


@pytest.mark.parametrize(
    ("raw", "those"),
    [
        (job("system"), (allocation("b", "pending", job_version=5),)),
        (
            job("system"),
            (allocation("b", job_version=5), allocation("c", "failed", job_version=5)),
        ),
        (job("system"), (allocation("b", job_version=5, desired_status="stop"),)),
        (job("system"), ()),
        (job("service"), (allocation("b", job_version=5),)),
    ],
)
def test_instances_that_do_not_bring_it_back(
    raw: dict[str, Any], those: tuple[AllocationView, ...]
) -> None:
    found = play(raw=raw)
    found.registered = lambda _: registered(raw=raw)
    found.says(0.5, "allocations", allocation(status="failed"), *those)
    assert found.run().end == "failed"


# A version that Nomad rolls without a deployment.


def test_a_version_without_deployments_is_back_when_its_instances_run_steadily() -> None:
    found = play()
    found.registered = lambda _: registered(raw=job(max_parallel=0))
    found.says(0.5, "allocations", allocation("b", job_version=5))
    ended = found.run()
    assert (ended.end, ended.version) == ("reverted", 5)
    assert found.now == 2.5
