"""Which machines a rehearsal has: the cluster file's own names and addresses, and no more."""

from __future__ import annotations

import json
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cluster import machines
from toolkit.cluster.boot import boot_script
from toolkit.cluster.network import slots, subnets
from toolkit.cluster.rehearsal import plan
from toolkit.cluster.rehearsal.cgroups import hierarchies
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.state import State
from toolkit.errors import RefusedError
from toolkit.spec.cluster import Cluster, Machine

CLUSTER = machines.cluster()
PROGRAMS: dict[str, plan.Program] = {
    "nomad": plan.Program("/srv/bin/nomad", "1.11.3", "a1" * 32),
    "consul": plan.Program("/srv/bin/consul", "1.22.7", "b2" * 32),
}


def pools(cluster: Cluster, workers: int | None) -> dict[str, int]:
    found: dict[str, int] = {}
    for each in plan.worker_machines(cluster, workers):
        found[each.pool] = found.get(each.pool, 0) + 1
    return found


def test_without_a_number_the_pools_have_their_least_and_the_control_machine_is_there() -> None:
    assert pools(CLUSTER, None) == {"frontend": 1, "worker": 2, "control": 1}


@pytest.mark.parametrize(
    ("workers", "found"),
    [
        (1, {"frontend": 1}),
        (2, {"frontend": 1, "worker": 1}),
        (3, {"frontend": 1, "worker": 2}),
        (10, {"frontend": 1, "worker": 9}),
    ],
)
def test_a_number_gives_the_edge_one_and_the_others_the_rest(
    workers: int, found: dict[str, int]
) -> None:
    assert pools(CLUSTER, workers) == found


def test_where_the_edge_has_the_only_pool_it_has_all_machines() -> None:
    only = replace(CLUSTER, pools={"frontend": CLUSTER.pools["frontend"]})
    assert pools(only, 4) == {"frontend": 4}


def test_no_workers_are_refused() -> None:
    with pytest.raises(RefusedError, match="0 workers"):
        plan.worker_machines(CLUSTER, 0)


def test_more_machines_than_a_subnet_has_addresses_are_refused_with_the_pool() -> None:
    small = replace(CLUSTER, network=IPv4Network("10.40.0.0/22"))
    with pytest.raises(RefusedError, match="the pool worker has no address for a machine"):
        plan.worker_machines(small, 200)


@given(st.integers(16, 22), st.integers(1, 60))
def test_every_machine_has_an_address_of_its_own_in_its_zone(length: int, workers: int) -> None:
    cluster = replace(CLUSTER, network=IPv4Network(f"10.40.0.0/{length}"))
    found = (*plan.server_machines(cluster), *plan.worker_machines(cluster, workers))
    addresses = [each.address for each in found]
    addresses += [plan.balancer_address(cluster), plan.operator_address(cluster)]
    addresses.append(plan.router_address(cluster))
    assert len(set(addresses)) == len(addresses)
    zones = {each.zone: each.private for each in subnets(cluster)}
    for each in found:
        assert IPv4Address(each.address) in zones[each.zone]
        # AWS keeps the first four addresses and the last.
        at = int(IPv4Address(each.address)) - int(zones[each.zone][0])
        assert 4 <= at < zones[each.zone].num_addresses - 1


@given(st.integers(1, 30), st.integers(1, 30))
def test_a_machine_stays_what_it_is_when_others_come(few: int, more: int) -> None:
    before = plan.worker_machines(CLUSTER, few)
    after = plan.worker_machines(CLUSTER, few + more)
    assert set(before) <= set(after)


def test_servers_are_the_slots_of_the_file() -> None:
    found = [(each.name, each.zone, each.address) for each in plan.server_machines(CLUSTER)]
    assert found == [(each.name, each.zone, each.address) for each in slots(CLUSTER)]


def test_only_processor_and_programs_differ_from_the_file() -> None:
    there = replace(CLUSTER, servers=replace(CLUSTER.servers, type="m7g.large"))
    own = plan.rehearsed(there, PROGRAMS, "amd64")  # type: ignore[arg-type]
    assert own.arches == ("amd64",)
    assert own.binaries["nomad"].downloads["amd64"].address == "file:///srv/bin/nomad"
    assert own.binaries["nomad"].downloads["amd64"].packed == ""
    same = replace(
        own,
        servers=there.servers,
        pools=there.pools,
        control=there.control,
        binaries=there.binaries,
    )
    assert same == there


