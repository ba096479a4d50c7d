"""Repositories on a disk without room: nothing half made, and all well when there is room again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.small_disk import fill, small_disk
from tests.repos.source import Source
from toolkit.errors import AbsentError, UnavailableError
from toolkit.repos.commits import head
from toolkit.repos.registry import Registry

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 KiB."""
    with small_disk(tmp_path / "disk", "512k") as made:
        yield made


def listed(root: Path) -> set[Path]:
    return {path for path in root.rglob("*") if path.name != "ballast"}


def test_nothing_is_made_without_room(disk: Path) -> None:
    registry = Registry(disk / "data")
    there, _ = registry.create("there", creator="ann")
    ballast = fill(disk)
    before = listed(disk)
    for _ in range(2):
        with pytest.raises(UnavailableError, match="no space left on device") as caught:
            registry.create("new", creator="ann")
        assert caught.value.hint == "free some space, and try again"
        assert listed(disk) == before
        with pytest.raises(AbsentError):
            registry.get("new")
    assert registry.all() == (there,)
    ballast.unlink()
    assert registry.create("new", creator="ann")[1]
    assert registry.repair() == ()


def test_room_for_less_and_less_of_it(disk: Path) -> None:
    registry = Registry(disk / "data")
    before, made = listed(disk), False
    for pages in range(40):
        ballast = fill(disk)
        os.truncate(ballast, max(0, ballast.stat().st_size - 4096 * pages))
        try:
            made = registry.create("new", creator="ann")[1]
        except UnavailableError:
            assert listed(disk) == before
        ballast.unlink()
        if made:
            break
    assert made
    assert pages > 1
    assert registry.repair() == ()


def test_a_change_and_a_deletion_without_room_leave_it_as_it_was(
    disk: Path, source: Source
) -> None:
    registry = Registry(disk / "data")
    repo, _ = registry.create("shop", creator="ann")
    commit = source.files({"a": b"1"})
    source.push(registry.path(repo), f"{commit}:refs/heads/main")
    ballast = fill(disk)
    with pytest.raises(UnavailableError, match="no space left"):
        registry.change("shop", lambda old: replace(old, order="queue"))
    with pytest.raises(UnavailableError, match="no space left"):
        registry.delete("shop")
    assert registry.get("shop") == repo
    assert head(registry.path(repo), "main") == commit
    ballast.unlink()
    assert registry.repair() == ()
    assert registry.deleted() == ()
    id_ = registry.delete("shop")
    assert registry.restore(id_) == repo
    assert head(registry.path(repo), "main") == commit


def test_a_push_without_room_moves_no_ref(disk: Path, source: Source) -> None:
    registry = Registry(disk / "data")
    repo, _ = registry.create("shop", creator="ann")
    path = registry.path(repo)
    first = source.files({"a": b"1"})
    source.push(path, f"{first}:refs/heads/main")
    large = source.files({"a": os.urandom(700_000)}, first)
    assert source.push(path, f"{large}:refs/heads/main").returncode != 0
    assert head(path, "main") == first
    registry.repair()
    assert not list(path.glob("objects/tmp_objdir*"))
    second = source.files({"a": b"2"}, first)
    assert source.push(path, f"{second}:refs/heads/main").returncode == 0
    assert head(path, "main") == second


def test_a_server_begins_on_a_full_disk_and_says_what_it_could_not_mend(disk: Path) -> None:
    registry = Registry(disk / "data")
    repo, _ = registry.create("shop", creator="ann")
    path = registry.path(repo)
    (path / "HEAD").write_text("ref: refs/heads/else\n")
    ballast = fill(disk)
    assert registry.repair() == ("repository shop: no space left on device",)
    assert registry.get("shop") == repo
    ballast.unlink()
    assert registry.repair() == ()
    assert (path / "HEAD").read_text() == "ref: refs/heads/main\n"
