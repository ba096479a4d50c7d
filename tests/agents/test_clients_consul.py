"""Our Consul and Traefik clients on real agents."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import replace

import pytest
import requests

from tests.agents.cluster import LocalCluster
from tests.faults.lab import Lab, running, until
from toolkit.clients.consul import Consul
from toolkit.clients.traefik import Traefik
from toolkit.errors import ApiError, ServerError, TlsError, UnreachableError
from toolkit.spec.dev import Machine
from toolkit.spec.target import Endpoint

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def lab(cluster: LocalCluster) -> Lab:
    return Lab.of(cluster.target())


@pytest.fixture
def consul(lab: Lab) -> Iterator[Consul]:
    with lab.open_consul() as client:
        yield client


def register(lab: Lab, name: str, port: int, *tags: str) -> str:
    """Register an instance at the local agent, as Nomad does."""
    service = {"ID": f"{name}-{port}", "Name": name, "Port": port, "Address": "127.0.0.1"}
    answer = requests.put(
        f"{lab.consul.address}/v1/agent/service/register",
        json={**service, "Tags": list(tags)},
        timeout=5,
    )
    assert answer.ok, answer.text
    return str(service["ID"])


def test_a_nomad_at_consuls_address(lab: Lab) -> None:
    with Consul(replace(lab.consul, address=lab.nomad.address)) as consul:
        for call in (lambda: consul.service("x"), consul.services, consul.agent_self):
            with pytest.raises(ServerError) as caught:
                call()
            assert "check the address" in (caught.value.hint or "")


def test_nobody_listens(lab: Lab) -> None:
    nobody = replace(lab.consul, address="http://127.0.0.1:1")
    with Consul(nobody, sleep=lambda _s: None) as consul, pytest.raises(UnreachableError) as caught:
        consul.service("web")
    assert "connection refused" in caught.value.message


def test_tls_spoken_to_plain(lab: Lab) -> None:
    tls = replace(lab.consul, address=lab.consul.address.replace("http:", "https:"))
    with Consul(tls) as consul, pytest.raises(TlsError):
        consul.leader()


def test_without_acls(consul: Consul) -> None:
    with pytest.raises(ApiError) as caught:
        consul.bootstrap_acl("00000000-0000-4000-8000-000000000000")
    assert caught.value.hint == "start the agent with ACLs on"


def test_another_datacenter_that_does_not_exist(lab: Lab) -> None:
    with Consul(lab.consul, datacenter="mars") as consul, pytest.raises(ApiError) as caught:
        consul.service("web")
    assert "No path to datacenter" in caught.value.message


def test_instances_come_and_go(lab: Lab, consul: Consul) -> None:
    assert consul.leader()
    assert "Config" in consul.agent_self()
    before = consul.service("clients-web")
    assert before.value == []
    assert not before.filtered
    instance = register(lab, "clients-web", 9, "version=1")
    page = consul.service("clients-web", index=before.index, wait=20.0)
    while not page.value:
        page = consul.service("clients-web", index=page.index, wait=20.0)
    (entry,) = page.value
    assert page.changed
    assert not page.filtered
    assert entry["Service"]["Tags"] == ["version=1"]
    assert {check["CheckID"] for check in entry["Checks"]} == {"serfHealth"}
    assert consul.services()["clients-web"] == ["version=1"]
    same = consul.service("clients-web", index=page.index, wait=0.05)
    assert (same.index, same.changed) == (page.index, False)
    with consul.clone() as other:
        other.deregister_local(instance)
    gone = consul.service("clients-web", index=page.index, wait=20.0)
    assert gone.value == []
    with pytest.raises(ApiError) as caught:
        consul.deregister_local(instance)
    assert "Unknown service ID" in caught.value.message


def test_a_left_over_of_the_catalog_is_taken_out(lab: Lab, consul: Consul) -> None:
    body = {
        "Node": "lost",
        "Address": "127.0.0.9",
        "Service": {"ID": "s-1", "Service": "clients-lost"},
    }
    requests.put(f"{lab.consul.address}/v1/catalog/register", json=body, timeout=5)
    assert consul.service("clients-lost").value
    consul.deregister("lost", "s-1")
    assert consul.service("clients-lost").value == []


@pytest.fixture(scope="module")
def traefik(
    lab: Lab, machine: Machine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Endpoint]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        port, web = one.getsockname()[1], two.getsockname()[1]
    command = [
        str(machine.traefik_bin),
        f"--entryPoints.traefik.address=127.0.0.1:{port}",
        f"--entryPoints.web.address=127.0.0.1:{web}",
        "--api=true",
        "--api.insecure=true",
        f"--providers.consulCatalog.endpoint.address={lab.consul.address.removeprefix('http://')}",
        "--providers.consulCatalog.watch=true",
        "--providers.consulCatalog.exposedByDefault=false",
        "--providers.providersThrottleDuration=100ms",
        "--global.checkNewVersion=false",
        "--global.sendAnonymousUsage=false",
    ]
    with running(tmp_path_factory.mktemp("traefik"), command):
        yield Endpoint("Traefik", f"http://127.0.0.1:{port}", "the test")


def test_what_a_traefik_routes_to(lab: Lab, consul: Consul, traefik: Endpoint) -> None:
    tags = ("traefik.enable=true", "traefik.http.routers.clients-up.rule=Host(`up.localhost`)")
    ids = [register(lab, "clients-up", port, *tags) for port in (9001, 9002)]
    with Traefik(traefik) as client:
        until(lambda: client.version().startswith("3."), "Traefik answers")
        until(lambda: len(client.services().get("clients-up", {})) == 2, "both are routed to")
        assert client.services()["clients-up"] == {
            "http://127.0.0.1:9001": "UP",
            "http://127.0.0.1:9002": "UP",
        }
        assert "clients-up@consulcatalog" in {router["name"] for router in client.routers()}
        assert {point["name"] for point in client.entry_points()} == {"traefik", "web"}
        for instance in ids:
            consul.deregister_local(instance)
        until(lambda: "clients-up" not in client.services(), "none is routed to")


def test_a_consul_at_traefiks_address(lab: Lab) -> None:
    with Traefik(Endpoint("Traefik", lab.consul.address, "the test")) as client:
        with pytest.raises(ServerError):
            client.services()
        with pytest.raises(ServerError):
            client.version()
