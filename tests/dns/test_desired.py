"""What jobs want of DNS: refused first, then kept, then granted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.dns.discovering import (
    CONFIG,
    NAME,
    PRIVATE,
    PUBLIC,
    SITE,
    declared,
    instance,
    job,
    kick_config,
    owned,
    owner,
    reasons,
    record,
    records,
    view,
    want,
    zones,
)
from toolkit.spec.discovery import HostPort, View
from toolkit.spec.dns import Alias, Owner
from toolkit.spec.policy import Edge

EDGE = declared(visibility="public", target="edge")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"names": ("shop..internal",)}, "bad-name"),
        ({"names": ("_toolkit.shop.apps.internal",)}, "bad-name"),
        ({"names": ("shop.example.org",)}, "no-zone"),
        ({"names": ("shop.apps.example.com",)}, "no-zone"),  # only the public zone holds it
        ({"names": ("web.apps.internal",)}, "policy"),
        ({"names": ("apps.internal",)}, "policy"),
        ({"names": ("evilshop.apps.internal",)}, "policy"),
        ({"names": ("*.apps.internal",)}, "policy"),
        ({"label": "admin"}, "no-address"),
        ({"type": "AAAA"}, "no-address"),
        ({"wrong": "it is not right"}, "wrong"),
        ({"ttl": 10**9}, "wrong"),
        ({"names": ("shop.apps.example.com",), "visibility": "public"}, "policy"),  # 10.0.0.1
    ],
)
def test_what_is_not_granted_is_left_as_it_is(change: dict[str, Any], reason: str) -> None:
    asks = replace(declared(), **change)
    found = want(view([job("shop", asks)], [instance(1)]))
    assert found.wanted == ()
    assert reasons(found) == [(asks.names[0], reason)]
    assert all(kept.message for kept in found.kept)


def test_what_is_kept_says_what_would_grant_it() -> None:
    """Whoever reads a plan has nothing else that tells."""
    found = want(view([job("blog", declared("blog", "blog.apps.internal"))], [instance(1, "blog")]))
    said = found.kept[0].message
    assert said.startswith("the policy has no rule for default/blog (kick.toml needs a [[policy")
    elsewhere = want(view([job("shop", declared("shop", "shop.example.org"))], [instance(1)]))
    assert "its zones are " in elsewhere.kept[0].message


def test_a_job_without_a_rule_gets_nothing() -> None:
    found = want(view([job("stranger", declared("stranger"))], [instance(1, "stranger")]))
    assert found.wanted == ()
    assert reasons(found) == [(NAME, "policy")]


def test_a_job_of_the_same_name_elsewhere_gets_nothing() -> None:
    """Namespace and ID are compared whole, and they are Nomad's."""
    other = replace(job("shop", replace(declared(), namespace="other")), namespace="other")
    running = replace(instance(1), namespace="other")
    found = want(view([other], [running]))
    assert found.wanted == ()
    assert reasons(found) == [(NAME, "policy")]


def test_more_names_than_the_rule_has() -> None:
    names = tuple(f"{number}.shop.apps.internal" for number in range(4))
    config = kick_config(most=2)
    found = want(view([job("shop", declared("shop", *names))], [instance(1)]), config=config)
    assert [each.record.name for each in found.wanted] == list(names[:2])
    assert reasons(found) == [(names[2], "policy"), (names[3], "policy")]


def test_names_that_are_there_already_count_once() -> None:
    config = kick_config(most=1)
    there = zones(owned(owner(), record(NAME, "10.0.0.9")))
    found = want(view([job("shop", declared())], [instance(1)]), there, config)
    assert records(found) == {(NAME, "A"): ("10.0.0.1",)}


@pytest.mark.parametrize("failing", [(), (1,)])
def test_without_a_passing_instance_nothing_is_wanted(failing: tuple[int, ...]) -> None:
    running = [instance(number) for number in failing]
    found = want(view([job("shop", declared())], running, failing))
    assert found.wanted == ()
    assert reasons(found) == [(NAME, "no-instance")]
    assert found.asked == {(PRIVATE, NAME): owner()}


