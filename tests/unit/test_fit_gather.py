"""The attributes of many nodes cost as many calls as there are kinds of nodes, not as nodes."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from bench.made_nodes import JOB, NODES, RACKS, MadeNomad
from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, DeniedError
from toolkit.rollout import fit
from toolkit.rollout.world import World
from toolkit.spec.target import Endpoint, Target

FACTS = fit.job_facts(JOB)


class Made(MadeNomad):
    """Made answers, some of them refused."""

    def __init__(self) -> None:
        super().__init__()
        self.refused: dict[str, int] = {}
        """Part of a request -> status."""

    def reply(self, asked: Asked) -> Reply:
        """What to say to one request."""
        for part, status in self.refused.items():
            if part in asked.target:
                said = "Permission denied" if status == 403 else "failed to read result page"
                return Reply(said.encode(), status)
        text = self.answer(asked.target)
        return Reply(b"not found", 404) if text is None else Reply(text.encode())

    def only(self, number: int) -> None:
        """Keep the first few nodes."""
        self.nodes = dict(list(self.nodes.items())[:number])
        self.texts = {name: self.texts[name] for name in self.nodes}
        self.whole = f"[{','.join(self.texts.values())}]"
        self.allocations = "[]"


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def world(made: Made) -> Iterator[World]:
    with Scripted(made.reply) as server:
        nomad = Endpoint("Nomad", server.address, "test")
        consul = Endpoint("Consul", server.address, "test")
        target = Target(environment="test", nomad=nomad, consul=consul)
        world = World(target, Nomad(nomad, sleep=lambda _seconds: None), Consul(consul))
        with world.nomad, world.consul:
            yield world


def test_a_thousand_nodes_cost_two_calls_for_each_kind(world: World) -> None:
    facts = fit.gather(world, FACTS)
    assert len(facts.nodes) == NODES
    assert {(node.meta or {})["rack"] for node in facts.nodes} == {f"r{n}" for n in range(RACKS)}
    assert facts.notes == ()
    assert world.nomad.counter.calls <= 2 * RACKS + 10


def test_a_nomad_whose_filter_does_not_see_attributes_is_asked_node_by_node(
    world: World, made: Made
) -> None:
    made.only(40)
    made.refused = {"filter=Attributes": 400, "filter=NodeMaxAllocs": 400}
    facts = fit.gather(world, FACTS)
    assert all((node.attributes or {}).get("kernel.name") == "linux" for node in facts.nodes)
    assert world.nomad.counter.calls >= 40


def test_attributes_that_may_not_be_read_are_named_and_not_invented(
    world: World, made: Made
) -> None:
    made.only(40)
    made.refused = {"/v1/node/": 403}
    facts = fit.gather(world, FACTS)
    assert all(node.attributes is None for node in facts.nodes)
    assert "attributes of nodes could not be read" in facts.notes[0]


@pytest.mark.parametrize(
    ("part", "field"),
    [("/v1/allocations", "blind"), ("/v1/acl/token/self", "blind")],
)
def test_what_may_not_be_read_is_said(world: World, made: Made, part: str, field: str) -> None:
    made.only(3)
    made.refused = {part: 403}
    facts = fit.gather(world, FACTS)
    assert getattr(facts.scheduler, field)
    assert facts.notes == (facts.scheduler.blind,)


def test_a_scheduler_that_may_not_be_read_may_preempt(world: World, made: Made) -> None:
    made.only(3)
    made.refused = {"/v1/operator": 403, "/v1/jobs": 403}
    facts = fit.gather(world, FACTS)
    assert facts.scheduler.preemption is None
    assert len(facts.notes) == 2


def test_without_nodes_there_is_no_answer(world: World, made: Made) -> None:
    made.refused = {"/v1/nodes": 403}
    with pytest.raises(DeniedError):
        fit.gather(world, FACTS)
    made.refused = {"/v1/nodes": 500}
    with pytest.raises(ApiError):
        fit.gather(world, FACTS)


def test_a_namespace_with_a_quota_or_without_the_pool(world: World, made: Made) -> None:
    made.only(3)
    pools = {"Default": "default", "Allowed": ["gpu*"], "Denied": None}
    spec = {"Name": "default", "Quota": "small", "NodePoolConfiguration": pools}
    made.fixed["/v1/namespace/default"] = spec
    facts = fit.gather(world, FACTS)
    assert facts.scheduler.unclear == ("quota small of the namespace: only Nomad can tell",)
    assert facts.scheduler.pool_refused == ""
    elsewhere = fit.job_facts({**json.loads(json.dumps(JOB)), "NodePool": "edge"})
    refused = fit.gather(world, elsewhere).scheduler.pool_refused
    assert refused == "namespace default may not use node pool edge"
