"""A cluster in AWS as rows, and what of it is not as it should be: pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from tests.cluster import templates
from tests.cluster.memory_store import MemoryStore
from toolkit.cluster.network import slots
from toolkit.cluster.nodes import place_of
from toolkit.cluster.secrets import make_secrets, read_secrets
from toolkit.cluster.stack.statuses import STANDINGS
from toolkit.errors import ExitCode, UnreachableError
from toolkit.spec.aws import BalancerView, GroupInstance, GroupView, InstanceView
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster_status import (
    AlarmRow,
    ClusterStatusReport,
    EdgeRow,
    StatusWord,
    ZoneRow,
)
from toolkit.spec.raft import PeerView, ServerView, SystemView
from toolkit.spec.rehearsal import CertificateRow
from toolkit.spec.target import Secret
from toolkit.workflows.cluster.servers import Servers
from toolkit.workflows.cluster.status import rows
from toolkit.workflows.cluster.status.inside import Inside, look_inside

CLUSTER = templates.cluster()
NOW = datetime(2026, 11, 23, tzinfo=UTC)
STACK = StackView("arn:1", "prod", "UPDATE_COMPLETE", protected=True, updated=NOW)
NEW, OLD = {"toolkit:digest": "new"}, {"toolkit:digest": "old"}


def group(name: str, *machines: GroupInstance, **more: Any) -> GroupView:
    """One of the cluster's groups; wants as many machines as there are."""
    made = GroupView(f"prod-{name}", len(machines), 1, 3, machines, NEW)
    return replace(made, **more)


def machine(name: str, lifecycle: str = "InService", health: str = "Healthy") -> GroupInstance:
    """A machine, as its group sees it."""
    return GroupInstance(name, "eu-west-1a", lifecycle, health)


def instance(name: str, tags: Mapping[str, str] = NEW, state: str = "running") -> InstanceView:
    """A machine, as EC2 sees it."""
    return InstanceView(name, state, "t3.small", "eu-west-1a", "10.0.0.1", tags=tags)


def whole() -> tuple[list[GroupView], list[InstanceView]]:
    """A cluster that is as it should be."""
    names = [f"server-{slot.number}" for slot in slots(CLUSTER)]
    names += [f"pool-{pool.name}" for pool in CLUSTER.all_pools]
    least = {f"pool-{pool.name}": pool.min for pool in CLUSTER.all_pools}
    groups = [
        group(name, *(machine(f"i-{name}-{each}") for each in range(least.get(name, 1))))
        for name in names
    ]
    return groups, [instance(each.id) for one in groups for each in one.instances]


def wrongs(
    groups: list[GroupView], instances: list[InstanceView], inside: Inside | None = None
) -> list[str]:
    """What is said of them."""
    fleet = rows.Fleet.of(groups, instances)
    servers, pools = (
        rows.server_rows(CLUSTER, fleet, inside),
        rows.pool_rows(CLUSTER, fleet, inside),
    )
    return list(rows.machine_wrongs(CLUSTER, servers, pools))


# --- machines --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "change", "said"),
    [
        ("server-2", {"instances": ()}, "server-2 has no machine"),
        (
            "server-2",
            {"instances": (machine("i-server-2-0", "Terminating:Wait"),)},
            "i-server-2-0 of server-2 is running, Terminating:Wait",
        ),
        (
            "server-2",
            {"instances": (machine("i-server-2-0", health="Unhealthy"),)},
            "i-server-2-0 of server-2 is running, Unhealthy",
        ),
        ("server-2", {"instances": (machine("i-gone"),)}, "i-gone of server-2 is terminated"),
        (
            "pool-worker",
            {"instances": (machine("i-pool-worker-0"),)},
            "pool worker has 1 of 2 machines in service",
        ),
        (
            "pool-worker",
            {"instances": (machine("i-pool-worker-0"), machine("i-x", health="Unhealthy"))},
            "pool worker has 1 of 2 machines in service",
        ),
        (
            "pool-frontend",
            {"desired": 0, "min": 0, "instances": ()},
            "pool frontend wants 0 machines, the file 1 at least",
        ),
    ],
)
def test_machines_that_are_not_there_are_said(name: str, change: dict[str, Any], said: str) -> None:
    groups, instances = whole()
    assert wrongs(groups, instances) == []
    changed = [replace(each, **change) if each.name == f"prod-{name}" else each for each in groups]
    assert any(said in each for each in wrongs(changed, instances))


