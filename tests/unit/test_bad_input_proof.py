"""The proof at a rollout's end, when Nomad's side of it cannot be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from tests.unit.machinery import INDEX, OURS, watched
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, DeniedError, ServerError
from toolkit.rollout.verify import Looked
from toolkit.rollout.world import World
from toolkit.spec.chain import Verification
from toolkit.spec.outcome import Outcome
from toolkit.spec.target import Endpoint, Target
from toolkit.workflows.proof import CONVERGE, patiently, reconfirmed
from toolkit.workflows.session import Session

SEEN = Looked(Verification(links=(), instances=()))


class Clock:
    """Time that passes only while somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def world(clock: Clock) -> World:
    nomad = Endpoint("Nomad", "http://127.0.0.1:9", "the test")
    consul = Endpoint("Consul", "http://127.0.0.1:9", "the test")
    target = Target(environment="dev", nomad=nomad, consul=consul)
    return World(target, Nomad(nomad), Consul(consul), clock, clock, clock.sleep)


class Reading:
    """Fails so often, then shows what is there."""

    def __init__(self, error: ApiError, times: int) -> None:
        self.error, self.times, self.asked = error, times, 0

    def __call__(self) -> Looked | None:
        self.asked += 1
        if self.asked <= self.times:
            raise self.error
        return SEEN


@pytest.mark.parametrize("times", [0, 1, 10])
def test_a_failure_that_passes_is_waited_for(times: int) -> None:
    reading = Reading(ServerError("No cluster leader", system="Nomad"), times)
    assert patiently(world(Clock()), reading) == (SEEN, None)
    assert reading.asked == times + 1


def test_a_failure_that_stays_ends_in_a_reason() -> None:
    clock = Clock()
    looked, why = patiently(
        world(clock), Reading(ServerError("No cluster leader", system="Nomad"), 10**6)
    )
    assert looked is None
    assert why == "what serves could not be verified: No cluster leader"
    assert CONVERGE <= clock.now <= CONVERGE + 1


def test_a_denial_is_not_waited_for() -> None:
    clock = Clock()
    reading = Reading(DeniedError("Permission denied", system="Nomad"), 10**6)
    looked, why = patiently(world(clock), reading)
    assert (looked, reading.asked, clock.now) == (None, 1, 0.0)
    assert "Permission denied" in (why or "")


def test_nothing_left_that_could_serve_is_an_answer() -> None:
    assert patiently(world(Clock()), lambda: None) == (None, None)


@dataclass
class Registry:
    """A session of which only the registered job is asked."""

    raw: dict[str, Any] | None

    @property
    def nomad(self) -> Registry:
        return self

    def job(self, _id: str) -> dict[str, Any] | None:
        return self.raw


@pytest.mark.parametrize(
    ("raw", "end"),
    [
        ({"Version": OURS, "JobModifyIndex": INDEX}, "successful"),
        ({"Version": OURS, "JobModifyIndex": INDEX, "Stop": True}, "stopped"),
        ({"Version": OURS + 1, "JobModifyIndex": INDEX + 9}, "superseded"),
        ({"Version": OURS - 1, "JobModifyIndex": INDEX - 9}, "successful"),
        (None, "stopped"),
    ],
)
def test_a_chain_that_broke_because_the_job_was_taken_away(
    raw: dict[str, Any] | None, end: str
) -> None:
    seen = Outcome("successful", "Deployment completed successfully", OURS)
    now = reconfirmed(cast(Session, Registry(raw)), watched(), seen)
    assert now.end == end
