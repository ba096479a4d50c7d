"""What Nomad and Consul answer, read: whose a service is, is Nomad's word alone."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dns.discovering import instance
from toolkit.dns.reconcile_read import (
    all_pass,
    declarations,
    passes,
    read_checks,
    read_instances,
    read_job,
    service_id,
)
from toolkit.spec.discovery import HostPort

META = {"toolkit_dns_hostname": "shop.apps.internal", "toolkit_dns_zone": "private"}
STUB = {"ID": "shop", "Namespace": "default", "CreateIndex": 7, "Status": "running", "Stop": False}
ALLOCATION = "df10df2f-c782-1b1a-6f56-46e97d67ac38"


def spec(*, task: bool = False, **service: Any) -> dict[str, Any]:
    made = {"Name": "web", "PortLabel": "http", "Provider": "consul", "Checks": [{}], "Meta": META}
    services = [{**made, **service}]
    group = {"Name": "g", "Services": [], "Tasks": [{"Name": "t", "Services": None}]}
    if task:
        group["Tasks"] = [{"Name": "t", "Services": services}]
    else:
        group["Services"] = services
    return {"ID": "shop", "Namespace": "default", "TaskGroups": [group]}


def allocation(**change: Any) -> dict[str, Any]:
    """As the agent lists it with resources."""
    ports = [{"Label": "http", "Value": 30930, "HostIP": "127.0.0.1"}]
    return {
        "ID": ALLOCATION, "NodeName": "vm", "Namespace": "default", "JobID": "shop",
        "TaskGroup": "g", "ClientStatus": "running", "DesiredStatus": "run",
        "AllocatedResources": {"Shared": {"Ports": ports}}, **change,
    }  # fmt: skip


def check(status: str = "passing", **change: str) -> dict[str, Any]:
    ident = f"_nomad-task-{ALLOCATION}-group-g-web-http"
    return {"Node": "vm", "CheckID": "c", "Status": status, "ServiceID": ident, **change}


@pytest.mark.parametrize(
    ("service", "wrong"),
    [
        ({"Meta": {"toolkit_dns_hostnam": "a.b"}}, "there is no meta key toolkit_dns_hostnam"),
        ({"Meta": {"toolkit_dns_zone": "public"}}, "toolkit_dns_hostname is missing"),
        ({"Meta": META | {"toolkit_dns_hostname": "  "}}, "toolkit_dns_hostname is missing"),
        ({"Meta": META | {"toolkit_dns_zone": "both"}}, "toolkit_dns_zone is none of"),
        ({"Meta": META | {"toolkit_dns_target": "node"}}, "toolkit_dns_target is none of"),
        ({"Meta": META | {"toolkit_dns_type": "MX"}}, "toolkit_dns_type is none of"),
        ({"Meta": META | {"toolkit_dns_ttl": "1m"}}, "toolkit_dns_ttl is no number"),
        ({"Meta": META | {"toolkit_dns_ttl": "0"}}, "toolkit_dns_ttl is no number"),
        ({"Meta": META | {"toolkit_dns_ttl": "²"}}, "toolkit_dns_ttl is no number"),
        ({"Provider": "nomad"}, "is not registered in Consul"),
        ({"AddressMode": "alloc"}, 'address_mode = "alloc"'),
        ({"AddressMode": "driver"}, 'address_mode = "driver"'),
        ({"PortLabel": ""}, "has no port"),
        ({"Name": "web-${NOMAD_META_x}"}, "has a variable"),
        (
            {"Meta": META | {"toolkit_dns_target": "edge", "toolkit_dns_type": "SRV"}},
            "SRV is for instances",
        ),
    ],
)
def test_a_declaration_that_cannot_be_followed_says_why(
    service: dict[str, Any], wrong: str
) -> None:
    (found,) = declarations(spec(**service))
    assert wrong in found.wrong


@pytest.mark.parametrize("meta", [None, {}, {"version": "1.0.0"}, {"toolkit": "dns"}])
def test_a_service_that_asks_for_nothing(meta: dict[str, str] | None) -> None:
    assert list(declarations(spec(Meta=meta))) == []


@pytest.mark.parametrize("job", [{}, {"TaskGroups": None}, {"TaskGroups": [{"Name": "g"}]}])
def test_a_job_without_services(job: dict[str, Any]) -> None:
    assert list(declarations({"ID": "shop", **job})) == []


def test_every_key_of_a_declaration() -> None:
    meta = {
        "toolkit_dns_hostname": "a.apps.internal b.apps.internal a.apps.internal",
        "toolkit_dns_zone": "public", "toolkit_dns_target": "instances",
        "toolkit_dns_type": "SRV", "toolkit_dns_ttl": "15", "toolkit_dns_port": "admin",
    }  # fmt: skip
    (found,) = declarations(spec(task=True, Meta=meta, Checks=None))
    assert (found.namespace, found.job, found.group, found.task) == ("default", "shop", "g", "t")
    assert found.names == ("a.apps.internal", "b.apps.internal")
    assert (found.visibility, found.target, found.type) == ("public", "instances", "SRV")
    assert (found.ttl, found.port, found.label) == (15, "http", "admin")
    assert (found.checked, found.wrong) == (False, "")


def test_what_is_left_open_is_private_and_about_instances() -> None:
    (found,) = declarations(spec(Meta={"toolkit_dns_hostname": "a.apps.internal"}))
    assert (found.visibility, found.target, found.ttl) == ("private", "instances", None)


@pytest.mark.parametrize(
    ("stub", "alive"),
    [
        ({}, True),
        ({"Status": "pending"}, True),
        ({"Stop": True}, False),
        ({"Status": "dead"}, False),
    ],
)
def test_whether_a_job_lives(stub: dict[str, Any], *, alive: bool) -> None:
    assert read_job({**STUB, **stub}, None).alive is alive


@pytest.mark.parametrize(
    "change",
    [
        {"ClientStatus": "pending"}, {"ClientStatus": "lost"}, {"ClientStatus": "unknown"},
        {"DesiredStatus": "stop"}, {"DesiredStatus": "evict"},
    ],
)  # fmt: skip
def test_what_does_not_run_or_should_not_is_no_instance(change: dict[str, str]) -> None:
    assert read_instances([allocation(**change)]) == ()


@pytest.mark.parametrize("resources", [None, {}, {"Shared": None}, {"Shared": {"Ports": None}}])
def test_an_allocation_without_ports_has_no_address(resources: dict[str, Any] | None) -> None:
    (found,) = read_instances([allocation(AllocatedResources=resources)])
    assert found.ports == ()


def test_an_address_is_the_ports_host() -> None:
    (found,) = read_instances([allocation()])
    assert found.ports == (HostPort("http", "127.0.0.1", 30930),)


@pytest.mark.parametrize("status", ["critical", "warning", "maintenance", ""])
def test_one_check_that_does_not_pass_is_enough(status: str) -> None:
    found = read_checks([check(), check(status, CheckID="d"), check(CheckID="e")])
    assert list(found.values()) == [{"vm": False}]


def test_the_checks_of_a_sick_node_do_not_pass() -> None:
    node = {"Node": "vm", "CheckID": "serfHealth", "Status": "critical", "ServiceID": ""}
    assert list(read_checks([check(), node]).values()) == [{"vm": False}]
    assert list(read_checks([check(), {**node, "Node": "other"}]).values()) == [{"vm": True}]


def test_a_service_that_nomad_did_not_register_is_not_looked_at() -> None:
    assert read_checks([check(ServiceID="shop"), check(ServiceID="_nomad-server-x")]) == {}


def test_the_id_in_consul_is_the_one_that_nomad_makes() -> None:
    (running,) = read_instances([allocation()])
    (group,) = declarations(spec())
    (task,) = declarations(spec(task=True))
    assert service_id(group, running) == f"_nomad-task-{ALLOCATION}-group-g-web-http"
    assert service_id(task, running) == f"_nomad-task-{ALLOCATION}-t-web-http"
    assert passes(group, running, read_checks([check()]))
    assert not passes(task, running, read_checks([check()]))


def test_an_instance_of_an_edge_passes_when_all_of_its_services_do() -> None:
    one = instance(1)
    first, second = (f"_nomad-task-{one.allocation}-group-t-{name}-x" for name in ("a", "b"))
    assert not all_pass(one, {})
    assert all_pass(one, {first: {"node-1": True}, second: {"node-1": True}})
    assert not all_pass(one, {first: {"node-1": True}, second: {"node-1": False}})
