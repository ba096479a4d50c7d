"""The registry: what is made stays as it is, and names become paths only through it."""

from __future__ import annotations

import dataclasses
import json
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.repos.source import Source
from tests.repos.test_repo_names import HOSTILE
from toolkit.errors import AbsentError, RefusedError, TakenError, UnavailableError
from toolkit.repos.commits import head
from toolkit.repos.entries import read_entry, write_entry
from toolkit.repos.registry import Registry
from toolkit.spec.repo import Build, Repo


def files_of(root: Path) -> set[str]:
    return {str(path.relative_to(root)) for path in root.rglob("*")}


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_a_name_that_is_none_is_not_there_and_touches_nothing(
    registry: Registry, name: str
) -> None:
    (registry.root / "registry" / "x.json").write_text("{}")
    before = files_of(registry.root)
    with pytest.raises(AbsentError, match="there is no repository"):
        registry.get(name)
    with pytest.raises(AbsentError):
        registry.delete(name)
    with pytest.raises(RefusedError):
        registry.create(name, creator="ann")
    with pytest.raises(RefusedError):
        registry.path(Repo(name))
    with pytest.raises(RefusedError):
        registry.create("shop", creator="ann", branch=f"-{name}")
    assert files_of(registry.root) == before


def test_making_it_again_changes_nothing(registry: Registry, source: Source) -> None:
    made, new = registry.create("shop", creator="ann", branch="release", order="queue")
    assert (made, new) == (Repo("shop", "release", "queue", 1_800_000_000.0, "ann"), True)
    commit = source.files({"a": b"1"})
    assert source.push(registry.path(made), f"{commit}:refs/heads/release").returncode == 0
    again, new = registry.create("shop", creator="bob", branch="main")
    assert (again, new) == (made, False)
    assert head(registry.path(made), "release") == commit
    assert registry.get("shop") == made
    assert registry.all() == (made,)


def test_a_new_repository_has_our_configuration_and_no_hooks(bare: Path, source: Source) -> None:
    assert not (bare / "hooks").exists()
    said = Source.ask(_at(bare), "config", "--list").stdout.decode().lower()
    for line in (
        "core.bare=true", "transfer.fsckobjects=true", "receive.fsckobjects=true",
        f"receive.maxinputsize={256 << 20}", "receive.advertisepushoptions=false", "gc.auto=0",
        "uploadpack.allowanysha1inwant=false", "transfer.hiderefs=refs/toolkit",
        "core.hookspath=/dev/null", "receive.denydeletecurrent=refuse",
    ):  # fmt: skip
        assert line in said.splitlines()
    assert (bare.stat().st_mode & 0o777, (bare / "HEAD").read_text()) == (
        0o700,
        "ref: refs/heads/main\n",
    )
    assert Source.ask(_at(bare), "fsck", "--strict").returncode == 0


def _at(path: Path) -> Source:
    """Git's answers about a repository that is there already."""
    found = Source.__new__(Source)
    found.path = path
    return found


def test_changes_are_kept_and_the_rest_stays(registry: Registry, source: Source) -> None:
    repo, _ = registry.create("shop", creator="ann")
    build = Build("app", ("make", "dist"), "dist")
    new = registry.change(
        "shop", lambda old: dataclasses.replace(old, order="queue", builds={"app": build})
    )
    assert (
        registry.get("shop")
        == new
        == dataclasses.replace(repo, order="queue", builds={"app": build})
    )
    with pytest.raises(ValueError, match="only the branch"):
        registry.change("shop", lambda old: dataclasses.replace(old, name="other"))
    with pytest.raises(ValueError, match="only the branch"):
        registry.change("shop", lambda old: dataclasses.replace(old, creator="bob"))
    with pytest.raises(RefusedError, match="cannot name a branch"):
        registry.change("shop", lambda old: dataclasses.replace(old, branch="--x"))
    with pytest.raises(AbsentError):
        registry.change("other", lambda old: old)
    assert registry.get("shop") == new


def test_another_branch_moves_head_and_keeps_what_was_deployed(
    registry: Registry, bare: Path, source: Source
) -> None:
    first = source.files({"a": b"1"})
    assert source.push(bare, f"{first}:refs/heads/main").returncode == 0
    registry.change("shop", lambda old: dataclasses.replace(old, branch="release"))
    assert (bare / "HEAD").read_text() == "ref: refs/heads/release\n"
    # Anybody may remove the branch now; its commits can be deployed all the same.
    assert source.push(bare, ":refs/heads/main").returncode == 0
    at = _at(bare)
    at.git("reflog", "expire", "--expire=now", "--all")
    at.git("gc", "-q", "--prune=now")
    assert at.git("cat-file", "-t", first) == "commit"
    # Nobody sees the ref that keeps them.
    assert source.ask("ls-remote", str(bare)).stdout == b""