def test_instances_that_pass_are_listed() -> None:
    found = want(view([job("shop", declared())], [instance(n) for n in (1, 2, 3)], failing=(2,)))
    assert records(found) == {(NAME, "A"): ("10.0.0.1", "10.0.0.3")}
    (wanted,) = found.wanted
    assert (wanted.zone, wanted.owner, wanted.record.ttl) == (PRIVATE, owner(), CONFIG.ttl)


def test_a_check_that_consul_does_not_have_does_not_pass() -> None:
    seen = view([job("shop", declared())], [instance(1)])
    assert reasons(want(replace(seen, checks={}))) == [(NAME, "no-instance")]


def test_a_service_without_a_check_passes_while_nomad_runs_it() -> None:
    seen = view([job("shop", declared(checked=False))], [instance(1)])
    assert records(want(replace(seen, checks={}))) == {(NAME, "A"): ("10.0.0.1",)}


def test_a_namesake_on_another_node_neither_helps_nor_harms() -> None:
    seen = view([job("shop", declared())], [instance(1), instance(2)], failing=(2,))
    checks = {
        service: {**nodes, "stranger": not all(nodes.values())}
        for service, nodes in seen.checks.items()
    }
    assert records(want(replace(seen, checks=checks))) == {(NAME, "A"): ("10.0.0.1",)}


def test_an_allocation_of_another_job_is_nobodys_instance() -> None:
    seen = view([job("shop", declared())], [instance(1, "web")])
    assert reasons(want(seen)) == [(NAME, "no-instance")]


def test_addresses_of_both_families_are_two_records() -> None:
    running = [instance(1), instance(2, address="fd00::2"), instance(3, address="fd00::2")]
    assert records(want(view([job("shop", declared())], running))) == {
        (NAME, "A"): ("10.0.0.1",),
        (NAME, "AAAA"): ("fd00::2",),
    }


def test_one_family_alone() -> None:
    running = [instance(1), instance(2, address="fd00::2")]
    found = want(view([job("shop", declared(type="A"))], running))
    assert records(found) == {(NAME, "A"): ("10.0.0.1",)}


def test_two_services_of_a_job_share_a_name() -> None:
    asks = declared(), declared(group="other", service="other")
    running = [instance(1), replace(instance(2), group="other")]
    assert records(want(view([job("shop", *asks)], running))) == {
        (NAME, "A"): ("10.0.0.1", "10.0.0.2")
    }


def test_service_records_point_to_names_of_addresses() -> None:
    name = "_http._tcp.shop.apps.internal"
    asks = declared("shop", name, type="SRV", ttl=5)
    running = [instance(1), instance(2), instance(3, address="10.0.0.1")]
    assert records(want(view([job("shop", asks)], running))) == {
        ("ip-10-0-0-1.shop.apps.internal", "A"): ("10.0.0.1",),
        ("ip-10-0-0-2.shop.apps.internal", "A"): ("10.0.0.2",),
        (name, "SRV"): (
            "1 1 20001 ip-10-0-0-1.shop.apps.internal",
            "1 1 20002 ip-10-0-0-2.shop.apps.internal",
            "1 1 20003 ip-10-0-0-1.shop.apps.internal",
        ),
    }


@pytest.mark.parametrize("most", [1, 2])
def test_a_service_record_never_points_to_a_name_that_was_refused(most: int) -> None:
    asks = declared("shop", "_http._tcp.shop.apps.internal", type="SRV")
    seen = view([job("shop", asks)], [instance(1), instance(2)])
    found = want(seen, config=kick_config(most=most))
    assert ("_http._tcp.shop.apps.internal", "SRV") not in records(found)
    assert found.unsure == {owner()}


def test_the_edge_of_the_configuration() -> None:
    found = want(view([job("shop", replace(EDGE, names=(SITE,)))]))
    assert records(found) == {(SITE, "A"): ("203.0.113.1",), (SITE, "AAAA"): ("2001:db8::1",)}


def test_the_edge_as_an_alias() -> None:
    alias = Alias("lb.example.net", "Z2")
    policy = replace(CONFIG.policy, edges={"public": Edge(alias=alias)})
    seen = view([job("shop", replace(EDGE, names=(SITE,), ttl=5))])
    (wanted,) = want(seen, config=replace(CONFIG, policy=policy)).wanted
    assert (wanted.record.type, wanted.record.ttl, wanted.record.alias) == ("A", None, alias)


