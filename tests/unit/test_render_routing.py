"""What the edge is told: rules, and names that change with them."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from tests.golden.shipped import shipped
from toolkit.errors import RenderError
from toolkit.render import routing_hash
from toolkit.render.hcl import NotHclError
from toolkit.render.routing import router_name, traefik_rule
from toolkit.spec.jobspec import Check, Route

BACKEND = Route(hosts=("backend.localhost",))


def tags(**fields: Any) -> list[str]:
    hcl = shipped("backend", "production", **fields).hcl
    block = re.search(r"tags = \[\n(.*?)\n\s*\]", hcl, re.DOTALL)
    assert block is not None
    return [line.strip().strip('",') for line in block[1].split("\n")]


def router(lines: list[str]) -> str:
    (name,) = {found[1] for line in lines if (found := re.search(r"\.routers\.([^.]+)\.", line))}
    return name


@pytest.mark.parametrize("bad", ["a`b", "a\nb"])
def test_a_host_or_path_that_would_end_the_rules_quotes_is_refused(bad: str) -> None:
    with pytest.raises(NotHclError, match="cannot stand in a routing rule"):
        traefik_rule({"hosts": [bad], "path": "/"})
    with pytest.raises(NotHclError, match="cannot stand in a routing rule"):
        traefik_rule({"hosts": [], "path": bad})
    with pytest.raises(RenderError, match=r"_lib/macros\.hcl\.j2:\d+: .* routing rule"):
        tags(route=replace(BACKEND, hosts=(bad,)))


@pytest.mark.parametrize(
    ("hosts", "path", "rule"),
    [
        ([], "/", "PathPrefix(`/`)"),
        ([], "/a", "PathPrefix(`/a`)"),
        (["h"], "/", "Host(`h`)"),
        (["h"], "/a", "Host(`h`) && PathPrefix(`/a`)"),
        (["h", "i"], "", "Host(`h`) || Host(`i`)"),
        (["h", "i"], "/a", "(Host(`h`) || Host(`i`)) && PathPrefix(`/a`)"),
    ],
)
def test_the_rule_matches_hosts_and_path(hosts: list[str], path: str, rule: str) -> None:
    assert traefik_rule({"hosts": hosts, "path": path}) == rule


def test_the_hash_tells_lists_of_tags_apart() -> None:
    lists = [[], [""], ["a", "b"], ["ab"], ["b", "a"], ["a", "b", ""], ["1:a"], ["a=é"]]
    hashes = [routing_hash(tags) for tags in lists]
    assert len(set(hashes)) == len(lists)
    assert routing_hash(("a", "b")) == routing_hash(["a", "b"]) == "facdde7a"
    assert all(re.fullmatch(r"[0-9a-f]{8}", digest) for digest in hashes)


@pytest.mark.parametrize(
    ("job", "name"), [("backend", "backend-1f"), ("My_App.v2/x", "my-app-v2-x-1f")]
)
def test_a_routers_name_fits_into_a_tags_key(job: str, name: str) -> None:
    assert router_name(job, "1f") == name


def test_a_changed_route_is_another_router_and_a_changed_release_is_not() -> None:
    names = [
        router(tags(route=route))
        for route in (
            BACKEND,
            replace(BACKEND, hosts=("other.localhost",)),
            replace(BACKEND, path="/a"),
            replace(BACKEND, visibility="private"),
        )
    ]
    assert len(set(names)) == len(names)
    assert router(tags(release="9.9.9")) == names[0]
    assert router(tags(check=Check(path="/other"))) == names[0]
    assert router(tags(name="other")) != names[0]


def test_router_and_service_of_the_edge_have_the_same_name() -> None:
    lines = tags()
    name = router(lines)
    assert f"traefik.http.routers.{name}.service={name}" in lines
    assert f"traefik.http.routers.{name}.entryPoints=public" in lines
    assert f"traefik.http.services.{name}.loadbalancer.server.scheme=http" in lines
    assert "version=1.0.0" in lines


def test_a_job_without_a_route_is_not_shown_to_the_edge() -> None:
    assert tags(route=None) == ["version=1.0.0"]