def test_what_is_deleted_can_be_had_back_with_all_that_belongs_to_it(
    registry: Registry, bare: Path, source: Source
) -> None:
    commit = source.files({"a": b"1"})
    source.push(bare, f"{commit}:refs/heads/main")
    for folder in ("deployments", "hooks", "builds"):
        (registry.root / folder / "shop").mkdir(parents=True)
        (registry.root / folder / "shop" / "1").write_text(folder)
        (registry.root / folder / "shop-2").mkdir()
    repo = registry.get("shop")
    id_ = registry.delete("shop")
    assert not bare.exists()
    with pytest.raises(AbsentError):
        registry.get("shop")
    with pytest.raises(AbsentError):
        registry.delete("shop")
    assert registry.all() == ()
    assert [entry.id for entry in registry.deleted()] == [id_]
    assert registry.restore(id_) == repo
    assert head(bare, "main") == commit
    for folder in ("deployments", "hooks", "builds"):
        assert (registry.root / folder / "shop" / "1").read_text() == folder
        assert (registry.root / folder / "shop-2").is_dir()
    assert registry.deleted() == ()
    with pytest.raises(AbsentError):
        registry.restore(id_)


def test_a_new_repository_of_the_name_inherits_nothing_and_is_not_overwritten(
    registry: Registry, bare: Path, source: Source
) -> None:
    commit = source.files({"a": b"1"})
    source.push(bare, f"{commit}:refs/heads/main")
    first = registry.delete("shop")
    (registry.root / "deployments" / "shop").mkdir(parents=True)
    registry.create("shop", creator="bob")
    assert head(bare, "main") is None
    assert not (registry.root / "deployments" / "shop").exists()
    with pytest.raises(TakenError, match="another repository shop"):
        registry.restore(first)
    second = registry.delete("shop")
    assert {entry.id for entry in registry.deleted()} == {first, second}
    assert registry.restore(first).creator == "ann"
    assert head(bare, "main") == commit


@pytest.mark.parametrize("id_", ["", "..", "../registry", "x", "repo-shop", "/etc", ".new-x"])
def test_what_is_not_in_the_trash_is_not_restored(registry: Registry, id_: str) -> None:
    registry.create("shop", creator="ann")
    registry.delete("shop")
    with pytest.raises(AbsentError):
        registry.restore(id_)


def test_the_trash_is_emptied_of_what_is_old(tmp_path: Path) -> None:
    times = iter(range(100, 200))
    registry = Registry(tmp_path / "data", now=lambda: float(next(times)))
    registry.create("a", creator="ann")  # 100
    registry.create("b", creator="ann")  # 101
    a, b = registry.delete("a"), registry.delete("b")  # 102, 103
    assert registry.empty_trash(102.0) == ()
    assert registry.empty_trash(103.0) == (a,)
    assert [entry.id for entry in registry.deleted()] == [b]
    assert registry.empty_trash(1e9) == (b,)
    assert list((tmp_path / "data" / "trash").iterdir()) == []


def test_data_that_no_entry_names_is_never_touched(registry: Registry, source: Source) -> None:
    path = registry.root / "repos" / "shop.git"
    repo, _ = registry.create("shop", creator="ann")
    commit = source.files({"a": b"1"})
    source.push(path, f"{commit}:refs/heads/main")
    entry = registry.root / "registry" / "shop.json"
    saved = entry.read_bytes()
    entry.unlink()
    assert registry.repair() == ("repos/shop.git is there, and no entry of the registry names it",)
    with pytest.raises(TakenError, match=r"repos/shop\.git is there") as caught:
        registry.create("shop", creator="bob")
    assert caught.value.hint == "put registry/shop.json back, or move the folder away"
    entry.write_bytes(saved)
    assert registry.repair() == ()
    assert (registry.get("shop"), head(path, "main")) == (repo, commit)


