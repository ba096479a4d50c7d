"""Versions of a repository's hooks on disk: pushed, gone back to, taken off, destroyed."""

from __future__ import annotations

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from toolkit.errors import AbsentError, ConfigError, RefusedError, UnavailableError
from toolkit.repos import bundles as module
from toolkit.repos.bundles import Bundles
from toolkit.repos.registry import Registry
from toolkit.repos.trash import Trash
from toolkit.spec.bundle import HookFile
from toolkit.spec.repo import Repo

REPO = Repo("shop", created=1_763_000_000.0)


def files(text: str = "exit 0", *names: str) -> list[HookFile]:
    return [HookFile(name, f"#!/bin/sh\n{text}\n".encode()) for name in names or ("post-receive",)]


@pytest.fixture
def bundles(tmp_path: Path) -> Bundles:
    return Bundles(tmp_path / "hooks", Trash(tmp_path / "trash"), now=lambda: 1_764_000_000.0)


def test_a_repository_without_hooks_says_so(bundles: Bundles) -> None:
    assert bundles.find(REPO) is None
    assert bundles.current(REPO) == ""
    for ask in (bundles.get, bundles.rollback, bundles.remove, bundles.destroy, bundles.version):
        with pytest.raises(AbsentError, match="shop has no hooks"):
            ask(REPO)


def test_to_create_hooks_again_changes_nothing(bundles: Bundles) -> None:
    assert bundles.create(REPO)[1] is True
    pushed, _ = bundles.push(REPO, files(), "ann")
    found, made = bundles.create(REPO)
    assert (found, made) == (pushed, False)


def test_a_push_runs_and_the_same_push_again_changes_nothing(bundles: Bundles) -> None:
    found, changed = bundles.push(REPO, files(), "ann")
    assert changed
    assert found.active == ("post-receive",)
    again, changed = bundles.push(REPO, files(), "bob")
    assert (again, changed) == (found, False)
    assert again.versions[0].by == "ann"
    assert bundles.files(REPO, found.current)[0].data == b"#!/bin/sh\nexit 0\n"


def test_no_push_of_hooks_touches_the_repository(tmp_path: Path) -> None:
    """What hooks were pushed with before made the repository anew each time, and so deleted it."""
    registry = Registry(tmp_path)
    repo, _ = registry.create("shop", creator="ann", branch="main", order="newest")
    kept = registry.path(repo) / "objects" / "kept"
    kept.write_bytes(b"what was pushed")
    before = sorted((p, p.stat().st_mtime_ns) for p in registry.path(repo).rglob("*"))
    bundles = Bundles(tmp_path / "hooks", registry.trash)
    for text in ("exit 0", "exit 1", "exit 0"):
        bundles.create(repo)
        bundles.push(repo, files(text), "ann")
    bundles.rollback(repo)
    bundles.remove(repo)
    bundles.destroy(repo)
    assert sorted((p, p.stat().st_mtime_ns) for p in registry.path(repo).rglob("*")) == before
    assert registry.get("shop") == repo


def test_a_version_goes_back_and_back_again(bundles: Bundles) -> None:
    one, two, three = (bundles.push(REPO, files(f"exit {n}"), "ann")[0].current for n in range(3))
    assert bundles.rollback(REPO)[0].current == two
    assert bundles.rollback(REPO)[0].current == one
    with pytest.raises(AbsentError, match="came before"):
        bundles.rollback(REPO)
    found, changed = bundles.rollback(REPO, three[:8])
    assert (found.current, changed) == (three, True)
    assert bundles.rollback(REPO, three)[1] is False
    assert [each.digest for each in found.versions] == [one, two, three]


def test_a_version_that_is_pushed_again_is_the_newest_again(bundles: Bundles) -> None:
    one = bundles.push(REPO, files("exit 1"), "ann")[0].current
    two = bundles.push(REPO, files("exit 2"), "ann")[0].current
    found, changed = bundles.push(REPO, files("exit 1"), "bob")
    assert changed
    assert [(each.digest, each.by) for each in found.versions] == [(two, "ann"), (one, "bob")]
    assert bundles.rollback(REPO)[0].current == two


@pytest.mark.parametrize("said", ["", "abc", "xyz!", "../..", "g" * 64, "a" * 65, "A" * 10])
def test_only_the_beginning_of_a_digest_names_a_version(bundles: Bundles, said: str) -> None:
    bundles.push(REPO, files(), "ann")
    with pytest.raises(RefusedError, match="first 4 digits"):
        bundles.rollback(REPO, said)


