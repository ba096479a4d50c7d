"""`toolkit doctor` on real agents: what is well passes, and each thing that is not is found."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.shop import Said, Shop
from tests.faults.lab import running, ten_ports, until
from tests.faults.proxy import FaultProxy, Rule
from toolkit.rollout import placement
from toolkit.spec.dev import Machine
from toolkit.workflows.doctor import NAMES

pytestmark = pytest.mark.agents

GONE = "0badc0de-0000-4000-8000-000000000000"

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

Check = dict[str, Any]


@pytest.fixture(scope="module")
def cluster(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster of these tests' own: its nodes and agents are meddled with."""
    with local_cluster(tmp_path_factory.mktemp("doctor"), data=True, machine=machine) as own:
        yield own


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A project on it."""
    shop = Shop(cluster, tmp_path_factory.mktemp("doctors") / "shop")
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def served(shop: Shop) -> str:
    """A service that runs."""
    return shop.deployed()


def examine(shop: Shop, *arguments: str, **how: Any) -> tuple[Said, dict[str, Check]]:
    """Run it; every check by name."""
    said = shop.toolkit("doctor", "--json", *arguments, **how)
    return said, {check["name"]: check for check in said.report["checks"]}


def only(shop: Shop, name: str, **how: Any) -> Check:
    """One check."""
    said, checks = examine(shop, "--only", name, **how)
    assert list(checks) == [name]
    word = checks[name]["word"]
    assert said.code == {"passed": 0, "failed": 1, "could not tell": 5}[word], said.out
    return checks[name]


def every(check: Check) -> str:
    """All that a check says."""
    return "\n".join([check["summary"], *check["evidence"], *check["notes"], check["advice"] or ""])


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


def test_a_nomad_whose_agents_do_not_register(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any], registered: Callable[..., None]
) -> None:
    """Nomad clients in the catalog are then another's, and no sign of a wrong Consul."""

    def silent(body: bytes) -> bytes:
        assert b'"AutoAdvertise":true' in body
        return body.replace(b'"AutoAdvertise":true', b'"AutoAdvertise":false')

    def elsewhere(body: bytes) -> bytes:
        return json.dumps(json.loads(body) | {"HTTPAddr": "10.9.9.9:4646"}).encode()

    proxy.add(Rule("rewrite", path="/v1/node/", rewrite=elsewhere))
    check = only(shop, "nomad-consul", **through)
    assert check["word"] == "failed"
    assert "dev-1 (10.9.9.9:4646) is not among our Consul's Nomad clients" in check["evidence"]
    proxy.add(Rule("rewrite", path="/v1/agent/self", rewrite=silent))
    check = only(shop, "nomad-consul", **through)
    assert check["word"] == "passed"
    assert "auto_advertise" in check["notes"][0]


# No edge.


def test_a_route_and_no_traefik(shop: Shop) -> None:
    name = shop.write(route=True)
    said, checks = examine(shop, "--only", "edge", "--only", "entrances")
    (shop.root / "jobs" / name / "job.toml").unlink()
    assert said.code == 1
    assert checks["edge"]["word"] == checks["entrances"]["word"] == "failed"
    assert f"{name} has routes" in checks["edge"]["summary"]
    assert "toolkit deploy traefik" in checks["edge"]["advice"]


# What healthy agents will not do.


@pytest.fixture
def proxy(shop: Shop) -> Iterator[FaultProxy]:
    """In front of Nomad."""
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        yield proxy


@pytest.fixture
def through(shop: Shop, proxy: FaultProxy, tmp_path: Path) -> dict[str, Any]:
    """How to ask Nomad through the proxy."""
    environ = {
        "NOMAD_ADDR": proxy.address,
        "CONSUL_HTTP_ADDR": shop.cluster.consul_address,
        "PATH": os.defpath,
    }
    return {"environ": environ, "folder": tmp_path}


@pytest.mark.parametrize(
    "rule",
    [
        Rule("status", path="/v1/status/leader", text="No cluster leader"),
        Rule("garbage", path="/v1/status/leader", text='""'),
    ],
    ids=["500", "empty"],
)
def test_a_nomad_without_a_leader(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any], rule: Rule
) -> None:
    proxy.add(rule)
    said, checks = examine(shop, **through)
    assert said.code == 1
    assert checks["nomad"]["word"] == "passed"  # somebody answers
    assert checks["nomad-servers"]["word"] == "failed"
    assert "no leader" in checks["nomad-servers"]["summary"]
    assert checks["nomad-clients"]["word"] == "could not tell"
    assert "see the check nomad-servers" in checks["nomad-clients"]["summary"]
    assert checks["nomad-version"]["word"] == "passed"  # an agent knows its own without a leader
    assert checks["consul-servers"]["word"] == "passed"


