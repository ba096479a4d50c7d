"""Nomad loses its leader in the middle of a watch for a while: the verdict is late, never wrong."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.faults.proxy import FaultProxy, Rule
from tests.faults.shell import unaddressed

pytestmark = pytest.mark.agents

PROSE = "rpc error: failed to get conn: the moon is in the wrong house"
WORDS = {"good": (), "bad": ("--var", "environment.MODE=crash")}


@dataclass(frozen=True)
class Late:
    """A bump that went on while Nomad could not be asked."""

    name: str
    said: Said
    refused: int


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "leader")
    yield shop
    shop.close()


def bump(shop: Shop, name: str, text: str, seconds: float, more: tuple[str, ...]) -> Late:
    """From the registration on every request is refused, for that long."""
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        back = threading.Timer(seconds, proxy.clear)
        asked: list[int] = []

        def lose() -> None:
            proxy.add(Rule("status", text=text, before=lambda: asked.append(1)))
            proxy.cut_connections()
            back.start()

        said = shop.deploy(
            name, "--release", "1.1.0", "--nomad-addr", proxy.address, *more, on={"canary ": lose}
        )
        back.join()
    return Late(name, said, len(asked))


@pytest.mark.parametrize("seconds", [3.0, pytest.param(20.0, marks=pytest.mark.soak)])
@pytest.mark.parametrize("text", ["No cluster leader", PROSE], ids=["leader", "prose"])
def test_a_verdict_is_late_and_not_wrong(shop: Shop, text: str, seconds: float) -> None:
    names = {word: shop.name("late") for word in WORDS}
    shop.all_deployed({"name": name} for name in names.values())
    with ThreadPoolExecutor(len(WORDS)) as pool:
        doing = {
            word: pool.submit(bump, shop, names[word], text, seconds, more)
            for word, more in WORDS.items()
        }
        ends = {word: future.result() for word, future in doing.items()}
    for end in ends.values():
        assert end.refused > 0
        assert any(line.startswith("Nomad is lost: ") for line in end.said.told("hold"))
        assert end.said.told("hold")[-1] == "Nomad answers again"
    good, bad = ends["good"], ends["bad"]
    assert (good.said.code, good.said.report["verdict"]) == (0, "deployed"), good.said.err
    assert good.said.report["serving"] == "1.1.0"
    assert shop.serves(good.name) == ["1.1.0"]
    assert (bad.said.code, bad.said.report["verdict"]) == (8, "reverted"), bad.said.err
    assert bad.said.report["serving"] == "1.0.0"
    assert bad.said.report["causes"][0]["kind"] == "crash"
    assert shop.serves(bad.name) == ["1.0.0"]


def test_a_leader_that_stays_away_is_unknown_with_what_was_last_known(shop: Shop) -> None:
    name = shop.deployed(name=shop.name("away"))
    with FaultProxy(shop.cluster.nomad_address) as proxy:

        def lose() -> None:
            proxy.add(Rule("status", text="No cluster leader"))
            proxy.cut_connections()

        there = ("--nomad-addr", proxy.address, "--timeout", "6s")
        said = shop.deploy(name, "--release", "1.1.0", *there, on={"canary ": lose})
    report = said.report
    assert (said.code, report["verdict"]) == (5, "unknown"), said.err
    assert "Nomad does not answer" in report["sentence"]
    assert report["serving"] is None
    # What was last known: which version, how far its instance was, and the deployment where the
    # first word of it came before the leader went.
    ours = shop.deployments(name)[-1]
    assert report["version"] == ours["JobVersion"]
    assert report["deployment"] in (None, ours["ID"])
    canary = next(event for event in report["events"] if event["stage"] == "canary")
    assert canary["instances"][0]["allocation"] in {a["ID"] for a in shop.running(name)}
    assert unaddressed(report["next"]) == f"toolkit attach {name}"
    done = shop.toolkit("attach", name, "--json")
    assert (done.code, done.report["verdict"]) == (0, "deployed"), done.err
