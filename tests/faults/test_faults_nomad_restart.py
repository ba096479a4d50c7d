"""A Nomad that restarts in the middle of a rollout: the watch outlives it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop

pytestmark = pytest.mark.agents


@pytest.fixture
def shop(data_cluster: LocalCluster, tmp_path: Path) -> Iterator[Shop]:
    shop = Shop(data_cluster, tmp_path / "shop")
    yield shop
    shop.close()


def test_a_nomad_that_restarts_in_the_middle_of_a_watch_is_waited_for(
    shop: Shop, data_cluster: LocalCluster
) -> None:
    name = shop.deployed()
    before, missed = data_cluster.process("nomad"), threading.Event()

    def restart() -> None:
        data_cluster.stop("nomad")
        assert missed.wait(60)
        data_cluster.start("nomad")

    restarting = threading.Thread(target=restart)
    said = shop.deploy(
        name,
        "--release",
        "1.1.0",
        on={"  running": restarting.start, "Nomad is lost": missed.set},
    )
    restarting.join()
    assert data_cluster.process("nomad").pid != before.pid
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.out
    lost, back = said.told("hold")
    assert lost.startswith("Nomad is lost: ")
    assert back == "Nomad answers again"
    assert shop.release(name) == "1.1.0"
    assert shop.serves(name) == ["1.1.0"]
    assert [d["Status"] for d in shop.deployments(name)] == ["successful"] * 2
