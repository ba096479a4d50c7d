"""`reverted`: the new release does not take, and the old one is proven to serve (exit 8).

The failing bumps run at the same time, since almost all of each is waiting; every test looks at
one of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop, ask

pytestmark = pytest.mark.agents

PASSWORD = "correct horse battery staple"
SHORT = {'healthy_deadline = "50s"': 'healthy_deadline = "5s"'}
SLOW = {'healthy_deadline = "50s"': 'healthy_deadline = "12s"', '"500ms"': '"8s"'}
BASES: dict[str, dict[str, Any]] = {
    "crash": {"count": 2, "more": '[secrets]\nkeys = ["db_password"]\n'},
    "sick": {},
    "fades": {},
    "driver": {},
    "no revert": {"count": 2, "change": {"restart_delay": "auto_revert = false\nrestart_delay"}},
    "rolling": {"count": 2, "change": {"restart_delay": "canaries = 0\nrestart_delay"}},
}


@dataclass(frozen=True)
class Bumps:
    shop: Shop
    names: Mapping[str, str]
    said: Mapping[str, Said]
    before: Mapping[str, set[str]]
    """Allocations that served 1.0.0."""
    rollouts: Mapping[str, list[dict[str, Any]]]
    """Deployments right after: Nomad collects a failed one whenever its collector comes by."""


@pytest.fixture(scope="module")
def bumps(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bumps]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "reverted")
    try:
        names = {word: shop.name("rev") for word in BASES}
        shop.secret(names["crash"], "db_password", PASSWORD)
        shop.all_deployed({"name": names[word], **how} for word, how in BASES.items())
        before = {word: {a["ID"] for a in shop.running(name)} for word, name in names.items()}
        shop.write(
            names["driver"], change={"args": 'command = "/nowhere/binary"\nargs'}, release="1.1.0"
        )
        # Only the new release has a hurry: the old ones must start on a busy machine too.
        shop.write(names["sick"], change=SHORT)
        shop.write(names["fades"], change=SLOW)
        flag = shop.root / "fading"

        def fade() -> None:
            """Once the canary's check passes, make it fail."""
            shop.until("both pass", lambda: len(shop.passing(names["fades"])) == 2)
            flag.touch()

        def bump(word: str, mode: str, *more: str, **hooks: Any) -> Said:
            how = ("--release", "1.1.0", "--var", f"environment.MODE={mode}", *more)
            return shop.deploy(names[word], *how, on=hooks or None)

        said = shop.at_once({
            "crash": lambda: bump("crash", "crash"),
            "sick": lambda: bump("sick", "sick"),
            "fades": lambda: bump(
                "fades", "fades", "--var", f"environment.FLAG={flag}", **{"canary ": fade}
            ),
            "driver": lambda: shop.deploy(names["driver"]),
            "no revert": lambda: bump("no revert", "crash"),
            "rolling": lambda: bump("rolling", "crash"),
        })  # fmt: skip
        rollouts = {word: shop.deployments(names[word]) for word in ("crash", "fades")}
        yield Bumps(shop, names, said, before, rollouts)
    finally:
        shop.close()


def assert_old_serves(bumps: Bumps, word: str) -> dict[str, Any]:
    """1.0.0 serves, by the report and by all that can be asked; the first cause."""
    shop, name, said = bumps.shop, bumps.names[word], bumps.said[word]
    number = int(BASES[word].get("count", 1))
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (8, "reverted", 8), said.err
    assert report["serving"] == "1.0.0"
    assert (report["release"], report["previous_release"]) == ("1.1.0", "1.0.0")
    ending = f"1.0.0 serves, {number} of {number} verified"
    assert f"{name} 1.1.0 did not take; {ending}" in report["sentence"]
    running = shop.running(name)
    assert len(running) == number
    assert shop.instance_of(name) == {a["ID"] for a in running}
    assert shop.serves(name) == ["1.0.0"] * number
    cause: dict[str, Any] = report["causes"][0]
    assert cause["allocation"] not in {a["ID"] for a in running}
    failed = ask(f"{shop.cluster.nomad_address}/v1/allocation/{cause['allocation']}")
    assert failed["Job"]["Version"] == report["version"]
    assert cause["node"] == failed["NodeName"]
    assert cause["group"] == name
    assert cause["advice"]
    return cause


