"""`toolkit doctor` on real agents: what is well passes, and each thing that is not is found."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.examining import GONE, every, examine, only, own_shop
from tests.agents.shop import Shop
from tests.faults.lab import running, ten_ports, until
from toolkit.rollout import placement
from toolkit.spec.dev import Machine
from toolkit.workflows.doctor import NAMES

pytestmark = pytest.mark.agents

NO_DRIVER = """
job "NAME" {
  group "g" {
    task "t" {
      driver = "podman"
      config {}
    }
  }
}
"""


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with own_shop(machine, tmp_path_factory.mktemp("doctor")) as shop:
        yield shop


@pytest.fixture(scope="module")
def served(shop: Shop) -> str:
    """A service that runs."""
    return shop.deployed()


# A cluster that is well.


def test_a_cluster_that_is_well(shop: Shop, served: str) -> None:
    said, checks = examine(shop)
    assert (said.code, said.err) == (0, ""), said.out
    assert list(checks) == list(NAMES)
    assert {check["word"] for check in checks.values()} == {"passed"}
    assert all(check["advice"] is None for check in checks.values())
    assert {right["may"] for right in said.report["rights"]} == {"may"}
    assert "1 instance of 1 service" in checks["instances"]["summary"]
    assert "raw_exec" in checks["nomad-drivers"]["summary"]


def test_the_same_without_a_project(shop: Shop, served: str, tmp_path: Path) -> None:
    state = shop.cluster.state
    environ = {
        "NOMAD_ADDR": state.nomad_address,
        "CONSUL_HTTP_ADDR": state.consul_address,
        "PATH": os.defpath,
    }
    said, checks = examine(shop, environ=environ, folder=tmp_path)
    assert said.code == 0, said.out
    assert "NOMAD_ADDR" in checks["nomad"]["summary"]
    # One server is fine on a laptop, and worth a word elsewhere.
    assert "one server survives no loss" in every(checks["nomad-servers"])
    assert "1 instance of 1 service" in checks["instances"]["summary"]


def test_the_text_says_every_check_on_a_line(shop: Shop, served: str) -> None:
    said = shop.toolkit("doctor")
    lines = said.out.splitlines()
    starts = [line.split()[:2] for line in lines if line.startswith("passed ")]
    assert [name for _, name in starts if name in NAMES] == list(NAMES)
    assert lines[-1].startswith(f"passed    {len(NAMES)} checks: {len(NAMES)} passed, in ")


def test_a_check_that_there_is_not(shop: Shop) -> None:
    said = shop.toolkit("doctor", "--only", "everything")
    assert said.code == 2
    assert "there is no check 'everything'" in said.err
    assert "nomad-servers" in said.err


# Nodes.


def test_a_node_that_takes_no_work(shop: Shop) -> None:
    [node] = shop.nomad("/v1/nodes")
    path = f"/v1/node/{node['ID']}/eligibility"
    shop.nomad(path, {"Eligibility": "ineligible"})
    try:
        check = only(shop, "nomad-clients")
        world, lacks = shop.session().world, {"web": {"NodesEvaluated": 0}}
        place = {"Datacenters": [node["Datacenter"][:-1] + "*", "else.where"]}
        for job in ({"ID": "any"}, {"ID": "some", "NodePool": node["NodePool"], **place}):
            [cause] = placement.explained(world, lacks, job)
            assert cause.summary.endswith(": dev-1 is ineligible")
            assert f"`toolkit explain {node['ID'][:8]}`" in str(cause.advice)
        [elsewhere] = placement.explained(world, lacks, {"ID": "x", "Datacenters": ["moon"]})
        assert "dev-1" not in elsewhere.summary
    finally:
        shop.nomad(path, {"Eligibility": "eligible"})
    assert check["word"] == "failed"
    assert "ineligible: dev-1" in check["evidence"]
    assert "0 of 1 take work: nothing can be placed" in check["summary"]
    assert only(shop, "nomad-clients")["word"] == "passed"


def test_a_second_node_that_sees_no_consul_and_drains(shop: Shop, tmp_path: Path) -> None:
    state = shop.cluster.state
    binary = shop.cluster.process("nomad").binary
    with ten_ports() as base:
        settings: dict[str, Any] = {
            "name": "second",
            "bind_addr": "127.0.0.1",
            "advertise": dict.fromkeys(("http", "rpc", "serf"), "127.0.0.1"),
            "data_dir": str(tmp_path / "data"),
            "disable_update_check": True,
            "ports": {"http": base, "rpc": base + 1, "serf": base + 2},
            # It sees no Consul: its address is nobody's.
            "consul": {"address": f"127.0.0.1:{base + 5}", "auto_advertise": False},
            "client": {
                "enabled": True,
                "network_interface": "lo",
                "servers": [f"127.0.0.1:{state.ports.nomad_rpc}"],
                "alloc_dir": str(tmp_path / "alloc"),
                "options": {"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean"},
            },
        }
        with running(tmp_path, [binary, "agent"], settings) as agent:
            until(lambda: _ready(shop, 2), "two nodes", agent)
            assert "2 of 2 take work" in only(shop, "nomad-clients")["summary"]
            check = only(shop, "nomad-consul")
            assert (check["word"], "1 of 2 ready nodes" in check["summary"]) == ("passed", True)
            assert "second" in every(check)
            [second] = [n["ID"] for n in shop.nomad("/v1/nodes") if n["Name"] == "second"]
            drain = {"DrainSpec": {"Deadline": 60_000_000_000}, "MarkEligible": False}
            shop.nomad(f"/v1/node/{second}/drain", drain)
            check = only(shop, "nomad-clients")
            assert check["word"] == "passed"
            assert "1 of 2 takes work" in check["summary"]
            assert "second" in every(check)
    # Gone for good only now: as long as its agent runs it comes back.
    shop.nomad(f"/v1/node/{second}/purge", method="PUT")


def _ready(shop: Shop, number: int) -> bool:
    return len([node for node in shop.nomad("/v1/nodes") if node["Status"] == "ready"]) == number


def test_a_driver_that_no_node_has(shop: Shop) -> None:
    name = shop.name("podded")
    shop.plain(name, NO_DRIVER.replace("NAME", name))
    parsed = shop.nomad("/v1/jobs/parse", {"JobHCL": NO_DRIVER.replace("NAME", name)}, "POST")
    shop.nomad("/v1/jobs", {"Job": parsed}, "POST")
    check = only(shop, "nomad-drivers")
    shop.nomad(f"/v1/job/{name}", method="DELETE")
    (shop.root / "jobs" / name / "job.nomad.hcl").unlink()
    assert check["word"] == "failed"
    assert "no ready node has driver podman" in check["summary"]
    assert f"podman is needed by {name}" in check["evidence"]


# Consul's catalog.


@pytest.fixture
def registered(shop: Shop) -> Iterator[Callable[..., None]]:
    """Puts an instance into Consul's catalog, at a node of which no agent knows better."""

    def register(service: str, id_: str, port: int, *tags: str) -> None:
        wanted = {"ID": id_, "Service": service, "Port": port, "Tags": tags}
        body = {"Node": "elsewhere", "Address": "127.0.0.1", "Service": wanted}
        shop.consul("/v1/catalog/register", body)

    yield register
    shop.consul("/v1/catalog/deregister", {"Node": "elsewhere"})