def test_without_an_edge_nothing_points_there() -> None:
    seen = view([job("shop", replace(EDGE, names=(SITE,)))])
    found = want(seen, config=replace(CONFIG, policy=replace(CONFIG.policy, edges={})))
    assert reasons(found) == [(SITE, "no-edge")]


def traefik(number: int, *ports: tuple[str, str]) -> tuple[str, object]:
    made = replace(
        instance(number, "traefik"),
        ports=tuple(HostPort(label, address, 80) for label, address in ports),
    )
    return f"_nomad-task-{made.allocation}-group-traefik-traefik-api-api", made


def test_an_edge_that_is_a_job_is_its_passing_instances() -> None:
    asks = declared(target="edge")
    one, first = traefik(1, ("api", "127.0.0.1"), ("private", "10.0.0.1"))
    two, second = traefik(2, ("api", "127.0.0.1"), ("private", "10.0.0.2"))
    seen = View(
        {("default", "shop"): job("shop", asks)},
        (first, second),  # type: ignore[arg-type]
        {one: {"node-1": True}, two: {"node-2": False}},
    )
    assert records(want(seen)) == {(NAME, "A"): ("10.0.0.1",)}
    assert reasons(want(replace(seen, checks={one: {"node-1": False}}))) == [(NAME, "no-instance")]


def test_of_two_jobs_the_older_one_is_first() -> None:
    jobs = [job("rival", declared("rival"), created=9), job("shop", declared(), created=3)]
    found = want(view(jobs, [instance(1), instance(2, "rival")]))
    assert records(found) == {(NAME, "A"): ("10.0.0.1",)}
    (kept,) = found.kept
    assert (kept.owner, kept.reason) == (owner("rival"), "taken")
    assert "default/shop" in kept.message


def test_of_two_jobs_the_one_that_has_it_keeps_it() -> None:
    jobs = [job("rival", declared("rival"), created=9), job("shop", declared(), created=3)]
    there = zones(owned(owner("rival"), record(NAME, "10.0.0.2")))
    found = want(view(jobs, [instance(1), instance(2, "rival")]), there)
    assert [each.owner for each in found.wanted] == [owner("rival")]
    assert [(kept.owner, kept.reason) for kept in found.kept] == [(owner(), "taken")]


def test_a_name_of_a_service_record_is_not_taken_from_who_asks_for_it() -> None:
    asked = declared("rival", "ip-10-0-0-1.shop.apps.internal")
    srv = declared("shop", "_http._tcp.shop.apps.internal", type="SRV")
    jobs = [job("rival", asked, created=9), job("shop", srv, created=3)]
    found = want(view(jobs, [instance(1), instance(2, "rival")]))
    assert records(found) == {("ip-10-0-0-1.shop.apps.internal", "A"): ("10.0.0.2",)}
    assert ("ip-10-0-0-1.shop.apps.internal", "taken") in reasons(found)


def test_a_job_that_is_over_asks_for_nothing() -> None:
    seen = view([job("shop", declared(), alive=False)], [instance(1)])
    found = want(seen)
    assert (found.wanted, found.kept, found.asked) == ((), (), {})


def test_a_job_that_cannot_be_read_may_ask_for_anything() -> None:
    seen = view([replace(job("shop"), unread="the token may not")], [instance(1)])
    found = want(seen)
    assert found.unsure == {owner()}
    assert reasons(found) == [("", "unread")]


def test_both_zones_hold_a_name_of_one_job() -> None:
    asks = declared(), replace(EDGE, names=(SITE,))
    found = want(view([job("shop", *asks)], [instance(1)]))
    assert {(each.zone, each.record.name) for each in found.wanted} == {
        (PRIVATE, NAME),
        (PUBLIC, SITE),
    }


def test_an_owner_is_of_this_cluster() -> None:
    found = want(view([job("shop", declared())], [instance(1)]))
    assert found.wanted[0].owner == Owner("blue", "job", "default", "shop")