@pytest.mark.parametrize("role", ["server", "worker", "control"])
def test_a_rehearsal_has_a_boot_script_for_every_role(role: str) -> None:
    own = plan.rehearsed(CLUSTER, PROGRAMS, "amd64")  # type: ignore[arg-type]
    script = boot_script(own, role).decode()  # type: ignore[arg-type]
    assert f"install nomad file:///srv/bin/nomad {'a1' * 32} program" in script
    assert "install cni" not in script


def test_hosts_files_have_the_private_zone_and_the_machine() -> None:
    worker = plan.worker_machines(CLUSTER, 2)[1]
    lines = plan.hosts_file(CLUSTER, worker).splitlines()
    assert lines[0] == "127.0.0.1 localhost"
    assert "10.40.32.12 server-2.prod.internal" in lines
    assert lines[-1] == f"{worker.address} worker-1"


def test_the_operator_finds_any_server_by_the_name_in_every_certificate() -> None:
    found = plan.names(CLUSTER, plan.server_machines(CLUSTER))
    assert found["server.global.nomad"] == [each.address for each in slots(CLUSTER)]
    assert found["server.dc1.consul"] == found["server.global.nomad"]
    assert found["server-2.prod.internal"] == ["10.40.32.12"]


def test_names_of_the_edge_lead_to_the_balancer_and_only_its_pool_is_behind_it() -> None:
    named = replace(CLUSTER, edge=replace(CLUSTER.edge, names=("shop.example.com",), http=8000))
    workers = plan.worker_machines(named, 3)
    assert plan.names(named, workers)["shop.example.com"] == ["10.40.192.9"]
    assert plan.public_edge(named) == "http://10.40.192.9:8000"
    behind = plan.targets(named, workers)
    assert behind == {
        "listen": [8000], "port": 80, "ping": 8082, "proxied": False,
        "machines": {"frontend-1": workers[0].address},
    }  # fmt: skip
    assert plan.private_edge(named, workers) == "http://edge.prod.internal:8081"
    assert plan.private_edge(named, ()) is None


def test_the_private_entrance_is_that_of_every_machine_of_the_edge() -> None:
    pools = {
        "frontend": replace(CLUSTER.pools["frontend"], min=2),
        "worker": CLUSTER.pools["worker"],
    }
    workers = plan.worker_machines(replace(CLUSTER, pools=pools))
    behind = [each.address for each in workers if each.pool == "frontend"]
    assert len(behind) == 2
    assert plan.names(CLUSTER, workers)["edge.prod.internal"] == behind


def test_state_is_what_was_written() -> None:
    from toolkit.cluster.rehearsal.processes import Process

    state = State(Process(1, 2.0), None, Process(3, 4.0), programs={"nomad": "1.11.3"})
    state = state.with_machine(Machine("server-1", "server", "eu-west-1a"), Process(5, 6.0))
    assert State.from_json(state.to_json()) == state


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"machines": {"a": 1}}'])
def test_state_that_is_none_is_known_as_none(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        State.from_json(text)


@pytest.mark.parametrize(
    ("mounts", "own", "found"),
    [
        (
            "34 28 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
            "35 28 0:30 / /sys/fs/cgroup/memory rw shared:9 - cgroup cgroup rw,memory\n"
            "36 28 0:31 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw",
            "4:cpu,cpuacct:/\n3:memory:/box/7\n0::/user",
            [("/sys/fs/cgroup/cpu,cpuacct", 1), ("/sys/fs/cgroup/memory/box/7", 1)],
        ),
        (
            "35 28 0:30 /box /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory",
            "3:memory:/box/7",
            [("/sys/fs/cgroup/memory/7", 1)],
        ),
        (
            "35 28 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd",
            "1:name=systemd:/init.scope",
            [("/sys/fs/cgroup/systemd/init.scope", 1)],
        ),
        (
            "30 23 0:26 / /sys/fs/cgroup rw shared:4 - cgroup2 cgroup2 rw,nsdelegate",
            "0::/user.slice/session-1.scope",
            [("/sys/fs/cgroup", 2)],
        ),
        ("25 1 8:1 / / rw - ext4 /dev/sda1 rw", "0::/", []),
    ],
)
def test_trees_of_cgroups_are_found_in_every_kind_of_host(
    mounts: str, own: str, found: list[tuple[str, int]]
) -> None:
    assert [(str(each.folder), each.version) for each in hierarchies(mounts, own)] == found


def test_rehearsals_of_two_projects_share_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    one, other = (Places(tmp_path_factory.mktemp(name), "prod") for name in ("one", "other"))
    assert one.group != other.group
    assert json.dumps(str(one.folder)) != json.dumps(str(other.folder))