def test_a_beginning_that_two_versions_have_is_refused(bundles: Bundles, tmp_path: Path) -> None:
    current = bundles.push(REPO, files(), "ann")[0].current
    path = tmp_path / "hooks" / "shop" / "state.json"
    state = json.loads(path.read_bytes())
    other = current[:10] + "0" * 54
    state["versions"].insert(0, {**state["versions"][0], "digest": other})
    path.write_text(json.dumps(state))
    with pytest.raises(RefusedError, match="2 versions begin with"):
        bundles.rollback(REPO, current[:10])
    nothing = "0" * 12 if not current.startswith("0" * 12) else "1" * 12
    with pytest.raises(AbsentError, match="no version of its hooks that begins"):
        bundles.rollback(REPO, nothing)


def test_what_is_taken_off_is_kept_and_comes_back(bundles: Bundles, tmp_path: Path) -> None:
    current = bundles.push(REPO, files("exit 0", "pre-receive", "update"), "ann")[0].current
    stored = sorted((tmp_path / "hooks" / "shop").iterdir())
    found, changed = bundles.remove(REPO, "update")
    assert changed and found.active == ("pre-receive",)
    assert bundles.remove(REPO, "update") == (found, False)
    found, changed = bundles.remove(REPO)
    assert changed and found.current == "" and found.active == ()
    assert bundles.remove(REPO) == (found, False)
    assert sorted((tmp_path / "hooks" / "shop").iterdir()) == stored
    found, _ = bundles.rollback(REPO)
    assert (found.current, found.active) == (current, ("pre-receive", "update"))


def test_after_all_were_taken_off_what_ran_last_comes_back(bundles: Bundles) -> None:
    one = bundles.push(REPO, files("exit 1"), "ann")[0].current
    bundles.push(REPO, files("exit 2"), "ann")
    bundles.rollback(REPO)
    bundles.remove(REPO)
    assert bundles.rollback(REPO)[0].current == one


def test_a_push_puts_back_on_what_was_taken_off(bundles: Bundles) -> None:
    bundles.push(REPO, files(), "ann")
    bundles.remove(REPO, "post-receive")
    found, changed = bundles.push(REPO, files(), "ann")
    assert changed and found.active == ("post-receive",)


@pytest.mark.parametrize(
    ("hook", "said"),
    [("pre-receive", "have no pre-receive"), ("nonsense", "is no hook of git"), ("\x1b[2J", "no")],
)
def test_only_a_hook_that_runs_can_be_taken_off(bundles: Bundles, hook: str, said: str) -> None:
    bundles.push(REPO, files(), "ann")
    with pytest.raises(RefusedError, match=said) as caught:
        bundles.remove(REPO, hook)
    assert caught.value.message.isprintable()


def test_what_is_destroyed_is_in_the_trash(bundles: Bundles, tmp_path: Path) -> None:
    current = bundles.push(REPO, files(), "ann")[0].current
    ident = bundles.destroy(REPO)
    assert bundles.find(REPO) is None
    assert (tmp_path / "trash" / ident / "hooks" / f"{current}.json").exists()
    assert bundles.push(REPO, files("exit 1"), "ann")[1]
    assert len(bundles.get(REPO).versions) == 1


def test_hooks_of_a_repository_that_is_gone_do_not_run_for_another_of_its_name(
    bundles: Bundles, tmp_path: Path
) -> None:
    bundles.push(REPO, files(), "ann")
    later = replace(REPO, created=REPO.created + 1)
    assert bundles.find(later) is None
    assert bundles.current(later) == ""
    found, changed = bundles.push(later, files(), "bob")
    assert changed and [each.by for each in found.versions] == ["bob"]
    assert bundles.files(later, found.current)
    assert len(list((tmp_path / "trash").iterdir())) == 1


def test_a_version_that_was_changed_on_disk_does_not_run(bundles: Bundles, tmp_path: Path) -> None:
    current = bundles.push(REPO, files(), "ann")[0].current
    path = tmp_path / "hooks" / "shop" / f"{current}.json"
    whole = path.read_bytes()
    for broken in (whole.replace(b"IyEv", b"IyEw"), whole[:40], b"", b"[" * 100_000, b"\xff"):
        path.write_bytes(broken)
        with pytest.raises(RefusedError, match="not as it was stored"):
            bundles.files(REPO, current)
    assert bundles.push(REPO, files(), "ann")[1], "a push repairs it"
    assert bundles.files(REPO, current)