def test_a_group_that_is_not_there_is_no_group_without_wishes() -> None:
    groups, instances = whole()
    left = [each for each in groups if each.name not in {"prod-pool-worker", "prod-server-1"}]
    assert wrongs(left, instances) == ["server-1 has no machine", "the pool worker is not there"]


def test_of_two_machines_the_slots_is_the_one_that_stays() -> None:
    groups, instances = whole()
    both = (machine("i-old", "Terminating:Wait"), machine("i-server-1-0"))
    groups[0] = replace(groups[0], instances=both)
    row = rows.server_rows(CLUSTER, rows.Fleet.of(groups, instances), None)[0]
    assert (row.instance, row.state, row.raft) == ("i-server-1-0", "running", "unseen")


@pytest.mark.parametrize(("tags", "word"), [(NEW, "current"), (OLD, "earlier"), ({}, "unknown")])
def test_a_configuration_is_compared_with_the_groups_and_never_guessed(
    tags: Mapping[str, str], word: str
) -> None:
    groups, _ = whole()
    fleet = rows.Fleet.of(groups, [instance("i-server-1-0", tags)])
    assert rows.server_rows(CLUSTER, fleet, None)[0].configuration == word
    assert rows.server_rows(CLUSTER, fleet, None)[1].configuration == "unknown"


def test_a_pool_counts_who_comes_who_serves_and_who_goes() -> None:
    groups, _ = whole()
    own = (
        machine("i-1"),
        machine("i-2", health="Unhealthy"),
        machine("i-3", "Pending:Wait"),
        machine("i-4", "Terminating:Wait"),
    )
    groups = [replace(e, instances=own) if e.name == "prod-pool-worker" else e for e in groups]
    fleet = rows.Fleet.of(groups, [instance("i-1"), instance("i-2", OLD), instance("i-4", OLD)])
    row = next(
        each
        for each in rows.pool_rows(
            CLUSTER, fleet, Inside(ready={("worker", "batch"): 1, ("edge", "default"): 7})
        )
        if each.name == "worker"
    )
    assert (row.in_service, row.unwell, row.starting, row.draining) == (2, 1, 1, 1)
    assert (row.earlier, row.nodes) == (2, 1)
    unseen = rows.pool_rows(CLUSTER, fleet, Inside())
    assert {each.nodes for each in unseen} == {None}


def test_machines_that_nomad_does_not_have_are_said_only_when_nomad_was_seen() -> None:
    groups, instances = whole()
    said = wrongs(groups, instances, Inside(ready={("worker", "batch"): 1}))
    assert "Nomad has 1 of 2 machines of worker ready" in said
    assert wrongs(groups, instances, Inside()) == []


def test_pools_that_are_one_to_nomad_are_counted_as_one() -> None:
    alike = {
        name: replace(each, node_class="x", node_pool="p") for name, each in CLUSTER.pools.items()
    }
    cluster = replace(CLUSTER, pools=alike)
    groups, instances = whole()
    fleet = rows.Fleet.of(groups, instances)

    def said(ready: int) -> list[str]:
        control = place_of(cluster.control)
        pools = rows.pool_rows(cluster, fleet, Inside(ready={("x", "p"): ready, control: 1}))
        servers = rows.server_rows(cluster, fleet, None)
        return list(rows.machine_wrongs(cluster, servers, pools))

    assert said(3) == []
    assert said(2) == ["Nomad has 2 of 3 machines of frontend and worker ready"]


# --- the rest --------------------------------------------------------------------------------


