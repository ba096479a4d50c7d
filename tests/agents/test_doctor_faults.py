"""`toolkit doctor` through a fault proxy: what agents say that are not well."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from email.utils import formatdate
from pathlib import Path
from typing import Any

import pytest

from tests.agents.examining import GONE, every, examine, only, own_shop
from tests.agents.shop import Shop
from tests.faults.proxy import FaultProxy, Rule
from toolkit.spec.dev import Machine
from toolkit.workflows.doctor import NAMES

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with own_shop(machine, tmp_path_factory.mktemp("doctor-faults")) as shop:
        yield shop


@pytest.fixture(scope="module")
def served(shop: Shop) -> str:
    """A service that runs."""
    return shop.deployed()


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


def test_a_nomad_whose_agents_do_not_register(
    shop: Shop, proxy: FaultProxy, through: dict[str, Any]
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
