"""`toolkit report`: every rollout leaves a page, and Nomad tells what it can of the others."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.agents.work import write
from toolkit.cli.main import run
from toolkit.cli.world import World

pytestmark = pytest.mark.agents


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "report")
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def bumped(shop: Shop) -> tuple[str, Said]:
    """A job that was bumped, and what the bump said."""
    name = shop.deployed(count=2)
    return name, shop.deploy(name, "--release", "1.1.0")


def report(shop: Shop, *arguments: str) -> dict[str, Any]:
    said = shop.toolkit("report", *arguments, "--json")
    assert said.code == 0, said.out + said.err
    return said.report


def roles(timeline: dict[str, Any]) -> list[str]:
    return [bar["role"] for bar in timeline["bars"]]


def test_a_bump_has_its_bars_in_order(shop: Shop, bumped: tuple[str, Said]) -> None:
    _, said = bumped
    timeline = said.report["timeline"]
    assert roles(timeline) == ["old", "old", "canary", "canary"]
    assert [bar["release"] for bar in timeline["bars"]] == ["1.0.0", "1.0.0", "1.1.0", "1.1.0"]
    assert timeline["notes"] == []
    for bar in timeline["bars"]:
        phases = [span["phase"] for span in bar["spans"]]
        if bar["role"] == "old":
            assert phases == ["healthy", "draining"]
        else:
            assert phases == ["placed", "running", "healthy", "promoted"]
            words = [s["word"] for s in bar["sightings"] if s["system"] == "Consul"]
            assert words[-1] == "passing"
        ends = [span["ended"] for span in bar["spans"]]
        begins = [span["began"] for span in bar["spans"]]
        # Without holes, each phase from where the last one ended.
        assert ends[:-1] == begins[1:] and begins == sorted(begins)
        assert begins[0] >= timeline["began"]
    kinds = [mark["kind"] for mark in timeline["marks"]]
    assert kinds == ["submitted", "healthy", "promoted", "verdict"]
    times = [mark["at"] for mark in timeline["marks"]]
    assert times == sorted(times)
    assert not said.told("note"), "the report could not be kept"


def test_what_was_kept_is_what_was_said(shop: Shop, bumped: tuple[str, Said]) -> None:
    name, said = bumped
    kept = report(shop, name)
    assert (kept["source"], kept["file"], kept["notes"]) == ("kept", None, [])
    printed = {**said.report, "events": [{**e, "instances": []} for e in said.report["events"]]}
    assert kept["report"] == printed
    rows = report(shop, "--list", name)["reports"]
    assert [row["release"] for row in rows] == ["1.1.0", "1.0.0"]
    assert rows[0]["id"] == kept["id"]
    assert report(shop, name, "--last", "2")["report"]["release"] == "1.0.0"
    assert report(shop, rows[1]["id"])["report"]["release"] == "1.0.0"
    asked = shop.toolkit("report", name, "--last", "9", "--json")
    assert asked.code == 1 and "only 2 reports" in asked.error["message"]


def test_the_page_is_written_where_it_is_said(
    shop: Shop, bumped: tuple[str, Said], tmp_path: Path
) -> None:
    name, _ = bumped
    said = shop.toolkit("report", name)
    assert said.code == 0
    path = Path(said.out.splitlines()[-1].split()[-1])
    text = path.read_text()
    assert path.parent == shop.root / ".toolkit" / "reports"
    assert text.startswith("<!doctype html>") and f"{name} 1.0.0 → 1.1.0" in text
    chosen = tmp_path / "page.html"
    assert shop.toolkit("report", name, "-o", str(chosen)).code == 0
    assert chosen.read_text() == text


@pytest.mark.parametrize("there", [True, False])
def test_a_browser_is_asked_and_its_absence_said(
    shop: Shop, bumped: tuple[str, Said], there: bool
) -> None:
    name, _ = bumped
    asked: list[str] = []

    def browse(address: str) -> bool:
        asked.append(address)
        return there

    out, err = io.StringIO(), io.StringIO()
    world = World(
        ("report", name, "--open"), shop.environ(), io.StringIO(), out, err, shop.root, browse
    )
    assert run(world) == 0
    [address] = asked
    assert address.startswith("file:///") and Path(address.removeprefix("file://")).exists()
    assert ("no browser can be opened here" in err.getvalue()) is not there
    assert ("opened" in out.getvalue()) is there


def test_a_failed_rollout_shows_why_and_no_secret(shop: Shop) -> None:
    name = shop.write(more='\n[secrets]\nkeys = ["DB_PASSWORD"]\n')
    shop.secret(name, "DB_PASSWORD", "hunter2-must-not-appear")
    assert shop.deploy(name).code == 0
    bad = ("--release", "1.1.0", "--var", "environment.MODE=crash")
    said = shop.deploy(name, *bad)
    assert said.report["verdict"] == "reverted"
    timeline = said.report["timeline"]
    crashed = [bar for bar in timeline["bars"] if bar["release"] == "1.1.0"]
    assert [bar["end"] for bar in crashed] == ["failed"]
    kinds = [mark["kind"] for mark in timeline["marks"]]
    assert {"failure", "failed", "revert", "verdict"} <= set(kinds)
    # What served went on being healthy, although the revert judged it anew.
    [kept] = [bar for bar in timeline["bars"] if bar["role"] == "old"]
    assert [span["phase"] for span in kept["spans"]] == ["healthy"]
    # The version that the revert registered is no news.
    assert report(shop, name)["notes"] == []
    page = shop.toolkit("report", name)
    text = Path(page.out.splitlines()[-1].split()[-1]).read_text()
    assert "FATAL no database" in text and "task app exited 3" in text
    assert "hunter2" not in said.out + said.err
    for path in (shop.root / ".toolkit" / "reports").iterdir():
        assert "hunter2" not in path.read_text(), path.name


def test_what_was_deployed_from_elsewhere_is_told_by_nomad(
    shop: Shop, bumped: tuple[str, Said]
) -> None:
    name, _ = bumped
    live = report(shop, name, "--live")
    assert (live["source"], live["id"]) == ("nomad", None)
    assert any("nobody here watched" in note for note in live["notes"])
    told = live["report"]
    assert (told["verdict"], told["serving"], told["release"]) == ("unchanged", "1.1.0", "1.1.0")
    assert roles(told["timeline"])[-2:] == ["canary", "canary"]
    assert any(line["path"] == "Meta[release]" for line in live["changes"])
    # A version that somebody registers since is said beside the kept report.
    job = shop.job(name)
    job["Meta"]["release"] = "1.2.0"
    shop.nomad("/v1/jobs", {"Job": job}, "POST")
    [note] = report(shop, name)["notes"]
    assert "was registered since" in note and f"toolkit report {name} --live" in note


def test_a_job_whose_history_is_gone_is_said_politely(shop: Shop) -> None:
    name = shop.write()
    said = shop.toolkit("report", name, "--json")
    assert said.code == 1
    assert f"nothing is known of {name}" in said.error["message"]
    unknown = shop.toolkit("report", "no-such-job", "--json")
    assert unknown.code == 1 and "no-such-job" in unknown.error["message"]


def test_a_kept_report_outlives_the_job(shop: Shop) -> None:
    name = shop.deployed()
    shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")
    kept = report(shop, name)
    assert (kept["source"], kept["report"]["verdict"]) == ("kept", "deployed")


def test_work_that_ended_has_a_page_too(shop: Shop) -> None:
    name = write(shop, shop.name("work"), "echo FATAL >&2; exit 3")
    said = shop.toolkit("run", name, "--json")
    assert said.report["verdict"] == "failed", said.err
    kept = report(shop, name)
    assert kept["report"]["schema"] == "toolkit.work/1"
    page = shop.toolkit("report", name)
    text = Path(page.out.splitlines()[-1].split()[-1]).read_text()
    assert "The work, task by task" in text and "exit 3" in text and 'class="bar work"' in text


def test_a_folder_that_cannot_be_written_is_a_note(shop: Shop) -> None:
    name = shop.write()
    folder = shop.root / ".toolkit" / "reports"
    aside = folder.with_name("reports.aside")
    folder.rename(aside)
    folder.write_text("a file in the way")
    try:
        said = shop.deploy(name)
    finally:
        folder.unlink()
        aside.rename(folder)
    assert (said.code, said.report["verdict"]) == (0, "deployed")
    [note] = said.told("note")
    assert note.startswith("the report could not be kept in")


def test_without_a_cluster_what_is_kept_can_be_shown(shop: Shop, tmp_path: Path) -> None:
    root = tmp_path / "elsewhere"
    kept = root / ".toolkit" / "reports"
    kept.mkdir(parents=True)
    (root / "toolkit.toml").write_text(
        'default_environment = "dev"\n[environments.dev]\n'
        'nomad = "http://127.0.0.1:1"\nconsul = "http://127.0.0.1:1"\n'
    )
    [row, *_] = report(shop, "--list")["reports"]
    source = shop.root / ".toolkit" / "reports" / f"{row['id']}.json"
    (kept / source.name).write_text(source.read_text())
    said = shop.toolkit("report", "--json", folder=root)
    assert said.code == 0, said.out
    assert said.report["report"] == json.loads(source.read_text())
    [note] = said.report["notes"]
    assert note.startswith("whether anything was registered since is not known")


def test_others_are_told_and_have_no_say(shop: Shop) -> None:
    told = shop.root / "told.json"
    tell = [sys.executable, "-c", f"import sys; open({str(told)!r}, 'w').write(sys.stdin.read())"]
    config = (shop.root / "toolkit.toml").read_text()
    name = shop.write()
    try:
        (shop.root / "toolkit.toml").write_text(f"{config}\n[notify]\ncommand = {tell}\n")
        said = shop.deploy(name)
        assert (said.report["verdict"], said.told("note")) == ("deployed", []), said.err
        assert json.loads(told.read_text()) == report(shop, name)["report"]
        (shop.root / "toolkit.toml").write_text(
            f'{config}\n[notify]\ncommand = ["./no-such-program"]\non = ["deployed"]\n'
        )
        said = shop.deploy(name, "--release", "1.1.0")
    finally:
        (shop.root / "toolkit.toml").write_text(config)
    assert (said.code, said.report["verdict"]) == (0, "deployed")
    assert said.told("note") == ["the notify command cannot be run: No such file or directory"]


@pytest.mark.parametrize("change", [{"verdict": None}, {"timeline": 5}, {"events": [{}]}])
def test_a_report_that_somebody_edited_is_refused_not_a_bug(
    shop: Shop, bumped: tuple[str, Said], tmp_path: Path, change: dict[str, Any]
) -> None:
    name, _ = bumped
    key = report(shop, "--list", name)["reports"][0]["id"]
    path = shop.root / ".toolkit" / "reports" / f"{key}.json"
    whole = path.read_text()
    document = {**json.loads(whole), **change}
    path.write_text(json.dumps({k: v for k, v in document.items() if v is not None}))
    try:
        said = shop.toolkit("report", key, "-o", str(tmp_path / "page.html"), "--json")
    finally:
        path.write_text(whole)
    assert said.code == 1 and f"report {key} is not as they are kept" in said.error["message"]
    assert not list(tmp_path.iterdir())


def test_a_page_that_cannot_be_written_is_refused(shop: Shop, bumped: tuple[str, Said]) -> None:
    name, _ = bumped
    said = shop.toolkit("report", name, "-o", str(shop.app / "page.html"), "--json")
    assert said.code == 1 and "cannot be written" in said.error["message"]
