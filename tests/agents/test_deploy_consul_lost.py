"""Consul is lost while we watch: nothing is promoted, and nothing is claimed (exit 5)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.shop import Shop
from toolkit.spec.dev import Machine

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def mortal(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """A cluster whose Consul may be stopped and started again."""
    with local_cluster(tmp_path_factory.mktemp("mortal"), data=True, machine=machine) as running:
        yield running


@pytest.fixture(scope="module")
def shop(mortal: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(mortal, tmp_path_factory.mktemp("shops") / "lost")
    yield shop
    shop.close()


def test_consul_is_stopped_before_the_promotion(shop: Shop) -> None:
    name = shop.deployed()
    before = {a["ID"] for a in shop.running(name)}

    def stop() -> None:
        """Nomad calls the canary healthy, and before we look Consul is gone."""
        shop.until(
            "the canary is healthy",
            lambda: any(
                (a["DeploymentStatus"] or {}).get("Canary")
                and (a["DeploymentStatus"] or {}).get("Healthy")
                for a in shop.running(name)
            ),
        )
        shop.cluster.stop("consul")

    try:
        said = shop.deploy(name, "--release", "1.1.0", "--timeout", "18s", on={"canary ": stop})
        report = said.report
        assert (said.code, report["verdict"], report["code"]) == (5, "unknown", 5), said.err
        assert report["serving"] is None
        assert "the gate stayed closed: consul" in report["sentence"]
        assert any("Consul is lost" in line for line in said.told("hold"))
        assert report["next"] == f"toolkit attach {name}"
        deployment = shop.deployments(name)[-1]
        assert deployment["Status"] == "running"
        assert not any(group["Promoted"] for group in deployment["TaskGroups"].values())
        # Both run: the old one was not taken away.
        assert before < {a["ID"] for a in shop.running(name)}
        # Without Consul the same question has no answer either, and no rollout starts.
        verified = shop.toolkit("verify", name, "--json")
        assert (verified.code, verified.report["verdict"]) == (5, "unknown")
        assert verified.link("consul")["state"] == "unseen"
        refused = shop.deploy(name, "--release", "1.2.0")
        assert refused.code == 1
        assert "Consul" in refused.error["message"]
        assert shop.release(name) == "1.1.0"
    finally:
        shop.cluster.start("consul")
    # Nomad registers its services again by itself; then the gate can see, and opens.
    shop.until("both are passing again", lambda: len(shop.passing(name)) == 2, 90)
    done = shop.toolkit("attach", name, "--json")
    assert (done.code, done.report["verdict"]) == (0, "deployed"), done.err
    assert shop.serves(name) == ["1.1.0"]
    assert before.isdisjoint(shop.instance_of(name))


def test_consul_is_stopped_during_the_verification(shop: Shop) -> None:
    name = shop.deployed()
    try:
        said = shop.deploy(
            name, "--release", "1.1.0", on={"promoted": lambda: shop.cluster.stop("consul")}
        )
    finally:
        shop.cluster.start("consul")
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (5, "unknown", 5), said.err
    assert report["serving"] is None
    assert "consul: cannot see" in report["sentence"]
    assert said.link("nomad")["state"] == "holds"
    assert said.link("release")["state"] == "unseen"
    assert report["next"] == f"toolkit verify {name}"
    # What Nomad took away meanwhile stays in Consul until Nomad compares; that is not proven yet.
    shop.until(
        "only what runs is left",
        lambda: len(shop.passing(name)) == len(shop.instance_of(name)) == 1,
        90,
    )
    verified = shop.toolkit("verify", name, "--json")
    assert (verified.code, verified.report["serving"]) == (0, "1.1.0"), verified.err
