"""How a revert ends, by what a watch sees of it; time passes only while it waits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest

from toolkit.clients.nomad import Nomad
from toolkit.rollout import revert
from toolkit.rollout.feed import Feed, Update
from toolkit.rollout.state import State, Watched
from toolkit.rollout.world import World
from toolkit.spec.events import Event
from toolkit.spec.observed import AllocationView, DeploymentView
from toolkit.spec.target import Endpoint, Target

BACK = "Failed due to unhealthy allocations - rolling back to job version 3"


@dataclass
class Script:
    """A feed that tells one update for each second that is waited for."""

    updates: list[Update] = field(default_factory=list)
    clock: float = 0.0

    def next(self, timeout: float) -> Update | None:
        if not timeout:
            return None
        self.clock += timeout
        return self.updates.pop(0) if self.updates else None


def deployment(version: int, status: str, description: str = "") -> DeploymentView:
    return DeploymentView(f"d{version}", version, version, status, description)


def allocation(
    version: int, status: str = "running", healthy: bool | None = None, desired: str = "run"
) -> AllocationView:
    return AllocationView(
        id="a", name="edge.web[0]", group="web", job_version=version, node="n", node_id="n",
        client_status=status, desired_status=desired, healthy=healthy,
    )  # fmt: skip


def job(kind: str = "service", *, checked: bool = True) -> dict[str, Any]:
    service = {"Name": "web", "Checks": [{"Type": "http"}] if checked else None}
    return {"ID": "edge", "Type": kind, "TaskGroups": [{"Name": "web", "Services": [service]}]}


def follow(
    updates: Sequence[Update] = (),
    *,
    description: str = BACK,
    raw: dict[str, Any] | None = None,
    deadline: float = 100.0,
) -> tuple[revert.Ended, float, list[Event]]:
    """The end, when it was known, and what was told."""
    script = Script(list(updates))
    events: list[Event] = []
    target = Target(
        "dev",
        Endpoint("Nomad", "http://127.0.0.1:9", "test"),
        Endpoint("Consul", "http://127.0.0.1:9", "test"),
    )
    world = World(
        target, cast(Nomad, None), cast(Any, None), clock=lambda: script.clock, now=lambda: 0.0
    )
    watched = Watched(
        job=raw or job(), version=4, modify_index=4, evaluation=None, served=None,
        deadline=deadline,
    )  # fmt: skip
    failed = deployment(4, "failed", description)
    ended = revert.follow(world, cast(Feed, script), State(), watched, failed, events.append)
    return ended, script.clock, events


def deployments(*found: DeploymentView) -> Update:
    return Update("deployments", (deployment(4, "failed", BACK), *found))


@pytest.mark.parametrize(
    "description",
    [
        "Deployment marked as failed",
        "Failed due to progress deadline - no stable job version to auto revert to",
        "… - not rolling back to stable job version 3 as current job has same specification",
    ],
)
def test_without_a_version_to_go_back_to_there_is_nothing_to_follow(description: str) -> None:
    ended, at, events = follow(description=description)
    assert (ended.end, ended.detail, ended.version, at) == ("failed", description, 4, 0.0)
    assert events == []


@pytest.mark.parametrize(
    ("status", "end", "words"),
    [
        ("successful", "reverted", BACK),
        ("failed", "failed", "the revert failed too: why"),
        ("cancelled", "superseded", "why"),
    ],
)
def test_the_next_deployment_is_followed_to_its_end(status: str, end: str, words: str) -> None:
    updates = [deployments(deployment(5, "running")), deployments(deployment(5, status, "why"))]
    ended, at, events = follow(updates)
    assert (ended.end, ended.detail, ended.version) == (end, words, 5)
    assert at == 2.0
    assert [event.text for event in events] == ["Nomad goes back to version 3"]


def test_what_somebody_registers_after_it_is_not_the_revert() -> None:
    later = deployments(deployment(5, "successful"), deployment(6, "failed"))
    ended, _, _ = follow([later])
    assert (ended.end, ended.version) == ("reverted", 5)


def test_a_revert_that_does_not_appear() -> None:
    ended, at, _ = follow()
    assert (ended.end, ended.detail) == ("failed", "the revert made no deployment")
    assert at >= revert.APPEARS


def test_a_revert_that_does_not_end() -> None:
    ended, _, _ = follow([deployments(deployment(5, "running"))], deadline=30.0)
    assert ended.end == "undecided"


# A system job's revert has no deployment.


def allocations(*found: AllocationView) -> Update:
    return Update("allocations", (allocation(4, "failed"), *found))


def test_a_system_jobs_instances_are_the_revert() -> None:
    updates = [allocations(allocation(5, "pending")), allocations(allocation(5))]
    ended, at, _ = follow(updates, raw=job("system"))
    assert (ended.end, ended.version, at) == ("reverted", 5, 2.0)


def test_without_a_check_nomads_word_is_waited_for() -> None:
    updates = [allocations(allocation(5)), allocations(allocation(5, healthy=True))]
    ended, at, _ = follow(updates, raw=job("system", checked=False))
    assert (ended.end, at) == ("reverted", 2.0)


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (job("system"), (allocation(5, "pending"),)),
        (job("system"), (allocation(5), allocation(5, "failed"))),
        (job("system"), (allocation(5, desired="stop"),)),
        (job("system"), ()),
        (job("service"), (allocation(5),)),
    ],
)
def test_instances_that_do_not_bring_it_back(
    raw: dict[str, Any], found: tuple[AllocationView, ...]
) -> None:
    ended, _, _ = follow([allocations(*found)], raw=raw)
    assert ended.end == "failed"
