"""Killed before each time that it touches the disk: the next start finds nothing half done."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.repos import mortal_registry
from tests.repos.source import Source
from toolkit.errors import AbsentError
from toolkit.repos.commits import head
from toolkit.repos.registry import Registry

LEAST = 5
"""Kills of anything that is done here; fewer would mean that nothing was looked at."""


def killed(folder: Path, action: str) -> Iterator[Registry]:
    """A registry for each way in which the action was cut off, and a last one where it was not."""
    words = [sys.executable, mortal_registry.__file__, str(folder), action]
    said = subprocess.run(words, capture_output=True, timeout=120, text=True)
    assert said.returncode == 0, said.stderr
    kills = int(said.stdout)
    assert kills >= LEAST
    for count in range(1, kills + 2):
        yield Registry(folder / str(count) / "data")


@pytest.fixture
def commit(tmp_path: Path, source: Source) -> str:
    """The commit that `main` of `shop` is at, in `before`; it has a record and hooks, too."""
    registry = Registry(tmp_path / "before")
    repo, _ = registry.create("shop", creator="ann")
    made = source.files({"a": b"1"})
    assert source.push(registry.path(repo), f"{made}:refs/heads/main").returncode == 0
    for folder in ("deployments", "hooks"):
        (registry.root / folder / "shop").mkdir(parents=True)
        (registry.root / folder / "shop" / "1").write_text("kept")
    return made


def is_whole(registry: Registry, commit: str) -> bool:
    """True when `shop` is there with all that it had."""
    repo = registry.get("shop")
    kept = [registry.root / folder / "shop" / "1" for folder in ("deployments", "hooks")]
    return head(registry.path(repo), "main") == commit and all(map(Path.exists, kept))


def assert_tidy(registry: Registry) -> None:
    """Nothing is left to mend, and nothing unfinished lies about."""
    assert registry.repair() == ()
    assert not [path for path in registry.root.rglob(".new-*") if "trash" not in path.parts]


@pytest.mark.usefixtures("commit")
def test_made(tmp_path: Path) -> None:
    there = []
    for index, registry in enumerate(killed(tmp_path, "create")):
        # By turns with the repair of a start, and without.
        if index % 2:
            registry.repair()
            assert_tidy(registry)
        repo, made = registry.create("new", creator="bob")
        there.append(not made)
        assert head(registry.path(repo), "main") is None
        assert registry.get("new") == repo
        assert_tidy(registry)
    # Once it is there, it is there for good.
    assert there == sorted(there)
    assert (there[0], there[-1]) == (False, True)


def test_deleted(tmp_path: Path, commit: str) -> None:
    for registry in killed(tmp_path, "delete"):
        registry.repair()
        assert_tidy(registry)
        try:
            assert is_whole(registry, commit)
        except AbsentError:
            (deleted,) = registry.deleted()
            registry.restore(deleted.id)
            assert is_whole(registry, commit)
        assert_tidy(registry)


def test_deleted_and_made_anew_without_a_repair(tmp_path: Path, commit: str) -> None:
    for registry in killed(tmp_path, "delete"):
        repo, made = registry.create("shop", creator="bob")
        if not made:
            assert is_whole(registry, commit)
            continue
        assert head(registry.path(repo), "main") is None
        assert not (registry.root / "deployments" / "shop").exists()
        registry.delete("shop")
        old = next(e for e in registry.deleted() if (registry.trash.parts(e.id)).get("hooks"))
        assert registry.restore(old.id).creator == "ann"
        assert is_whole(registry, commit)


def test_had_back(tmp_path: Path, commit: str) -> None:
    Registry(tmp_path / "before").delete("shop")
    for registry in killed(tmp_path, "restore"):
        registry.repair()
        assert_tidy(registry)
        try:
            registry.get("shop")
        except AbsentError:
            registry.restore(registry.deleted()[0].id)
        assert is_whole(registry, commit)
        assert registry.deleted() == ()
        assert_tidy(registry)


def test_emptied(tmp_path: Path, commit: str) -> None:
    Registry(tmp_path / "before").delete("shop")
    for registry in killed(tmp_path, "empty"):
        registry.empty_trash(1e12)
        assert registry.deleted() == ()
        assert not list((registry.root / "trash").iterdir())


def test_changed(tmp_path: Path, commit: str) -> None:
    for registry in killed(tmp_path, "change"):
        registry.repair()
        assert_tidy(registry)
        assert is_whole(registry, commit)
        repo = registry.get("shop")
        at = (registry.path(repo) / "HEAD").read_text()
        assert at == f"ref: refs/heads/{repo.branch}\n"


def test_repaired(tmp_path: Path, commit: str) -> None:
    before = Registry(tmp_path / "before")
    bare = before.path(before.get("shop"))
    (bare / "config").write_text("")
    (bare / "refs" / "heads" / "main.lock").write_text("")
    (bare / "objects" / "tmp_objdir-incoming-x" / "pack").mkdir(parents=True)
    (before.root / "repos" / ".new-new.git").mkdir()
    for registry in killed(tmp_path, "repair"):
        registry.repair()
        assert_tidy(registry)
        assert is_whole(registry, commit)
        assert not list(registry.path(registry.get("shop")).glob("objects/tmp_objdir*"))
