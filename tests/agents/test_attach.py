"""`toolkit attach`: the newest rollout of a job, whoever started it, to its verdict."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "attach")
    yield shop
    shop.close()


def test_a_job_that_is_not_there(shop: Shop) -> None:
    name = shop.write()
    said = shop.toolkit("attach", name, "--json")
    assert said.code == 1
    assert name in said.error["message"]
    assert said.error["hint"] == f"toolkit deploy {name}"


def test_a_rollout_that_failed_without_us_is_explained(shop: Shop) -> None:
    name = shop.deployed()
    bad = ("--release", "1.1.0", "--var", "environment.MODE=crash")
    assert shop.deploy(name, *bad, "--detach").report["verdict"] == "submitted"
    said = shop.toolkit("attach", name, "--fail-fast", "--json")
    report = said.report
    assert (said.code, report["verdict"]) == (8, "reverted"), said.err
    assert report["serving"] == "1.0.0"
    assert (report["release"], report["previous_release"]) == ("1.1.0", "1.0.0")
    assert report["causes"][0]["kind"] == "crash"
    assert any("FATAL" in line for line in report["causes"][0]["evidence"])
    assert shop.release(name) == "1.0.0"
    assert shop.serves(name) == ["1.0.0"]
    # What is newest now is the revert: attached to, it is proven like any other rollout.
    again = shop.toolkit("attach", name, "--json")
    assert (again.code, again.report["verdict"]) == (0, "deployed"), again.err
    assert (again.report["release"], again.report["serving"]) == ("1.0.0", "1.0.0")