@pytest.mark.parametrize("status", sorted(STANDINGS))
def test_a_stack_is_well_only_in_the_states_in_which_it_is_whole(status: str) -> None:
    said = list(rows.stack_wrongs(CLUSTER, replace(STACK, status=status)))
    assert (said == []) == STANDINGS[status].well
    assert rows.stack_row(replace(STACK, status=status)).settled == STANDINGS[status].well


def test_a_protected_cluster_whose_stack_is_not_is_said() -> None:
    (said,) = rows.stack_wrongs(CLUSTER, replace(STACK, protected=False))
    assert "no termination protection" in said
    assert not list(
        rows.stack_wrongs(replace(CLUSTER, protected=False), replace(STACK, protected=False))
    )


@pytest.mark.parametrize(
    ("state", "well"),
    [
        ("healthy", True),
        ("draining", True),
        ("initial", True),
        ("unused", False),
        ("unhealthy", False),
    ],
)
def test_targets_that_get_no_requests_though_they_should_are_said(state: str, well: bool) -> None:
    targets = [EdgeRow("i-1", 80, "healthy"), EdgeRow("i-2", 80, state, "Request timed out")]
    said = list(rows.target_wrongs(targets, "frontend"))
    assert (said == []) == well
    assert all("i-2" in each and "Request timed out" in each for each in said)


def test_an_edge_behind_which_nobody_is_healthy_is_not_well() -> None:
    nobody = "no machine of pool frontend gets requests"
    assert list(rows.target_wrongs([], "frontend")) == [nobody]
    assert list(rows.target_wrongs([EdgeRow("i-1", 80, "initial")], "frontend")) == [nobody]
    assert list(rows.balancer_wrongs(None)) == ["the load balancer is not there"]
    failed = BalancerView("arn", "edge", "x", "application", "failed", "no addresses")
    assert list(rows.balancer_wrongs(failed)) == ["the load balancer is failed: no addresses"]
    assert not list(rows.balancer_wrongs(replace(failed, state="active")))


def test_zones_and_names_that_are_not_there_are_said() -> None:
    zones = [
        ZoneRow("prod.internal", "private", "", 0, ("server-1.prod.internal",)),
        ZoneRow("example.com", "public", "Z1", 1, ("shop.example.com",)),
        ZoneRow("example.org", "public", "Z2", 1, ()),
    ]
    assert list(rows.zone_wrongs(zones)) == [
        "there is no private zone prod.internal",
        "shop.example.com is not, or not as it should be, in zone example.com",
    ]


def test_certificates_are_read_without_their_keys_and_their_end_is_said_in_time() -> None:
    store = MemoryStore()
    make_secrets(store, CLUSTER, NOW)
    secrets = read_secrets(store, CLUSTER)
    at = NOW + timedelta(days=364)
    found = rows.certificate_rows(secrets, CLUSTER, at.timestamp())
    assert [each.name for each in found] == [
        "ca/cert", "server/tls/consul", "server/tls/nomad", "worker/tls/nomad",
    ]  # fmt: skip
    assert "PRIVATE" not in repr(found)
    said = list(rows.certificate_wrongs(found, CLUSTER))
    assert len(said) == 3
    assert said[0].startswith("the certificate server/tls/consul ends on 2027-11-23")
    ended = CertificateRow("server/tls/nomad", "2026-11-22", -1)
    (gone,) = rows.certificate_wrongs([ended], CLUSTER)
    assert "ended on 2026-11-22" in gone
    assert rows.certificate_rows({}, CLUSTER, at.timestamp()) == ()


def test_a_secret_that_is_gone_or_broken_is_said_and_never_shown() -> None:
    store = MemoryStore()
    make_secrets(store, CLUSTER, NOW)
    assert not list(rows.secret_wrongs(read_secrets(store, CLUSTER), CLUSTER))
    store.remove("server/gossip/nomad")
    broken = {**store.values, "server/tls/nomad": Secret("broken")}
    said = list(rows.secret_wrongs(broken, CLUSTER))
    assert said == [
        "the secret server/gossip/nomad is missing: toolkit cluster up prod makes it",
        "the secret server/tls/nomad holds no certificate",
    ]
    names = [each.name for each in rows.certificate_rows(broken, CLUSTER, NOW.timestamp())]
    assert "server/tls/nomad" not in names
    (first, *_) = rows.secret_wrongs({}, CLUSTER)
    assert "more is missing" in first