def assert_went_back(bumps: Bumps, word: str) -> None:
    """Nomad has the old release registered again, and kept its instances."""
    name, report = bumps.names[word], bumps.said[word].report
    job = bumps.shop.job(name)
    assert job["Meta"]["release"] == "1.0.0"
    assert job["Version"] == report["version"] + 1
    assert {a["ID"] for a in bumps.shop.running(name)} == bumps.before[word]
    assert "revert" in bumps.said[word].stages()


def test_a_crash_shows_its_stderr_without_the_secret_in_it(bumps: Bumps) -> None:
    cause = assert_old_serves(bumps, "crash")
    assert_went_back(bumps, "crash")
    said = bumps.said["crash"]
    assert cause["kind"] == "crash"
    assert cause["task"] == "app"
    assert cause["summary"].startswith("task app exited 3")
    [line] = cause["evidence"]
    # As often as it was said: once for each restart that there was time for.
    assert line.startswith("stderr: FATAL no database at ***")
    assert PASSWORD not in said.out + said.err
    assert said.report["next"] == f"toolkit explain {cause['allocation'][:8]}"


def test_fail_fast_ends_it_before_nomad_would(bumps: Bumps) -> None:
    """Nomad itself would go on until the progress deadline of a minute."""
    told = bumps.said["crash"].told("fail")
    assert len(told) == 1
    assert told[0].endswith("deployment failed now")
    [first, *_] = [d for d in bumps.rollouts["crash"] if d["Status"] == "failed"]
    assert first["StatusDescription"].startswith("Deployment marked as failed")


def test_a_check_that_never_passes_shows_what_it_said(bumps: Bumps) -> None:
    cause = assert_old_serves(bumps, "sick")
    assert_went_back(bumps, "sick")
    assert cause["kind"] == "check"
    assert "did not become healthy" in cause["summary"]
    assert any(e.startswith("check: ") and "database is gone" in e for e in cause["evidence"])


def test_a_check_that_passes_and_then_fails_is_never_promoted(bumps: Bumps) -> None:
    cause = assert_old_serves(bumps, "fades")
    assert_went_back(bumps, "fades")
    assert cause["kind"] == "check"
    assert any(e.startswith("check: ") and "database is gone" in e for e in cause["evidence"])
    ours = next(
        d for d in bumps.rollouts["fades"] if d["ID"] == bumps.said["fades"].report["deployment"]
    )
    assert not any(group["Promoted"] for group in ours["TaskGroups"].values())


def test_a_binary_that_does_not_exist_is_a_wrong_command(bumps: Bumps) -> None:
    cause = assert_old_serves(bumps, "driver")
    assert_went_back(bumps, "driver")
    assert cause["kind"] == "command"
    assert cause["summary"].startswith("task app could not be started")
    assert "/nowhere/binary" in cause["summary"]
    assert any("/nowhere/binary" in line for line in cause["evidence"])


def test_without_auto_revert_the_old_instances_serve_and_the_new_version_stays_registered(
    bumps: Bumps,
) -> None:
    cause = assert_old_serves(bumps, "no revert")
    assert cause["kind"] == "crash"
    name = bumps.names["no revert"]
    assert {a["ID"] for a in bumps.shop.running(name)} == bumps.before["no revert"]
    assert bumps.shop.job(name)["Meta"]["release"] == "1.1.0"
    report = bumps.said["no revert"].report
    stays = f"version {report['version']} (1.1.0) stays registered, nothing was taken back"
    assert report["sentence"].endswith(stays)
    assert "revert" not in bumps.said["no revert"].stages()


def test_without_canaries_what_was_replaced_is_brought_back(bumps: Bumps) -> None:
    cause = assert_old_serves(bumps, "rolling")
    assert cause["kind"] == "crash"
    name = bumps.names["rolling"]
    assert bumps.shop.job(name)["Meta"]["release"] == "1.0.0"
    after = {a["ID"] for a in bumps.shop.running(name)}
    assert len(after & bumps.before["rolling"]) == 1
    lint = " ".join(bumps.said["rolling"].told("lint"))
    assert "revert-at-once" in lint
