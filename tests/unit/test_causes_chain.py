"""The cause behind a broken link of the chain."""

from __future__ import annotations

from dataclasses import replace

from toolkit.rollout.causes.chain import Around, causes_of_chain
from toolkit.rollout.declared import Route, Service
from toolkit.rollout.edges import Edges
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Extra, InstanceChain, Link, LinkName, Verification
from toolkit.spec.observed import CheckView, ConsulInstance, EdgeView

ROW = InstanceChain("a" * 36, "node-1", "web", "running", "passing", "up", "1.1.0", "10.0.0.1:80")
ROUTE = Route("shop", "shop", "Host(`shop`)", "shop", "/", ("public",))
SERVICE = Service("web", None, "web", "http", (), True, (ROUTE,))
HERE = "http://10.0.0.9:8080"


def chain(
    name: LinkName, row: InstanceChain = ROW, *extras: Extra, wanted: int = 1
) -> Verification:
    link = Link(name, "broken", "0 of 1 of it")
    return Verification((link,), (row,), extras, expected=wanted, release="1.1.0")


def instance(*tags: str, owner: str = "a", status: str = "passing") -> ConsulInstance:
    check = CheckView("alive", status, "HTTP GET: 500\n gone", "web")
    return ConsulInstance("web", "x", owner * 36, "10.0.0.1", 80, "node-1", tags, (check,))


def only(found: tuple[Cause, ...]) -> Cause:
    [cause] = found
    assert cause.advice
    assert any(line.startswith("chain: ") for line in cause.evidence)
    return cause


def test_a_chain_that_holds_has_no_cause() -> None:
    good = Verification((Link("nomad", "holds", "1 of 1"), Link("consul", "unseen", "?")), (ROW,))
    assert causes_of_chain(good) == ()


def test_an_instance_that_is_missing_or_not_running() -> None:
    cause = only(causes_of_chain(chain("nomad", wanted=3)))
    assert (cause.kind, cause.summary) == ("missing", "2 of 3 instances are missing")
    dead = replace(ROW, nomad="failed")
    cause = only(causes_of_chain(chain("nomad", dead)))
    assert cause.summary == "allocation aaaaaaaa should run and is failed"
    assert cause.allocation == ROW.allocation


def test_consul_says_no_or_nothing_or_too_much() -> None:
    sick = chain("consul", replace(ROW, consul="critical"))
    cause = only(causes_of_chain(sick, Around(instances=(instance(status="critical"),))))
    assert (cause.kind, cause.node) == ("check", "node-1")
    assert cause.evidence[0] == "check: alive is critical: HTTP GET: 500 gone"
    cause = only(causes_of_chain(chain("consul", replace(ROW, consul="missing"))))
    assert "is not registered in Consul" in cause.summary
    extra = Extra("consul", "stale", "web at 10.0.0.7:80", "allocation bbbb is complete")
    cause = only(causes_of_chain(chain("consul", ROW, extra)))
    assert (cause.kind, "web at 10.0.0.7:80" in cause.summary) == ("stale", True)


def test_two_versions_that_disagree_on_tags_are_named() -> None:
    missing = chain("traefik", replace(ROW, traefik="missing"))
    rule = "traefik.http.routers.shop.rule=Host(`{}`)"
    both = [instance(rule.format("a")), instance(rule.format("b"), owner="b")]
    edges = Edges((EdgeView(HERE, None, {"other": {}}),))
    cause = only(causes_of_chain(missing, Around((SERVICE,), tuple(both), edges)))
    assert cause.kind == "routers"
    assert cause.evidence[:2] == (
        "tag: traefik.http.routers.shop.rule=Host(`a`) of allocation aaaaaaaa",
        "tag: traefik.http.routers.shop.rule=Host(`b`) of allocation bbbbbbbb",
    )
    # Tags that Traefik does not read may differ.
    harmless = [instance("version=1"), instance("version=2", owner="b")]
    around = Around((SERVICE,), tuple(harmless), edges)
    assert only(causes_of_chain(missing, around)).kind == "edge"


def test_another_service_that_takes_the_router_is_named() -> None:
    missing = chain("traefik", replace(ROW, traefik="missing"))
    key = "traefik.http.routers.shop.rule"
    mine = replace(SERVICE, tags=(f"{key}=Host(`a`)", "traefik.enable=true"))
    theirs = {"other": [f"{key}=Host(`b`)"], "web": [f"{key}=Host(`c`)"], "calm": ["x"]}
    cause = only(causes_of_chain(missing, Around((mine,), tags=theirs)))
    assert cause.kind == "routers"
    assert cause.summary.startswith("service other gives router shop another meaning")
    assert f"tag: {key}=Host(`b`) of service other" in cause.evidence
    same = {"other": [f"{key}=Host(`a`)", "traefik.enable=false"]}
    assert only(causes_of_chain(missing, Around((mine,), tags=same))).kind == "edge"


def test_a_router_that_traefik_cannot_use_says_why() -> None:
    said = "entryPoint nowhere does not exist"
    routers = ({"name": "other@x", "error": ["?"]}, {"name": "shop@consulcatalog", "error": [said]})
    for broken in (chain("traefik", replace(ROW, traefik="missing")), chain("edge")):
        cause = only(causes_of_chain(broken, Around((SERVICE,), routers=routers)))
        assert (cause.kind, cause.summary) == ("edge", f"Traefik cannot use router shop: {said}")


def test_a_traefik_that_is_behind_is_named() -> None:
    missing = chain("traefik", replace(ROW, traefik="missing"))
    blind = Edges((EdgeView(HERE, None, {}),))
    cause = only(causes_of_chain(missing, Around((SERVICE,), edges=blind)))
    assert (cause.kind, HERE in cause.summary) == ("edge", True)
    assert "no service of Consul at all" in cause.summary
    partly = Edges((EdgeView(HERE, None, {"other": {"http://x": "UP"}}),))
    cause = only(causes_of_chain(missing, Around((SERVICE,), edges=partly)))
    assert "does not route to service shop" in cause.summary
    late = Edges((EdgeView(HERE, None, {"shop": {"http://10.0.0.8:80": "UP"}}),))
    assert (
        "does not have the instance"
        in only(causes_of_chain(missing, Around((SERVICE,), edges=late))).summary
    )
    assert only(causes_of_chain(missing)).kind == "edge"
    down = chain("traefik", replace(ROW, traefik="down"))
    assert "holds 10.0.0.1:80 for down" in only(causes_of_chain(down)).summary
    extra = Extra("traefik", "old", "http://10.0.0.7:80 in shop", "job version 2")
    assert only(causes_of_chain(chain("traefik", ROW, extra))).kind == "stale"


def test_a_wrong_release_and_an_edge_that_answers_wrongly() -> None:
    wrong = chain("release", replace(ROW, serves="1.0.0"))
    cause = only(causes_of_chain(wrong))
    assert cause.kind == "release"
    assert cause.summary == ("an instance does not serve release 1.1.0: 10.0.0.1:80 says 1.0.0")
    cause = only(causes_of_chain(chain("edge")))
    assert (cause.kind, cause.summary) == ("edge", "the edge does not serve it")
    assert cause.evidence == ("chain: edge: 0 of 1 of it",)


def test_a_traefik_that_is_not_there_comes_before_what_clients_get() -> None:
    hidden = Link("traefik", "unseen", "cannot see: Consul lists no service traefik-api")
    without = chain("edge")
    cause = only(causes_of_chain(replace(without, links=(hidden, *without.links))))
    assert cause.summary.endswith("Traefik cannot be seen: Consul lists no service traefik-api")
    assert "toolkit doctor" in (cause.advice or "")
