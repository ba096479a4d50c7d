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


def test_back_over_what_was_never_proven_to_what_was(shop: Shop) -> None:
    name = shop.deployed()
    stranger = {"Name": name, "ID": f"by-hand-{name}", "Address": "127.0.0.1", "Port": 9}
    shop.consul("/v1/agent/service/register", stranger)
    try:
        bumped = shop.deploy(name, "--release", "1.1.0")
        assert (bumped.code, bumped.report["verdict"]) == (6, "unverified"), bumped.err
    finally:
        shop.consul(f"/v1/agent/service/deregister/by-hand-{name}", method="PUT")
    # Nomad calls it stable, so that a rule that asks Nomad alone would stay there.
    shop.until("it is stable", lambda: shop.job(name)["Stable"])
    rows = shop.toolkit("history", name, "--json").report["versions"]
    assert [row["provenance"]["verdict"] for row in rows] == ["unverified", "deployed"]
    assert [(row["live"], row["last_verified"]) for row in rows] == [(True, False), (False, True)]

    back = shop.toolkit("rollback", name, "--json")
    assert (back.code, back.report["serving"]) == (0, "1.0.0"), back.err
    assert back.told("note")[0] == "back to version 0, release 1.0.0, which was verified last"
    found = back.report["provenance"]
    assert (found["tag"], found["verdict"], found["copy_of"]) == ("1.0.0-v2", "deployed", None)
    assert found["digest"] == rows[1]["provenance"]["digest"]

    # Now that is live, and 1.1.0 is still nothing to go back to; nothing was changed.
    nowhere = shop.toolkit("rollback", name, "--json")
    assert nowhere.code == 1
    assert "no older release that was verified" in nowhere.error["message"]
    assert shop.job(name)["Version"] == 2

    # A person may: by the name of its tag.
    named = shop.toolkit("rollback", name, "--to", "1.1.0-v1", "--json")
    assert (named.code, named.report["serving"]) == (0, "1.1.0"), named.err


def test_the_job_that_was_verified_is_gone(shop: Shop) -> None:
    name = shop.deployed()
    shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")
    shop.until("it is gone", lambda: shop.nomad(f"/v1/job/{name}") is None)
    said = shop.toolkit("rollback", name, "--json")
    assert said.code == 1
    assert "version 0 (release 1.0.0) was verified last" in said.error["message"]
    assert said.error["hint"] == f"toolkit deploy {name} --release 1.0.0"

    # Made again it counts from 0 again: that is another version than the one that was verified.
    assert shop.deploy(name, "--release", "2.0.0", "--detach").code == 0
    said = shop.toolkit("rollback", name, "--json")
    assert said.code == 1
    assert "version 0 (release 1.0.0), verified last, is no longer kept" in said.error["message"]
    report = shop.toolkit("history", name, "--json").report
    assert [row["last_verified"] for row in report["versions"]] == [False]
    assert report["notes"] == [
        "version 0 (release 1.0.0), verified last, is no longer kept by Nomad"
    ]


def test_back_to_a_version_that_nomad_keeps_for_its_tag_alone(shop: Shop) -> None:
    """Nomad keeps six versions, and as many of their sources."""
    name = shop.deployed()
    for number in range(1, 8):
        job = shop.job(name)
        job["TaskGroups"][0]["Tasks"][0]["Env"]["MORE"] = str(number)
        job["Meta"]["release"] = f"1.{number}.0"
        job.pop("VersionTag")
        shop.nomad("/v1/jobs", {"Job": job})
    shop.until("the newest runs", lambda: shop.running(name)[-1]["JobVersion"] == 7)
    found = shop.nomad(f"/v1/job/{name}/versions")["Versions"]
    assert [each["Version"] for each in found] == [7, 6, 5, 4, 3, 2, 0]
    back = shop.toolkit("rollback", name, "--json")
    assert (back.code, back.report["serving"]) == (0, "1.0.0"), back.err
    assert back.told("note")[0] == "back to version 0, release 1.0.0, which was verified last"
