"""Reports on disk: whole, private, the newest 50, and never the reason for a failure."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.page import reports
from toolkit.views import deploy
from toolkit.workflows import report_store
from toolkit.workflows.report_keep import slim
from toolkit.workflows.report_store import KEPT, LARGEST, keep, listed, load, time_of

DOCUMENT = deploy.document(reports.report())
NOW = 1_795_414_800.25


def test_a_report_is_kept_as_it_was_and_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / ".toolkit" / "reports"
    key = keep(folder, DOCUMENT, NOW)
    assert load(folder, key) == json.loads(json.dumps(DOCUMENT))
    assert (folder / f"{key}.json").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert time_of(key) == pytest.approx(NOW, abs=0.001)
    # A project that ignores nothing has no file more for that.
    assert (folder / ".gitignore").read_text() == "*\n"
    [row] = listed(folder).reports
    assert (row.id, row.job, row.verdict, row.release, row.version, row.environment) == (
        key, "web", "deployed", "1.1.0", 4, "dev",
    )  # fmt: skip


def test_the_newest_fifty_stay_and_their_pages(tmp_path: Path) -> None:
    keys = []
    for number in range(KEPT + 7):
        keys.append(keep(tmp_path, DOCUMENT, NOW + number))
        (tmp_path / f"{keys[-1]}.html").write_text("a page")
    assert [row.id for row in listed(tmp_path).reports] == keys[:6:-1]
    # The page of the one that the last `keep` removed went with it.
    assert len(list(tmp_path.glob("*.html"))) == KEPT
    assert not (tmp_path / f"{keys[0]}.html").exists()


def test_two_in_one_second_are_in_order(tmp_path: Path) -> None:
    keys = [keep(tmp_path, DOCUMENT, NOW + number / 1000) for number in range(5)]
    assert [row.id for row in listed(tmp_path).reports] == keys[::-1]


def test_many_at_once_lose_none_and_leave_nothing_half_written(tmp_path: Path) -> None:
    with ThreadPoolExecutor(16) as pool:
        keys = list(pool.map(lambda n: keep(tmp_path, DOCUMENT, NOW + n / 1000), range(120)))
    assert len(set(keys)) == 120
    found = listed(tmp_path)
    assert (len(found.reports), found.notes) == (KEPT, ())
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ""}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b"", "it is not JSON"),
        (b"{", "it is not JSON"),
        (b"\xff\xfe\x00", "it is not JSON"),
        (b"[" * 100_000, "it is not JSON"),
        (b"[]", "it is no report of a rollout"),
        (b'{"schema": "toolkit.plan/1"}', "it is no report of a rollout"),
        (b'{"schema": 7}', "it is no report of a rollout"),
    ],
)
def test_what_cannot_be_read_is_named_and_the_others_are_there(
    tmp_path: Path, text: bytes, why: str
) -> None:
    key = keep(tmp_path, DOCUMENT, NOW)
    bad = "20261123-061040874-web-0bad"
    (tmp_path / f"{bad}.json").write_bytes(text)
    (tmp_path / "notes.json").write_text("of the user's own")
    found = listed(tmp_path)
    assert [row.id for row in found.reports] == [key]
    assert found.notes == (f"report {bad} cannot be read: {why}",)


def test_one_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    key = keep(tmp_path, DOCUMENT, NOW)
    with (tmp_path / f"{key}.json").open("r+b") as file:
        # Takes no room on the disk.
        file.truncate(LARGEST + 1)
    assert listed(tmp_path).notes == (f"report {key} cannot be read: it is too large",)


@pytest.mark.parametrize(
    "key", ["../secret", "20261123-061040874-../../x-68eb", "", "x", "a" * 500]
)
def test_an_id_is_never_a_path(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret.json").write_text(json.dumps(DOCUMENT))
    folder = tmp_path / "reports"
    folder.mkdir()
    with pytest.raises((ValueError, OSError)):
        load(folder, key)


@pytest.mark.parametrize(
    "job", ["import/dispatch-1764000000-5527d246", "a b", "ü" * 90, "%41", "."]
)
def test_a_job_may_be_called_anything(tmp_path: Path, job: str) -> None:
    key = keep(tmp_path, {**DOCUMENT, "job": job}, NOW)
    [row] = listed(tmp_path).reports
    assert (row.id, row.job) == (key, job)
    assert load(tmp_path, key)["job"] == job


def test_half_a_character_does_not_stop_it(tmp_path: Path) -> None:
    keep(tmp_path, {**DOCUMENT, "sentence": "\ud800 wrote this"}, NOW)
    assert listed(tmp_path).reports[0].sentence == "\ud800 wrote this"


def test_no_folder_holds_no_reports(tmp_path: Path) -> None:
    assert listed(tmp_path / "none").reports == ()
    assert listed(None).reports == ()


def test_a_folder_that_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file in the way")
    with pytest.raises(OSError, match="reports"):
        keep(tmp_path / "reports", DOCUMENT, NOW)
    target = tmp_path / "kept"
    target.mkdir()
    (target / "x").symlink_to("/nonexistent/place/x")
    with pytest.raises(OSError, match="x"):
        report_store.write_private(target / "no" / "x.json", "{}")
    assert [path.name for path in target.iterdir()] == ["x"]
    assert not list(tmp_path.glob("**/*.part"))


def test_what_is_kept_does_not_grow_with_the_square_of_the_instances() -> None:
    small, large = (
        len(json.dumps(slim(deploy.document(reports.report(number))))) for number in (10, 100)
    )
    assert large < small * 11
    assert slim(DOCUMENT)["events"][0] == {**DOCUMENT["events"][0], "instances": []}