def test_another_version(shop: Shop, proxy: FaultProxy, through: dict[str, Any]) -> None:
    def older(body: bytes) -> bytes:
        return body.replace(b'"1.11.3"', b'"1.10.1"')

    proxy.add(Rule("rewrite", path="/v1/(agent/self|agent/members|nodes)", rewrite=older))
    check = only(shop, "nomad-version", **through)
    assert check["word"] == "failed"
    assert "CVE-2025-4922" in check["summary"]
    assert check["advice"] == "upgrade Nomad to 1.10.2 or later"


def test_clients_of_another_version(shop: Shop, proxy: FaultProxy, through: dict[str, Any]) -> None:
    def newer(body: bytes) -> bytes:
        return body.replace(b'"1.11.3"', b'"1.12.0"')

    proxy.add(Rule("rewrite", path="/v1/nodes", rewrite=newer))
    check = only(shop, "nomad-version", **through)
    assert check["word"] == "failed"
    assert "clients (1.12.0) are newer than a server" in check["summary"]
    assert check["advice"] == "upgrade the servers first"
    assert "different versions" in every(check)


@pytest.mark.parametrize(("ahead", "word"), [(-120.0, "failed"), (120.0, "failed")])
def test_a_clock_that_is_off(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any], ahead: float, word: str
) -> None:
    session = shop.session()
    date = formatdate(session.world.now() + ahead, usegmt=True)
    proxy.add(Rule("headers", path="/v1/status/leader", headers=(("Date", date),)))
    check = only(shop, "clocks", **through)
    assert check["word"] == word
    assert "Nomad's clock" in check["summary"]
    assert "Consul: as ours" in check["evidence"]


def test_a_clock_that_is_not_told(shop: Shop, proxy: FaultProxy, through: dict[str, Any]) -> None:
    proxy.add(Rule("headers", path="/v1/status/leader", headers=(("Date", "half past nine"),)))
    check = only(shop, "clocks", **through)
    assert (check["word"], check["notes"]) == ("passed", ["Nomad did not tell its clock"])


@pytest.mark.parametrize(
    "rule",
    [
        Rule("cut", path="/v1/nodes"),
        Rule("garbage", path="/v1/nodes", text="<html>hello</html>"),
        Rule("garbage", path="/v1/nodes", text='[{"Surprise": 1}]'),
        Rule("status", path="/v1/nodes", status=429, text="too many"),
        Rule("status", path="/v1/nodes", status=500, text="something broke"),
        Rule("drop", path="/v1/nodes"),
    ],
    ids=["cut", "page", "other", "429", "500", "drop"],
)
def test_an_answer_that_does_not_come_stops_no_other_check(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any], rule: Rule
) -> None:
    proxy.add(rule)
    said, checks = examine(shop, **through)
    assert said.code == 5, said.out
    words = {name: check["word"] for name, check in checks.items()}
    unseen = {name for name, word in words.items() if word == "could not tell"}
    assert unseen == {"nomad-clients", "nomad-drivers", "nomad-consul"}
    assert set(words.values()) == {"passed", "could not tell"}


def test_a_nomad_that_says_nothing_ends_in_time(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any]
) -> None:
    proxy.add(Rule("silence"))
    said, checks = examine(shop, "--timeout", "2s", **through)
    assert said.code == 1
    assert checks["nomad"]["word"] == "failed"
    assert "no answer within 2 s" in checks["nomad"]["summary"]
    assert checks["nomad-clients"]["word"] == "could not tell"
    assert list(checks) == list(NAMES)


def test_a_server_that_autopilot_finds_sick(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any]
) -> None:
    sick = json.dumps({"Healthy": False, "FailureTolerance": 0, "Servers": []})
    proxy.add(Rule("status", path="autopilot/health", status=429, text=sick))
    check = only(shop, "nomad-servers", **through)
    assert check["word"] == "failed"
    assert "not healthy for autopilot" in check["summary"]


