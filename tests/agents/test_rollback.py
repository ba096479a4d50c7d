"""`toolkit rollback`: an older version, rolled and verified like any deploy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "rollback")
    yield shop
    shop.close()


def test_there_is_nothing_to_go_back_to(shop: Shop) -> None:
    name = shop.write()
    unknown = shop.toolkit("rollback", name, "--json")
    assert unknown.code == 1
    assert unknown.error["hint"] == f"toolkit deploy {name}"
    shop.deploy(name)
    said = shop.toolkit("rollback", name, "--json")
    assert said.code == 1
    assert "no older release that was verified" in said.error["message"]
    assert f"toolkit history {name}" in said.error["hint"]
    nowhere = shop.toolkit("rollback", name, "--to", "9.9.9", "--json")
    assert nowhere.code == 1
    assert "9.9.9" in nowhere.error["message"]
    assert "0 (1.0.0)" in nowhere.error["hint"]
    assert shop.job(name)["Version"] == 0


def test_back_to_what_was_stable_to_a_release_and_to_a_version(shop: Shop) -> None:
    name = shop.deployed()
    bad = ("--release", "1.1.0", "--var", "environment.MODE=crash")
    assert shop.deploy(name, *bad).report["verdict"] == "reverted"
    assert shop.deploy(name, "--release", "1.2.0").code == 0
    scaled = {"Count": 2, "Target": {"Group": name}}
    shop.nomad(f"/v1/job/{name}/scale", scaled, "POST")
    shop.until("two pass", lambda: len(shop.passing(name)) == 2)

    # Not to the release that failed, although it is nearer; the live count stays.
    back = shop.toolkit("rollback", name, "--json")
    report = back.report
    assert (back.code, report["verdict"], report["code"]) == (0, "deployed", 0), back.err
    assert (report["release"], report["previous_release"]) == ("1.0.0", "1.2.0")
    assert report["serving"] == "1.0.0"
    assert shop.serves(name) == ["1.0.0", "1.0.0"]
    assert any("stays 2" in line for line in back.told("note"))
    assert back.told("gate")[-1].startswith("Nomad 2/2")
    assert shop.job(name)["Version"] == report["version"]

    forward = shop.toolkit("rollback", name, "--to", "1.2.0", "--json")
    assert (forward.code, forward.report["serving"]) == (0, "1.2.0"), forward.err
    assert shop.serves(name) == ["1.2.0", "1.2.0"]

    # What a rollback put there is not replaced by the file's release without an answer.
    asked = shop.deploy(name)
    assert asked.code == 1
    assert "release 1.2.0" in asked.error["message"]

    by_number = shop.toolkit("rollback", name, "--to", str(report["version"]), "--json")
    assert (by_number.code, by_number.report["serving"]) == (0, "1.0.0"), by_number.err
    assert shop.release(name) == "1.0.0"


def test_back_to_a_release_that_does_not_run_any_more(shop: Shop) -> None:
    """The way back is a rollout like any other: it may fail, and what serves stays."""
    flag = shop.root / "broken"
    name = shop.deployed(change={'"fine"': '"fine"\nBROKEN = "FLAG"'.replace("FLAG", str(flag))})
    assert shop.deploy(name, "--release", "1.1.0").code == 0
    app = shop.app.read_text()
    shop.app.write_text(
        app.replace('if MODE == "crash"', 'if RELEASE == "1.0.0" or MODE == "crash"')
    )
    try:
        said = shop.toolkit("rollback", name, "--json")
    finally:
        shop.app.write_text(app)
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (8, "reverted", 8), said.err
    assert (report["release"], report["serving"]) == ("1.0.0", "1.1.0")
    assert report["causes"][0]["kind"] == "crash"
    assert shop.release(name) == "1.1.0"
    assert shop.serves(name) == ["1.1.0"]
