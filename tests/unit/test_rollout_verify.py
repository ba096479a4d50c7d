"""How long the chain is looked along, by what does not hold; time passes only while it waits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

import pytest

from tests.unit.machinery import OURS, allocation, job
from toolkit.clients.consul import Consul, ServicePage
from toolkit.clients.nomad import Nomad
from toolkit.errors import UnreachableError
from toolkit.rollout.verify import Looked, expect, verify
from toolkit.rollout.world import World
from toolkit.spec.target import Endpoint, Target

WAIT, BEHIND = 15.0, 120.0


def entry(id_: str, status: str = "passing") -> dict[str, Any]:
    """An instance as Consul's health endpoint lists it."""
    service = {"ID": f"_nomad-task-{id_}-group-web-web-http", "Address": "h", "Port": 1}
    return {"Service": service, "Node": {"Node": "n1"}, "Checks": [{"Status": status}]}


def id_of(letter: str) -> str:
    return "-".join(letter * number for number in (8, 4, 4, 4, 12))


SERVES = allocation(id=id_of("a"), healthy=True)
GONE = allocation(status="complete", id=id_of("b"), desired_status="stop")


@dataclass
class Late:
    """Consul lists a stopped instance, or does not answer, until a time."""

    until: float
    silent: bool = False
    after: float = 0.0
    """It does not answer so long, once it has forgotten the instance."""
    now: float = 0.0

    def service(self, name: str, *, index: int = 0, wait: float = 0.0) -> ServicePage:
        """At an index nothing changes before the time is over."""
        if index:
            self.now += wait
        behind = self.now < self.until
        if (behind and self.silent) or self.until <= self.now < self.until + self.after:
            raise UnreachableError("no leader", system="Consul", address="")
        there = [entry(id_of("a")), *([entry(id_of("b"))] if behind else [])]
        return ServicePage(7, there, changed=True)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def looked(consul: Late, behind: float = 0.0) -> Looked:
    nomad = Endpoint("Nomad", "http://127.0.0.1:9", "the test")
    target = Target("dev", nomad, Endpoint("Consul", "http://127.0.0.1:9", "the test"))

    def clock() -> float:
        return consul.now

    world = World(target, Nomad(nomad), cast(Consul, consul), clock, clock, consul.sleep)
    expected = expect(job(), [SERVES, GONE], {OURS}, served=None)
    return verify(world, expected, wait=WAIT, behind=behind)


@pytest.mark.parametrize("until", [0.0, 10.0])
def test_what_consul_forgets_in_time_holds(until: float) -> None:
    consul = Late(until)
    assert looked(consul).verification.holds
    assert consul.now >= until


def test_an_instance_that_consul_keeps_is_broken_when_the_time_is_over() -> None:
    consul = Late(60.0)
    found = looked(consul).verification
    assert found.first_broken is not None
    assert found.first_broken.name == "consul"
    assert WAIT <= consul.now < WAIT + 2


def test_after_a_loss_consul_has_the_time_in_which_agents_compare_all() -> None:
    consul = Late(60.0)
    assert looked(consul, BEHIND).verification.holds
    assert 60.0 <= consul.now < 62.0


def test_what_comes_after_consul_has_its_own_time_from_then_on() -> None:
    consul = Late(60.0, after=10.0)
    assert looked(consul, BEHIND).verification.holds
    consul = Late(60.0, after=30.0)
    assert not looked(consul, BEHIND).verification.holds
    assert 60.0 + WAIT - 2 < consul.now < 60.0 + WAIT + 2


def test_that_time_ends_too() -> None:
    consul = Late(1e6)
    assert not looked(consul, BEHIND).verification.holds
    assert BEHIND <= consul.now < BEHIND + 2


def test_a_consul_that_does_not_answer_has_no_more_time_for_it() -> None:
    consul = Late(60.0, silent=True)
    found = looked(consul, BEHIND).verification
    assert found.first_broken is None
    assert found.first_unseen is not None
    assert WAIT <= consul.now < WAIT + 2
