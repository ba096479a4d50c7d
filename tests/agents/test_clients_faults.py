"""Our clients against real agents that do what healthy ones will not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.faults.lab import Lab
from tests.faults.proxy import FaultProxy, Rule
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, ConflictError, ServerError, UnreachableError

pytestmark = pytest.mark.agents

numbers = count(1)
NO_LEADER = Rule("status", status=500, text="No cluster leader")


@pytest.fixture(scope="module")
def lab(cluster: LocalCluster) -> Lab:
    return Lab.of(cluster.target())


@pytest.fixture
def proxy(lab: Lab) -> Iterator[FaultProxy]:
    with FaultProxy(lab.nomad.address) as proxy:
        yield proxy


@pytest.fixture
def nomad(lab: Lab, proxy: FaultProxy) -> Iterator[Nomad]:
    there = replace(lab.nomad, address=proxy.address)
    with Nomad(there, sleep=lambda _seconds: None) as client:
        yield client


@pytest.fixture
def job(lab: Lab) -> Iterator[dict[str, Any]]:
    name = f"faults-{next(numbers)}"
    task = {"Name": "app", "Driver": "mock_driver", "Config": {"run_for": "1h"}}
    group = {"Name": "web", "Tasks": [task]}
    yield {"ID": name, "Name": name, "Datacenters": ["*"], "TaskGroups": [group]}
    with lab.open_nomad() as nomad:
        nomad.stop(name, purge=True)


@pytest.mark.parametrize(
    "rule",
    [Rule("lose"), Rule("cut"), Rule("garbage", text="<html>"), Rule("garbage", text="[]")],
    ids=["lost", "cut", "page", "kind"],
)
def test_a_reply_lost_after_the_commit(
    lab: Lab, proxy: FaultProxy, nomad: Nomad, job: dict[str, Any], rule: Rule
) -> None:
    proxy.add(replace(rule, method="POST", path="/v1/jobs"))
    with pytest.raises(UnreachableError) as caught:
        nomad.register(job, check_index=0)
    assert caught.value.lost_reply
    assert "look before you try again" in (caught.value.hint or "")
    assert proxy.count("POST", "/v1/jobs") == 1
    registered = nomad.job(job["ID"])
    assert registered is not None
    assert registered["Version"] == 0


def test_a_connection_that_dies_before_the_commit_cannot_be_told_apart(
    proxy: FaultProxy, nomad: Nomad, job: dict[str, Any]
) -> None:
    proxy.add(Rule("drop", method="POST", path="/v1/jobs"))
    with pytest.raises(UnreachableError) as caught:
        nomad.register(job, check_index=0)
    assert caught.value.lost_reply
    assert proxy.count("POST") == 1
    assert nomad.job(job["ID"]) is None


@pytest.mark.parametrize(
    "rule",
    [
        replace(NO_LEADER, method="POST"),
        Rule("status", method="POST", status=429, text="Your IP is issuing too many concurrent"),
        Rule("status", method="POST", status=500, text="something new"),
    ],
    ids=["leader", "429", "500"],
)
def test_a_write_that_is_refused_is_not_sent_again(
    proxy: FaultProxy, nomad: Nomad, job: dict[str, Any], rule: Rule
) -> None:
    proxy.add(rule)
    with pytest.raises(ServerError):
        nomad.register(job, check_index=0)
    assert proxy.count("POST") == 1
    assert nomad.job(job["ID"]) is None


def test_somebody_registers_in_between(
    lab: Lab, proxy: FaultProxy, nomad: Nomad, job: dict[str, Any]
) -> None:
    def somebody() -> None:
        with lab.open_nomad() as other:
            other.register({**job, "Priority": 70}, check_index=0)

    proxy.add(Rule("pass", method="POST", path="/v1/jobs", times=1, before=somebody))
    with pytest.raises(ConflictError):
        nomad.register(job, check_index=0)
    registered = nomad.job(job["ID"])
    assert registered is not None
    assert registered["Priority"] == 70


@pytest.mark.parametrize(
    "rule",
    [
        Rule("drop", times=2),
        Rule("lose", times=2),
        Rule("status", status=429, times=2),
        Rule("status", status=503, text="<html>", times=2),
        replace(NO_LEADER, times=2),
    ],
    ids=["drop", "lose", "429", "503", "leader"],
)
def test_a_read_outlives_a_moment_of_trouble(proxy: FaultProxy, nomad: Nomad, rule: Rule) -> None:
    proxy.add(rule)
    assert nomad.nodes()
    assert nomad.counter.calls == len(proxy.requests) == 3


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (Rule("drop"), UnreachableError),
        (Rule("status", status=429), ServerError),
        (NO_LEADER, ServerError),
    ],
)
def test_a_read_gives_up_in_the_end(
    proxy: FaultProxy, nomad: Nomad, rule: Rule, kind: type[ApiError]
) -> None:
    proxy.add(rule)
    with pytest.raises(kind):
        nomad.nodes()
    assert len(proxy.requests) == 4


@pytest.mark.parametrize("rule", [Rule("cut"), Rule("garbage", text="{")], ids=["cut", "garbage"])
def test_a_read_with_an_unreadable_answer(proxy: FaultProxy, nomad: Nomad, rule: Rule) -> None:
    proxy.add(rule)
    with pytest.raises(ServerError):
        nomad.nodes()


def test_an_index_that_goes_back_is_read_again_at_once(proxy: FaultProxy, nomad: Nomad) -> None:
    page = nomad.allocations("nobody")
    # A wait that ends at once: the answer is Nomad's own, its index is not.
    proxy.add(Rule("index", index=1, times=1))
    again = nomad.allocations("nobody", index=page.index + 5, wait=0.01)
    assert (again.index, again.changed) == (0, True)
    third = nomad.allocations("nobody", index=again.index, wait=60.0)
    assert third.index >= page.index
    assert "index=" not in proxy.requests[-1].path


def test_a_blocking_query_whose_connection_dies(proxy: FaultProxy, nomad: Nomad) -> None:
    page = nomad.allocations("nobody")
    # Dies when the query is already waiting at Nomad, then works again.
    proxy.add(Rule("lose", times=1))
    again = nomad.allocations("nobody", index=page.index, wait=0.05)
    assert again.value == []
    assert nomad.counter.calls == 3


def test_consul_in_trouble(lab: Lab) -> None:
    with FaultProxy(lab.consul.address) as proxy:
        there = replace(lab.consul, address=proxy.address)
        with Consul(there, sleep=lambda _seconds: None) as consul:
            proxy.add(Rule("drop", times=1), replace(NO_LEADER, times=1))
            assert consul.service("nomad").value
            assert len(proxy.requests) == 3
            for rule in (Rule("cut"), Rule("garbage", text="<html>"), NO_LEADER):
                proxy.clear()
                proxy.add(rule)
                with pytest.raises(ServerError):
                    consul.service("nomad")
            proxy.clear()
            proxy.add(Rule("index", index=1, times=1))
            page = consul.service("nomad", index=10_000, wait=0.01)
            assert (page.index, page.changed) == (0, True)
            proxy.clear()
            proxy.add(Rule("drop"))
            with pytest.raises(UnreachableError):
                consul.service("nomad")