def test_only_an_alarm_that_rings_is_wrong() -> None:
    alarms = [AlarmRow("A", "OK"), AlarmRow("B", "INSUFFICIENT_DATA"), AlarmRow("C", "ALARM")]
    assert list(rows.alarm_wrongs(alarms)) == ["the alarm C rings"]


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("well", ExitCode.OK),
        ("unwell", ExitCode.FAILED),
        ("absent", ExitCode.FAILED),
        ("unseen", ExitCode.UNKNOWN),
    ],
)
def test_not_to_have_seen_all_is_no_success(word: StatusWord, code: ExitCode) -> None:
    assert ClusterStatusReport("prod", "eu-west-1", "1", word, "x").code is code


# --- the servers' side -----------------------------------------------------------------------


class Told:
    """Servers that say what a test has them say."""

    def __init__(self, views: tuple[SystemView, ...], leader: str = "", nodes: Any = ()) -> None:
        self.views, self.leader, self.said, self.nomad = views, leader, nodes, self

    def look(self) -> tuple[SystemView, ...]:
        return self.views

    def leader_address(self) -> str:
        return self.leader

    def nodes(self) -> Any:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def system(name: Any, *alive: int) -> SystemView:
    """A system whose servers of these numbers answer, and agree."""
    servers = tuple(
        ServerView(
            f"server-{each}",
            f"id-{each}" if each in alive else "",
            "l" if each in alive else "",
            well=True,
        )
        for each in (1, 2, 3)
    )
    peers = tuple(PeerView(f"id-{each}", voter=True) for each in alive)
    return SystemView(name, servers, True, peers, peers)


def look(told: Told) -> Inside:
    """What is seen of them."""
    return look_inside(CLUSTER, cast("Servers", told), "socks5h://127.0.0.1:1")


def test_servers_of_which_none_answers_were_not_seen() -> None:
    found = look(Told((system("Consul"), system("Nomad"))))
    assert found.reasons == ()
    assert found.raft == {}
    assert found.unseen == (
        "the servers and Nomad's nodes: none of them answers through socks5h://127.0.0.1:1",
    )


def test_a_server_that_does_not_answer_among_others_that_do_is_wrong() -> None:
    found = look(
        Told((system("Consul", 1, 2), system("Nomad", 1, 2, 3)), slots(CLUSTER)[0].address)
    )
    assert any("server-3 does not answer" in each for each in found.reasons)
    assert "server-3 does not answer" in found.raft["server-3"]
    assert found.raft["server-1"] == "leader"


def test_leader_voters_and_nodes_that_take_work() -> None:
    nodes = [
        {"NodeClass": "edge", "Status": "ready", "SchedulingEligibility": "eligible"},
        {"NodeClass": "edge", "Status": "ready", "SchedulingEligibility": "ineligible"},
        {"NodeClass": "edge", "Status": "down", "SchedulingEligibility": "eligible"},
    ]
    views = (system("Consul", 1, 2, 3), system("Nomad", 1, 2, 3))
    found = look(Told(views, slots(CLUSTER)[1].address, nodes))
    assert found.raft == {"server-1": "voter", "server-2": "leader", "server-3": "voter"}
    assert (found.reasons, found.ready) == ((), {("edge", "default"): 1})


def test_nodes_that_cannot_be_asked_for_are_not_none() -> None:
    error = UnreachableError("nothing answers", system="Nomad")
    found = look(Told((system("Consul", 1, 2, 3), system("Nomad", 1, 2, 3)), "", error))
    assert found.ready is None
    assert found.unseen == ("Nomad's nodes: nothing answers",)