def test_a_server_that_failed(shop: Shop, proxy: FaultProxy, through: dict[str, Any]) -> None:
    def worse(body: bytes) -> bytes:
        return body.replace(b'"alive"', b'"failed"')

    proxy.add(Rule("rewrite", path="/v1/agent/members", rewrite=worse))
    check = only(shop, "nomad-servers", **through)
    assert check["word"] == "failed"
    assert "failed: dev-1.global" in check["summary"]


@pytest.mark.parametrize("status", ["down", "disconnected"])
def test_a_node_that_is_lost(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any], status: str
) -> None:
    def lost(body: bytes) -> bytes:
        [node] = json.loads(body)
        other = node | {"ID": GONE, "Name": "lost-1", "Status": status}
        return json.dumps([node, other]).encode()

    proxy.add(Rule("rewrite", path="/v1/nodes", rewrite=lost))
    check = only(shop, "nomad-clients", **through)
    assert check["word"] == "failed"
    assert f"{status}: lost-1" in check["evidence"]


def test_a_driver_that_is_there_and_sick(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any]
) -> None:
    def sick(body: bytes) -> bytes:
        [node] = json.loads(body)
        node["Drivers"]["docker"] = {
            "Detected": True,
            "Healthy": False,
            "HealthDescription": "Failed to connect to docker daemon",
        }
        return json.dumps([node]).encode()

    proxy.add(Rule("rewrite", path="/v1/nodes", rewrite=sick))
    check = only(shop, "nomad-drivers", **through)
    assert check["word"] == "failed"
    assert "dev-1: docker: Failed to connect to docker daemon" in check["evidence"]


def test_registrations_that_are_switched_off(shop: Shop) -> None:
    path = "/v1/operator/scheduler/configuration"
    before = shop.nomad(path)["SchedulerConfig"]
    shop.nomad(path, before | {"RejectJobRegistration": True})
    try:
        check = only(shop, "nomad-servers")
    finally:
        shop.nomad(path, before)
    assert check["word"] == "failed"
    assert "registrations are switched off" in check["summary"]


def test_a_region_that_there_is_not(shop: Shop) -> None:
    said, checks = examine(shop, "--region", "mars")
    assert said.code == 1
    assert checks["nomad-servers"]["word"] == "failed"
    assert "no region mars: there is global" in checks["nomad-servers"]["summary"]


def test_a_namespace_that_there_is_not(shop: Shop) -> None:
    said, checks = examine(shop, "--only", "namespace", "--namespace", "mars")
    assert said.code == 1
    assert checks["namespace"]["summary"] == "there is no namespace mars: we see default"


def test_no_node_where_our_jobs_go(shop: Shop) -> None:
    shop.environment('node_pool = "gpu"')
    try:
        check = only(shop, "nomad-clients")
    finally:
        shop.environment()
    assert check["word"] == "failed"
    assert "node pool gpu" in check["summary"]


def test_no_key_is_published(shop: Shop, proxy: FaultProxy, through: dict[str, Any]) -> None:
    proxy.add(Rule("garbage", path="jwks.json", text='{"keys": []}'))
    assert only(shop, "identity", **through)["word"] == "failed"
    proxy.clear()
    proxy.add(Rule("garbage", path="jwks.json", text="keys?"))
    assert only(shop, "identity", **through)["word"] == "could not tell"


@pytest.mark.parametrize("system", ["nomad", "consul"])
def test_the_address_of_the_other_system(shop: Shop, tmp_path: Path, system: str) -> None:
    state = shop.cluster.state
    there = {"nomad": state.nomad_address, "consul": state.consul_address}
    other = "consul" if system == "nomad" else "nomad"
    asked = there | {system: there[other]}
    environ = {"NOMAD_ADDR": asked["nomad"], "CONSUL_HTTP_ADDR": asked["consul"]}
    said, checks = examine(shop, environ=environ, folder=tmp_path)
    assert said.code == 1
    assert checks[system]["word"] == "failed"
    assert "something that is not" in checks[system]["advice"]
    assert checks[other]["word"] == "passed"


def test_the_number_of_calls_does_not_depend_on_what_is_there(
    shop: Shop, served: str, proxy: FaultProxy, through: dict[str, Any]
) -> None:
    """Nodes, allocations and services are listed, not read one by one."""
    examine(shop, **through)
    assert proxy.count(path="/v1/node/") == 1
    assert proxy.count(path="/v1/allocation/") == 0
    assert proxy.count() <= 25


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