def test_an_instance_whose_allocation_is_unknown(
    shop: Shop, served: str, registered: Callable[..., None]
) -> None:
    registered(served, f"_nomad-task-{GONE}-group-{served}-http", 1)
    check = only(shop, "instances")
    assert check["word"] == "failed"
    assert "1 stale of 2 instances of 1 service" in check["summary"]
    assert [line for line in check["evidence"] if GONE in line and "no such allocation" in line]


def test_an_instance_whose_allocation_is_over(shop: Shop, registered: Callable[..., None]) -> None:
    name = shop.deployed()
    [allocation] = [each["ID"] for each in shop.running(name)]
    assert shop.toolkit("stop", name, "--yes").code == 0
    registered(name, f"_nomad-task-{allocation}-group-{name}-http", 1)
    check = only(shop, "instances")
    assert check["word"] == "failed"
    assert "its allocation is complete" in every(check)


def test_an_instance_that_is_there_twice(
    shop: Shop, served: str, registered: Callable[..., None]
) -> None:
    [place] = shop.passing(served).values()
    registered(served, "by-hand", int(place.rpartition(":")[2]))
    check = only(shop, "instances")
    assert check["word"] == "failed"
    assert "1 twice" in check["summary"]
    assert "by-hand" in every(check)


def test_a_consul_that_another_nomad_shares(
    shop: Shop, served: str, registered: Callable[..., None]
) -> None:
    """What we do not know may be the other's: nothing of it is called stale."""
    registered(served, f"_nomad-task-{GONE}-group-{served}-http", 1)
    registered("nomad", "_nomad-server-of-others", 2, "rpc")
    check = only(shop, "instances")
    assert check["word"] == "could not tell"
    assert "1 of 2 instances" in check["summary"]
    assert check["advice"] == "another Nomad registers in this Consul: ask its own"


# No edge.


def test_a_route_and_no_traefik(shop: Shop) -> None:
    name = shop.write(route=True)
    said, checks = examine(shop, "--only", "edge", "--only", "entrances")
    (shop.root / "jobs" / name / "job.toml").unlink()
    assert said.code == 1
    assert checks["edge"]["word"] == checks["entrances"]["word"] == "failed"
    assert f"{name} has routes" in checks["edge"]["summary"]
    assert "toolkit deploy traefik" in checks["edge"]["advice"]


# Agents that are gone; last, because the others need them.


def test_a_consul_that_is_gone(shop: Shop, served: str) -> None:
    shop.cluster.stop("consul")
    try:
        said, checks = examine(shop)
    finally:
        shop.cluster.start("consul")
    assert said.code == 1
    failed = {name for name, check in checks.items() if check["word"] == "failed"}
    assert failed == {"dev-agents", "consul"}
    assert "consul died" in checks["dev-agents"]["summary"]
    assert "connection refused" in checks["consul"]["summary"]
    for name in ("nomad", "nomad-servers", "nomad-clients", "nomad-version", "nomad-token"):
        assert checks[name]["word"] == "passed", checks[name]
    for name in ("consul-version", "consul-servers", "edge", "instances", "consul-token"):
        assert checks[name]["word"] == "could not tell", checks[name]
    assert not any("see the check consul" in check["summary"] and check["advice"]
                   for check in checks.values())  # fmt: skip


def test_a_nomad_that_is_gone(shop: Shop) -> None:
    shop.cluster.stop("nomad")
    try:
        said, checks = examine(shop)
    finally:
        shop.cluster.start("nomad")
    assert said.code == 1
    assert checks["nomad"]["word"] == "failed"
    assert checks["consul-servers"]["word"] == "passed"
    assert checks["rights"]["word"] == "could not tell"


def test_agents_that_were_never_started(shop: Shop, tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    text = '[environments.dev]\nlocal = true\ndriver = "raw_exec"\n'
    (folder / "toolkit.toml").write_text(text)
    check = only(shop, "dev-agents", folder=folder)
    assert check["word"] == "failed"
    assert check["advice"] == "toolkit dev up starts them"