def test_a_version_that_is_lost_is_absent(bundles: Bundles, tmp_path: Path) -> None:
    one = bundles.push(REPO, files("exit 1"), "ann")[0].current
    bundles.push(REPO, files("exit 2"), "ann")
    (tmp_path / "hooks" / "shop" / f"{one}.json").unlink()
    with pytest.raises(AbsentError):
        bundles.rollback(REPO)
    with pytest.raises(AbsentError):
        bundles.files(REPO, "../../etc/passwd")


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b"null", b'{"created": 1763000000.0}'])
def test_a_state_that_cannot_be_read_is_said_and_can_be_destroyed(
    bundles: Bundles, tmp_path: Path, broken: bytes
) -> None:
    bundles.push(REPO, files(), "ann")
    (tmp_path / "hooks" / "shop" / "state.json").write_bytes(broken)
    asks: list[Callable[[Repo], object]] = [bundles.get, bundles.current, bundles.rollback]
    for ask in asks:
        with pytest.raises(RefusedError, match="cannot be read"):
            ask(REPO)
    with pytest.raises(RefusedError, match="cannot be read"):
        bundles.push(REPO, files(), "ann")
    bundles.destroy(REPO)
    assert bundles.push(REPO, files(), "ann")[1]


@contextmanager
def no_room() -> Iterator[None]:
    """No file may grow beyond 64 bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_leaves_what_was_there(bundles: Bundles, tmp_path: Path) -> None:
    before, _ = bundles.push(REPO, files("exit 1"), "ann")
    stored = sorted((tmp_path / "hooks" / "shop").iterdir())
    changes: list[Callable[[], object]] = [
        lambda: bundles.push(REPO, files("exit 2"), "ann"),
        lambda: bundles.remove(REPO),
        lambda: bundles.create(Repo("other")),
    ]
    with no_room():
        for change in changes:
            with pytest.raises(UnavailableError, match="cannot be kept or read"):
                change()
    assert bundles.get(REPO) == before
    assert sorted((tmp_path / "hooks" / "shop").iterdir()) == stored


def test_a_crash_between_version_and_state_leaves_the_old_one(
    bundles: Bundles, tmp_path: Path
) -> None:
    before, _ = bundles.push(REPO, files("exit 1"), "ann")
    state = (tmp_path / "hooks" / "shop" / "state.json").read_bytes()
    after, _ = bundles.push(REPO, files("exit 2"), "ann")
    # Killed before the rename: the version is there, and nobody names it.
    (tmp_path / "hooks" / "shop" / "state.json").write_bytes(state)
    (tmp_path / "hooks" / "shop" / ".new-state.json").write_bytes(b'{"cur')
    assert bundles.get(REPO) == before
    assert bundles.push(REPO, files("exit 2"), "ann")[0].current == after.current


def test_old_versions_go_to_the_trash_and_never_the_one_that_runs(
    bundles: Bundles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    digests = [bundles.push(REPO, files(f"exit {n}"), "ann")[0].current for n in range(5)]
    found = bundles.get(REPO)
    assert [each.digest for each in found.versions] == digests[-3:]
    assert found.current == digests[-1]
    kept = {path.stem for path in (tmp_path / "hooks" / "shop").glob("?*.json")}
    assert kept == {*digests[-3:], "state"}
    assert len(list((tmp_path / "trash").iterdir())) == 2


def test_nothing_is_stored_of_files_that_are_wrong(bundles: Bundles, tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        bundles.push(REPO, [HookFile("../x", b"#!/bin/sh\n")], "ann")
    assert not (tmp_path / "hooks").exists()


@pytest.mark.parametrize("name", ["..", "../x", "a/b", "", "-x", "a" * 64, "shop\n", "repos"])
def test_a_name_that_is_none_reaches_no_path(bundles: Bundles, tmp_path: Path, name: str) -> None:
    for ask in (bundles.find, bundles.create, bundles.destroy):
        with pytest.raises(RefusedError, match="no name of a repository"):
            ask(Repo(name))
    assert not (tmp_path / "hooks").exists()


def test_files_are_the_servers_alone(bundles: Bundles, tmp_path: Path) -> None:
    bundles.push(REPO, files(), "ann")
    assert (tmp_path / "hooks" / "shop").stat().st_mode & 0o077 == 0
