"""Agents that stop in the middle of things: what can no longer be seen is never called good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.shop import Shop
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.edge]

SHORT = {
    'healthy_deadline = "50s"': 'healthy_deadline = "4s"',
    'progress_deadline = "90s"': 'progress_deadline = "5s"',
}
"""Nomad's own patience."""


@pytest.fixture(scope="module")
def agents(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Agents that keep their state, so that each can be stopped and started again."""
    root = tmp_path_factory.mktemp("stopping")
    with local_cluster(root, data=True, machine=machine) as running:
        yield running


@pytest.fixture(scope="module")
def shop(agents: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """A project with the edge deployed."""
    shop = Shop(agents, tmp_path_factory.mktemp("shops") / "stopping")
    deploy_edge(shop)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def both(shop: Shop) -> list[str]:
    return shop.all_deployed([{"route": True}, {"change": SHORT}])


@pytest.fixture(scope="module")
def routed(both: list[str]) -> str:
    """A service at 1.0.0 with a route."""
    return both[0]


@pytest.fixture(scope="module")
def hasty(both: list[str]) -> str:
    """A service at 1.0.0 for which Nomad has little patience."""
    return both[1]


def has_ended(shop: Shop, name: str) -> bool:
    """No process of the job is left, and no port of it taken."""
    found = shop.nomad(f"/v1/job/{name}/allocations")
    return all(stub["ClientStatus"] in {"complete", "failed"} for stub in found)


def deploy_edge(shop: Shop) -> None:
    said = shop.deploy("traefik")
    assert said.code == 0, said.out + said.err


def test_a_consul_that_stops_during_verify_is_not_seen(
    shop: Shop, agents: LocalCluster, routed: str
) -> None:
    said = shop.toolkit("verify", routed, "--json", on={"dev · ": lambda: agents.stop("consul")})
    try:
        assert (said.code, said.report["verdict"]) == (5, "unknown"), said.out
        assert said.link("consul")["state"] == "unseen"
        assert "cannot see" in said.link("consul")["detail"]
        assert agents.consul_address in said.report["sentence"]
        assert said.link("traefik")["state"] == "unseen"
        assert [row["consul"] for row in said.report["verification"]["instances"]] == ["unseen"]
        assert "missing" not in said.out
    finally:
        agents.start("consul")
    shop.until("Traefik routes again", lambda: shop.toolkit("verify", routed).code == 0)


def test_a_consul_that_stops_during_the_watch_is_never_promoted_past(
    shop: Shop, agents: LocalCluster, hasty: str
) -> None:
    said = shop.deploy(hasty, "--release", "9.9.9", on={"canary ": lambda: agents.stop("consul")})
    try:
        assert (said.code, said.report["verdict"]) == (5, "unknown"), said.out
        assert said.told("hold")[0].startswith("Consul is lost: ")
        assert "cannot see" in said.report["sentence"]
        assert agents.consul_address in said.report["sentence"]
        assert "promoted" not in " ".join(said.told("gate"))
        ours = next(d for d in shop.deployments(hasty) if d["ID"] == said.report["deployment"])
        assert not any(group["Promoted"] for group in ours["TaskGroups"].values())
    finally:
        agents.start("consul")
    # Nomad's own deadlines brought the old release back, and it still serves.
    assert shop.release(hasty) == "1.0.0"
    shop.until("the old release is verified", lambda: shop.toolkit("verify", hasty).code == 0)
    assert shop.serves(hasty) == ["1.0.0"]


def test_a_traefik_that_is_stopped_is_the_link_that_is_named(shop: Shop, routed: str) -> None:
    shop.nomad("/v1/job/traefik", method="DELETE")
    shop.until("the edge has ended", lambda: has_ended(shop, "traefik"))
    shop.until("the edge is closed", lambda: not shop.passing("traefik-api"))
    said = shop.toolkit("verify", routed, "--json")
    assert (said.code, said.report["verdict"]) == (6, "unverified"), said.out
    assert said.link("nomad")["state"] == "holds"
    assert said.link("consul")["state"] == "holds"
    assert said.link("traefik")["state"] == "unseen"
    assert "Consul lists no service traefik-api" in said.link("traefik")["detail"]
    assert said.link("edge")["state"] == "broken"
    assert "edge: " in said.report["sentence"]
    deploy_edge(shop)
    assert shop.toolkit("verify", routed).code == 0