DAMAGED = [
    b"", b"{", b"[]", b"null", b"\xff", b"{}", b'{"version": 1}', b"1e999", b'"' + b"x" * 99,
    b'{"version":2,"name":"shop","branch":"main","order":"newest","created":0,"creator":"","builds":{}}',
    b'{"version":1,"name":"other","branch":"main","order":"newest","created":0,"creator":"","builds":{}}',
    b'{"version":1,"name":"shop","branch":"-x","order":"newest","created":0,"creator":"","builds":{}}',
    b'{"version":1,"name":"shop","branch":"main","order":"last","created":0,"creator":"","builds":{}}',
    b'{"version":1,"name":"shop","branch":"main","order":"newest","created":"x","creator":"","builds":{}}',
    b'{"version":1,"name":"shop","branch":["main"],"order":"newest","created":0,"creator":"","builds":{}}',
    b'{"version":1,"name":"shop","branch":"main","order":"newest","created":0,"creator":"","builds":[1]}',
]  # fmt: skip


@pytest.mark.parametrize("data", DAMAGED, ids=lambda data: data[:90].decode(errors="replace"))
def test_a_damaged_entry_is_named_and_hides_no_other(registry: Registry, data: bytes) -> None:
    registry.create("shop", creator="ann")
    other, _ = registry.create("other", creator="ann")
    (registry.root / "registry" / "shop.json").write_bytes(data)
    with pytest.raises(UnavailableError, match=r"registry/shop\.json is damaged"):
        registry.get("shop")
    with pytest.raises(UnavailableError):
        registry.create("shop", creator="ann")
    with pytest.raises(UnavailableError):
        registry.delete("shop")
    assert registry.all() == (other,)
    (said,) = registry.repair()
    assert said.startswith("registry/shop.json is damaged")


def test_repair_takes_away_what_ended_processes_left(registry: Registry, bare: Path) -> None:
    left = [
        bare / "objects" / "tmp_objdir-incoming-abc" / "pack" / "tmp_pack_x",
        bare / "objects" / "pack" / "tmp_idx_y",
        bare / "objects" / "ab" / "tmp_obj_z",
        bare / "refs" / "heads" / "main.lock",
        bare / "refs" / "heads" / "feature" / "x.lock",
        bare / "packed-refs.lock",
        bare / "HEAD.lock",
        bare / ".new-config",
        registry.root / "registry" / ".new-shop.json",
        registry.root / "repos" / ".new-other.git" / "HEAD",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    (bare / "HEAD").write_text("ref: refs/heads/else\n")
    (bare / "config").write_text("[core]\n\tbare = false\n")
    said = registry.repair()
    assert said == (
        "shop.json was not finished, and was removed",
        "other.git was not finished, and was removed",
        "shop: removed what 3 unfinished pushes had brought",
        "shop: removed 4 locks of processes that have ended",
    )
    assert not any(path.exists() for path in left)
    assert (bare / "HEAD").read_text() == "ref: refs/heads/main\n"
    assert "maxInputSize" in (bare / "config").read_text()
    assert registry.repair() == ()


def test_repair_says_where_data_is_gone(registry: Registry, bare: Path) -> None:
    bare.rename(bare.with_name("elsewhere"))
    assert registry.repair() == ("repository shop is registered, and its data is gone",)


def test_of_many_that_make_the_same_one_makes_it(registry: Registry) -> None:
    made: list[bool] = []
    gate = threading.Barrier(8)

    def make() -> None:
        gate.wait(10)
        made.append(registry.create("shop", creator="ann")[1])

    threads = [threading.Thread(target=make) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(made) == [False] * 7 + [True]
    assert registry.repair() == ()


@given(
    st.builds(
        Repo,
        name=st.just("shop"),
        branch=st.sampled_from(["main", "release/1"]),
        order=st.sampled_from(["newest", "queue"]),
        created=st.floats(0, 1e12),
        creator=st.text(st.characters(), max_size=50),
        builds=st.dictionaries(st.just("app"), st.just(Build("app", ("a", "ü"), "b", ""))),
    )
)
def test_an_entry_is_read_as_it_was_written(repo: Repo) -> None:
    assert read_entry("shop", write_entry(repo)) == repo
    assert json.loads(write_entry(repo))["version"] == 1


def test_only_the_server_may_read_the_data(registry: Registry, bare: Path) -> None:
    for path in (registry.root, registry.root / "registry", registry.root / "trash", bare):
        assert path.stat().st_mode & 0o077 == 0


def test_whoever_makes_it_is_kept_as_text_that_may_be_shown(registry: Registry) -> None:
    repo, _ = registry.create("shop", creator="a\x1b[2J\ud800" + "x" * 500)
    assert repo.creator.isprintable() and len(repo.creator) < 300
    assert registry.get("shop") == repo
    strange = Build("app", ("\ud800", "\x00", "ü"), "x")
    changed = registry.change("shop", lambda old: dataclasses.replace(old, builds={"app": strange}))
    assert registry.get("shop") == changed
