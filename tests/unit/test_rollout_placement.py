"""Why something cannot be placed, from the metrics of the scheduler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from toolkit.errors import DeniedError
from toolkit.rollout.causes.nearby import Nearby
from toolkit.rollout.placement import causes, explained
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause

JOB: dict[str, Any] = {
    "ID": "shop",
    "Datacenters": ["dc1", "dc2"],
    "NodePool": "gpu",
    "TaskGroups": [
        {
            "Name": "web",
            "Tasks": [
                {"Driver": "exec", "Resources": {"CPU": 100, "MemoryMB": 300}},
                {"Driver": "docker", "Resources": {"CPU": 50, "MemoryMB": 200}},
            ],
        }
    ],
}


@pytest.mark.parametrize(
    ("metric", "summary", "evidence", "advice"),
    [
        (
            {"NodesEvaluated": 3, "ConstraintFiltered": {"missing drivers": 3}},
            "no eligible node has the driver docker, exec",
            "placement: 3 nodes without driver docker, exec", "choose a driver",
        ),
        (
            {"NodesEvaluated": 2, "DimensionExhausted": {"memory": 2}},
            "not enough memory on 2 nodes",
            "placement: 2 nodes out of memory (one instance asks for 500 MB)", "resources.memory",
        ),
        (
            {"NodesEvaluated": 1, "DimensionExhausted": {"cpu": 1}},
            "not enough cpu on 1 node",
            "placement: 1 node out of cpu (one instance asks for 150 MHz)", "resources.cpu",
        ),
        (
            {"NodesEvaluated": 1, "DimensionExhausted": {"reserved port collision http=80": 1}},
            "the static port 80 is taken",
            "placement: 1 node with reserved port collision http=80", "dynamic port",
        ),
        (
            {"NodesEvaluated": 2, "ConstraintFiltered": {"${attr.cpu.arch} = arm64": 2}},
            "no node satisfies ${attr.cpu.arch} = arm64",
            "placement: 2 nodes filtered by ${attr.cpu.arch} = arm64", "node status",
        ),
        (
            {"NodesEvaluated": 1, "QuotaExhausted": ["memory exhausted"]},
            "quota is used up", "quota: memory exhausted", "quota",
        ),
    ],
)  # fmt: skip
def test_the_reason_its_numbers_and_what_to_do(
    metric: Mapping[str, Any], summary: str, evidence: str, advice: str
) -> None:
    [cause] = causes({"web": metric}, JOB)
    assert (cause.kind, cause.group) == ("unplaced", "web")
    assert cause.summary.startswith("1 instance of group web cannot be placed: ")
    assert summary in cause.summary
    assert evidence in cause.evidence
    assert advice in str(cause.advice)


@pytest.mark.parametrize(
    ("constraint", "says", "advice"),
    [
        ("missing compatible host volumes", "missing compatible host volumes", "host_volume"),
        ("missing CSI Volume data", "missing CSI Volume data", "volume status"),
        ("missing devices", "missing devices", "device"),
        ("distinct_hosts", "distinct_hosts", "a node of its own"),
        (
            "${attr.plugins.secrets.vault-x.version} is_set ",
            "the secrets provider vault-x",
            "secret",
        ),
        ("${attr.consul.version} semver >= 1.8.0", "no node has a Consul agent", "doctor"),
        ("${attr.vault.version} semver >= 0.6.1", "no node has a Vault", "vault"),
        ("${attr.os.signals} set_contains SIGFOO", "the signal SIGFOO", "signal"),
    ],
)
def test_what_nomad_asks_of_a_node_by_itself(constraint: str, says: str, advice: str) -> None:
    [cause] = causes({"web": {"NodesEvaluated": 1, "ConstraintFiltered": {constraint: 1}}}, JOB)
    assert says in cause.summary
    assert not cause.summary.endswith(" ")
    assert advice in str(cause.advice)
    assert f"placement: 1 node filtered by {constraint.strip()}" in cause.evidence


def test_a_node_that_is_only_full_comes_before_those_that_are_excluded() -> None:
    metric = {
        "NodesEvaluated": 3,
        "ConstraintFiltered": {"missing drivers": 2},
        "DimensionExhausted": {"memory": 1},
    }
    [cause] = causes({"web": metric}, JOB)
    assert "not enough memory on 1 node" in cause.summary
    assert any("without driver" in line for line in cause.evidence)


def test_the_holder_of_a_port_and_the_health_of_a_driver_are_named() -> None:
    nearby = Nearby(
        drivers={"docker": ("driver: docker on node-1: no daemon",)},
        holders={"80": ("port: 80 on node-1 is held by job edge, allocation 12345678",)},
    )
    taken = {"DimensionExhausted": {"network: reserved port collision http=80": 1}}
    [cause] = causes({"web": taken}, JOB, nearby, 12.5)
    assert "port: 80 on node-1 is held by job edge, allocation 12345678" in cause.evidence
    assert cause.at == 12.5
    [cause] = causes({"web": {"ConstraintFiltered": {"missing drivers": 1}}}, JOB, nearby)
    assert "driver: docker on node-1: no daemon" in cause.evidence


def test_no_node_at_all_names_where_it_was_looked() -> None:
    [cause] = causes({"web": {"NodesEvaluated": 0}}, JOB)
    assert "no eligible node in datacenter dc1, dc2, node pool gpu" in cause.summary


class Nodes:
    """A Nomad that has two closed nodes, or hides them."""

    def __init__(self, hidden: bool = False) -> None:
        self.hidden = hidden
        self.asked: list[str] = []

    def nodes_where(self, condition: str, *, most: int) -> list[dict[str, Any]]:
        self.asked.append(condition)
        if self.hidden:
            raise DeniedError("Nomad refused the token", system="Nomad")
        return [
            {"ID": "1234567890ab", "Name": "node-1", "Drain": False},
            {"ID": "abcdef123456", "Name": "node-2", "Drain": True},
        ][:most]


def explained_by(nodes: Nodes, metric: Mapping[str, Any], **more: Any) -> Cause:
    clients = cast(Any, nodes)
    [cause] = explained(World(clients, clients, clients), {"web": metric}, {**JOB, **more})
    return cause


def test_nodes_that_are_closed_are_named_with_the_command_that_opens_them() -> None:
    nodes = Nodes()
    cause = explained_by(nodes, {"NodesEvaluated": 0})
    assert cause.summary.endswith("node pool gpu: node-1 is ineligible, node-2 is draining")
    assert "node: node-2 is ready and draining" in cause.evidence
    assert "`toolkit explain 12345678`" in str(cause.advice)
    assert nodes.asked == [
        'Status == "ready" and SchedulingEligibility == "ineligible" and NodePool == "gpu"'
        ' and Datacenter matches "^(dc1|dc2)$"'
    ]
    explained_by(nodes, {"NodesEvaluated": 0}, Datacenters=["eu.*"], NodePool="all")
    assert nodes.asked[1].endswith('"ineligible" and Datacenter matches "^(eu[.].*)$"')
    explained_by(nodes, {"NodesEvaluated": 0}, Datacenters=["*"], NodePool=None)
    assert nodes.asked[2].endswith('"ineligible" and NodePool == "default"')


def test_nodes_that_cannot_be_seen_are_said_and_hide_nothing() -> None:
    cause = explained_by(Nodes(hidden=True), {"NodesEvaluated": 0})
    assert cause.summary.endswith("no eligible node in datacenter dc1, dc2, node pool gpu")
    assert "unseen: nodes that take no work: Nomad refused the token" in cause.evidence


def test_where_nodes_were_looked_at_none_is_asked_after() -> None:
    nodes = Nodes()
    explained_by(nodes, {"NodesEvaluated": 1, "DimensionExhausted": {"memory": 1}})
    explained_by(nodes, {"NodesEvaluated": 0, "QuotaExhausted": ["cpu"]})
    assert nodes.asked == []


def test_instances_that_fail_alike_are_counted() -> None:
    [cause] = causes({"web": {"CoalescedFailures": 2, "DimensionExhausted": {"disk": 1}}}, JOB)
    assert cause.summary.startswith("3 instances of group web")


def test_each_group_has_a_cause_and_nothing_has_none() -> None:
    found = causes({"web": None, "api": {"NodesEvaluated": 1}}, JOB)
    assert [cause.group for cause in found] == ["api", "web"]
    assert all(cause.summary for cause in found)
    assert causes(None, JOB) == ()
    assert causes({}, JOB) == ()
