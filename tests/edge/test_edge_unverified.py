"""Nomad and Consul are content, and the edge is not: `unverified` (6), or `unknown` (5)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import pytest

from tests.agents.shop import Said
from tests.edge.front import Front

pytestmark = [pytest.mark.agents, pytest.mark.edge]


@contextmanager
def registered(front: Front, name: str, port: int, tags: Sequence[str] = ()) -> Iterator[None]:
    """A Consul service that somebody registered by hand."""
    body = {
        "Name": name, "ID": f"by-hand-{name}", "Address": "127.0.0.1", "Port": port,
        "Tags": list(tags),
        # Traefik looks again when a check changes: one more instance alone it may overlook.
        "Check": {"TTL": "30m", "Status": "passing"},
    }  # fmt: skip
    front.consul("/v1/agent/service/register", body)
    try:
        yield
    finally:
        front.consul(f"/v1/agent/service/deregister/by-hand-{name}", method="PUT")


def assert_broken(said: Said, name: str) -> str:
    """Exit 6, this link the first that is broken; its detail."""
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (6, "unverified", 6), said.err
    assert report["serving"] is None
    first = next(link for link in report["verification"]["links"] if link["state"] == "broken")
    assert first["name"] == name, first
    assert f"broken at {name}: {first['detail']}" in report["sentence"]
    return str(first["detail"])


@pytest.fixture(scope="module")
def base(front: Front) -> str:
    """A service behind the edge; what is broken around it is mended again."""
    return front.deployed(name=front.name("edge"), route=True)


def test_a_stranger_who_takes_the_requests(front: Front, base: str) -> None:
    """Another router with a higher priority: every link before the edge holds."""
    other = front.deployed(name=front.name("thief"), release="6.6.6")
    [place] = front.passing(other).values()
    tags = [
        "traefik.enable=true",
        f"traefik.http.routers.thief.rule=Host(`{base}.localhost`) && PathPrefix(`/`)",
        "traefik.http.routers.thief.priority=1000",
    ]
    with registered(front, "thief", int(place.rpartition(":")[2]), tags):
        front.until("the thief is routed to", lambda: front.through(base) == "6.6.6")
        said = front.deploy(base)
        detail = assert_broken(said, "edge")
        assert f"as {base}.localhost" in detail
        assert "6.6.6" in detail
        assert said.link("release")["state"] == "holds"
        verified = front.toolkit("verify", base, "--json")
        assert_broken(verified, "edge")
    front.until("it is gone again", lambda: front.through(base) == "1.0.0")
    assert front.deploy(base).report["verdict"] == "unchanged"


def test_an_instance_that_the_edge_routes_to_beside_ours(front: Front, base: str) -> None:
    tags = front.job(base)["TaskGroups"][0]["Services"][0]["Tags"]
    with registered(front, base, 9, tags):
        front.until("Traefik has it", lambda: len(front.servers(base)) == 2)
        said = front.deploy(base)
        assert "foreign: not registered by Nomad" in assert_broken(said, "consul")
        extras = said.report["verification"]["extras"]
        assert {(e["where"], e["kind"]) for e in extras} == {
            ("consul", "foreign"),
            ("traefik", "foreign"),
        }
        assert any("http://127.0.0.1:9" in e["what"] for e in extras)
    front.until("it is gone again", lambda: len(front.servers(base)) == 1)


def test_two_definitions_of_one_router_take_the_route_from_both(front: Front, base: str) -> None:
    tags = front.job(base)["TaskGroups"][0]["Services"][0]["Tags"]
    [key] = [tag.partition("=")[0] for tag in tags if ".rule=" in tag]
    clash = ["traefik.enable=true", f"{key}=Host(`elsewhere.localhost`)"]
    clash += [tag for tag in tags if ".service=" in tag or ".scheme=" in tag]
    with registered(front, "clash", 9, clash):
        front.until("the route is gone", lambda: front.through(base) == "HTTP 404")
        said = front.deploy(base)
        detail = assert_broken(said, "traefik")
        assert f"dropped router {key.split('.')[3]}" in detail
        assert "another definition of it differs" in detail
    front.until("it is back", lambda: front.through(base) == "1.0.0")


def test_one_traefik_that_cannot_be_seen_is_enough_for_unknown(front: Front) -> None:
    """Every Traefik that Consul lists counts; this one does not answer."""
    name = front.deployed(name=front.name("blind"), route=True)
    with registered(front, "traefik-api", 9):
        said = front.deploy(name, "--release", "1.1.0")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (5, "unknown", 5), said.err
    assert report["serving"] is None
    link = said.link("traefik")
    assert link["state"] == "unseen"
    assert "http://127.0.0.1:9" in link["detail"]
    assert "traefik: cannot see" in report["sentence"]
    assert report["next"] == f"toolkit verify {name}"
    # It did take, and once the edge can be seen this can be proven.
    assert front.release(name) == "1.1.0"
    verified = front.toolkit("verify", name, "--json")
    assert (verified.code, verified.report["serving"]) == (0, "1.1.0"), verified.err


def _rolled(front: Front, name: str) -> bool:
    return "successful" in {rollout["Status"] for rollout in front.deployments(name)}


def test_a_route_that_no_traefik_takes(front: Front) -> None:
    """Its router names an entrance that there is not."""
    name = front.name("nodoor")
    hcl = f"""
job "{name}" {{
  group "web" {{
    update {{
      min_healthy_time = "500ms"
    }}
    network {{
      port "http" {{}}
    }}
    service {{
      name = "{name}"
      port = "http"
      tags = [
        "traefik.enable=true",
        "traefik.http.routers.{name}.rule=Host(`{name}.localhost`)",
        "traefik.http.routers.{name}.entryPoints=nowhere",
      ]
    }}
    task "app" {{
      driver = "raw_exec"
      config {{
        command = "/bin/sleep"
        args    = ["600"]
      }}
      resources {{
        cpu    = 20
        memory = 16
      }}
    }}
  }}
}}
"""
    assert front.deploy(front.plain(name, hcl), "--detach").report["verdict"] == "submitted"
    front.until("it rolled", lambda: _rolled(front, name))
    said = front.toolkit("verify", name, "--json")
    detail = assert_broken(said, "traefik")
    assert f"dropped router {name}" in detail
    assert "entry points are wrong" in detail
    assert said.link("consul")["state"] == "holds"
    assert said.link("edge")["state"] == "unseen"
    assert front.through(name) == "HTTP 404"
    # Whoever looks at the edge as a whole would find it.
    assert front.toolkit("stop", name, "--purge", "--yes").code == 0
