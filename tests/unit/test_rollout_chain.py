"""The chain from what was seen: links, rows, and what is too much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from toolkit.rollout import chain
from toolkit.rollout.chain import Seen
from toolkit.rollout.consul_side import ConsulSide
from toolkit.rollout.declared import Route, Service
from toolkit.rollout.edges import Edges
from toolkit.spec.chain import Extra, Link
from toolkit.spec.observed import AllocationView, CheckView, ConsulInstance, EdgeView

ROUTE = Route("web", "web-svc", "Host(`a`)", "a", "/", ())
SERVICE = Service("web", None, "web", "http", (), True, (ROUTE,))
NEW, OLD, GONE = "n" * 36, "o" * 36, "g" * 36


def allocation(
    name: str, version: int = 2, status: str = "running", healthy: bool | None = True
) -> AllocationView:
    return AllocationView(
        id=name, name="shop.web[0]", group="web", job_version=version, node="node-1",
        node_id="n1", client_status=status, desired_status="run", healthy=healthy,
    )  # fmt: skip


def instance(owner: str | None, port: int = 1, status: str = "passing") -> ConsulInstance:
    check = CheckView("health", status, "", "web")
    return ConsulInstance("web", f"id-{port}", owner, "10.0.0.1", port, "node-1", (), (check,))


def edge(*ports: int, service: str = "web-svc", state: str = "UP") -> EdgeView:
    servers = {f"http://10.0.0.1:{port}": state for port in ports}
    return EdgeView("http://edge:8082", None, {service: servers})


def seen(
    *instances: ConsulInstance,
    views: Sequence[EdgeView] = (),
    expected: Sequence[AllocationView] = (allocation(NEW),),
    known: Sequence[AllocationView] = (),
    services: Sequence[Service] = (SERVICE,),
    wanted: int | None = None,
    blind: str | None = None,
    error: str | None = None,
) -> Seen:
    return Seen(
        expected=tuple(expected),
        wanted=len(expected) if wanted is None else wanted,
        known=(*expected, *known),
        services=tuple(services),
        consul=ConsulSide({"web": instances}, blind=blind),
        edges=Edges(tuple(views), error),
    )


def look(what: Seen) -> dict[str, Link]:
    return {link.name: link for link in chain.links(what, chain.rows(what), chain.extras(what))}


def states(what: Seen) -> list[str]:
    return [link.state for link in look(what).values()]


def test_a_whole_chain_holds() -> None:
    what = seen(instance(NEW), views=[edge(1)])
    assert states(what) == ["holds", "holds", "holds"]
    [row] = chain.rows(what)
    assert (row.nomad, row.consul, row.traefik, row.serves) == ("healthy", "passing", "up", "-")
    assert row.address == "10.0.0.1:1"
    assert chain.extras(what) == ()


# Too much.


@pytest.mark.parametrize(
    ("owner", "known", "kind", "word"),
    [
        (OLD, allocation(OLD, 1), "old", "of job version 1"),
        (OLD, allocation(OLD, 1, "pending"), "old", "of job version 1"),
        (GONE, allocation(GONE, 1, "failed"), "stale", "is failed"),
        (GONE, None, "stale", "not one of this job"),
        (None, None, "foreign", "not registered by Nomad"),
    ],
)
def test_what_is_too_much_is_named_in_consul_and_at_the_edge(
    owner: str | None, known: AllocationView | None, kind: str, word: str
) -> None:
    what = seen(
        instance(NEW), instance(owner, 2), views=[edge(1, 2)], known=[known] if known else []
    )
    consul, traefik = chain.extras(what)
    assert (consul.where, consul.kind, consul.what) == ("consul", kind, "web at 10.0.0.1:2")
    assert word in consul.detail
    assert (traefik.where, traefik.kind) == ("traefik", kind)
    assert traefik.what == "http://10.0.0.1:2 in web-svc at http://edge:8082"
    found = look(what)
    assert (found["consul"].state, found["traefik"].state) == ("broken", "broken")
    assert f"1 too many: web at 10.0.0.1:2 ({kind}: " in found["consul"].detail


def on_a_dead_node(owner: str | None, port: int) -> ConsulInstance:
    serf = CheckView("Serf Health Status", "critical", "not live", "", "serfHealth")
    return replace(instance(owner, port), checks=(serf,), node="node-9")


@pytest.mark.parametrize(
    ("owner", "known"), [(GONE, [allocation(GONE, 1, "lost")]), (GONE, []), (None, [])]
)
def test_what_a_dead_machine_left_in_consul_breaks_nothing(
    owner: str | None, known: list[AllocationView]
) -> None:
    what = seen(instance(NEW), on_a_dead_node(owner, 2), views=[edge(1)], known=known)
    [extra] = chain.extras(what)
    assert (extra.where, extra.kind) == ("consul", "dead")
    assert "Consul has lost its node node-9" in extra.detail
    assert states(what) == ["holds", "holds", "holds"]
    assert look(what)["consul"].detail == "1 of 1 passing; 1 left of a machine that is gone"


def test_what_traefik_still_sends_to_a_dead_machine_breaks_the_chain() -> None:
    known = [allocation(GONE, 1, "lost")]
    what = seen(instance(NEW), on_a_dead_node(GONE, 2), views=[edge(1, 2)], known=known)
    assert [(e.where, e.kind) for e in chain.extras(what)] == [
        ("consul", "dead"), ("traefik", "stale"),
    ]  # fmt: skip
    assert states(what) == ["holds", "holds", "broken"]


def test_an_instance_that_nomad_still_runs_on_a_node_that_consul_lost_is_old() -> None:
    what = seen(instance(NEW), on_a_dead_node(OLD, 2), views=[edge(1)], known=[allocation(OLD, 1)])
    assert [extra.kind for extra in chain.extras(what)] == ["old"]
    assert states(what)[1] == "broken"


def test_a_server_that_consul_does_not_list_is_stale() -> None:
    [extra] = chain.extras(seen(instance(NEW), views=[edge(1, 7)]))
    expected = "http://10.0.0.1:7 in web-svc at http://edge:8082"
    assert extra == Extra("traefik", "stale", expected, "Consul does not list it any more")


def test_services_of_other_jobs_at_the_edge_are_not_ours() -> None:
    views = [EdgeView("http://edge:8082", None, {**edge(1).services, "other": {"http://x": "UP"}})]
    assert chain.extras(seen(instance(NEW), views=views)) == ()


# Too little.


def test_an_instance_that_is_missing_in_consul() -> None:
    what = seen(views=[edge()])
    found = look(what)
    assert found["consul"].state == "broken"
    assert found["consul"].detail == f"0 of 1 passing; {NEW[:8]} on node-1 is missing"
    assert [row.consul for row in chain.rows(what)] == ["missing"]


@pytest.mark.parametrize("status", ["critical", "warning"])
def test_an_instance_that_does_not_pass(status: str) -> None:
    found = look(seen(instance(NEW, status=status), views=[edge(1)]))
    assert found["consul"].state == "broken"
    assert f"is {status}" in found["consul"].detail


def test_a_server_that_is_down_or_missing() -> None:
    down = look(seen(instance(NEW), views=[edge(1, state="DOWN")]))["traefik"]
    assert (down.state, "is down" in down.detail) == ("broken", True)
    missing = look(seen(instance(NEW), views=[edge(3)]))["traefik"]
    assert (missing.state, "is missing" in missing.detail) == ("broken", True)


def test_every_traefik_counts() -> None:
    other = EdgeView("http://edge-2:8082", None, {"web-svc": {"http://10.0.0.1:9": "UP"}})
    link = look(seen(instance(NEW), views=[edge(1), other]))["traefik"]
    assert link.state == "broken"
    assert "0 of 1 up in each of 2 Traefiks" in link.detail


def test_a_service_that_a_traefik_does_not_have_and_a_router_that_it_dropped() -> None:
    absent = look(seen(instance(NEW), views=[edge(1, service="else")]))["traefik"]
    assert "has no service web-svc" in absent.detail
    dropped = look(seen(instance(NEW), views=[edge()]))["traefik"]
    assert "dropped router web" in dropped.detail


def test_fewer_instances_than_wanted() -> None:
    what = seen(instance(NEW), views=[edge(1)], wanted=2)
    assert states(what) == ["broken", "broken", "broken"]
    assert look(what)["nomad"].detail == "1 of 2 running"


def test_none_wanted_and_none_there() -> None:
    assert states(seen(expected=[], views=[edge()])) == ["holds", "holds", "holds"]
    left = seen(instance(OLD, 2), expected=[], known=[allocation(OLD, 1)], views=[edge(2)])
    assert states(left) == ["holds", "broken", "broken"]


def test_a_pending_instance_does_not_run() -> None:
    starting = [allocation(NEW, 2, "pending")]
    found = states(seen(instance(NEW), views=[edge(1)], expected=starting))
    assert found == ["broken", "holds", "holds"]


# Not seen, or not there.


def test_what_cannot_be_seen_is_never_missing() -> None:
    what = seen(blind="the token may not read", error="denied")
    found = look(what)
    assert (found["consul"].state, found["traefik"].state) == ("unseen", "unseen")
    assert found["consul"].detail == "cannot see: the token may not read"
    [row] = chain.rows(what)
    assert (row.consul, row.traefik) == ("unseen", "unseen")
    assert chain.extras(what) == ()


def test_what_consul_does_not_show_is_neither_missing_nor_stale_at_the_edge() -> None:
    """A Consul that hides one service, or forgets to answer for it, still lists the Traefiks."""
    what = seen(views=[edge(1)], blind="Consul did not answer in time")
    assert states(what) == ["holds", "unseen", "unseen"]
    [row] = chain.rows(what)
    assert row.traefik == "unseen"
    assert chain.extras(what) == ()


@pytest.mark.parametrize(
    ("views", "word"),
    [
        ([], "Consul lists no service traefik-api"),
        ([edge(1), EdgeView("http://edge-2", None, error="refused")], "http://edge-2: refused"),
    ],
)
def test_one_traefik_that_cannot_be_read_makes_the_edge_unseen(
    views: Sequence[EdgeView], word: str
) -> None:
    link = look(seen(instance(NEW), views=views))["traefik"]
    assert link.state == "unseen"
    assert word in link.detail


def test_a_job_has_only_the_links_that_it_promises() -> None:
    bare = Service("web", None, "web", "http", (), True, ())
    assert states(seen(instance(NEW), services=[bare])) == ["holds", "holds", "absent"]
    assert states(seen(services=[])) == ["holds", "absent", "absent"]
    [row] = chain.rows(seen(services=[]))
    assert (row.consul, row.traefik, row.address) == ("-", "-", "")


def test_a_group_without_the_service_is_not_asked_for_it() -> None:
    worker = AllocationView(
        id=OLD, name="shop.work[0]", group="work", job_version=2, node="node-1", node_id="n1",
        client_status="running", desired_status="run",
    )  # fmt: skip
    what = seen(instance(NEW), views=[edge(1)], expected=[allocation(NEW), worker])
    assert [row.consul for row in chain.rows(what)] == ["passing", "-"]
    assert states(what) == ["holds", "holds", "holds"]
