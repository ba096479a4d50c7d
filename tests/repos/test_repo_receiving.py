"""What stock git refuses by the configuration that every repository of ours is made with.

No hook has a part in it: this is the wall behind the judging of refs and the walk of the tree.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.repos.branches import heads
from tests.repos.packs import (
    NOTHING,
    Object,
    commit_of,
    deep,
    forest,
    id_of,
    line_of,
    pack_of,
    request_of,
)
from tests.repos.source import FILE, FOLDER, LINK, MODULE, Line, Source, receive
from toolkit.errors import RefusedError
from toolkit.repos.commits import keep
from toolkit.repos.registry import Registry
from toolkit.repos.tree import GitTree
from toolkit.spec.hook import PushLimits


def refused(source: Source, bare: Path, commit: str, words: str) -> None:
    """A push that is refused with these words, moves nothing and leaves nothing."""
    nothing_came(bare, lambda: source.send(bare, (NOTHING, commit, "refs/heads/main")), words)


def nothing_came(bare: Path, push: Callable[[], CompletedProcess[bytes]], words: str) -> None:
    before = {path for path in bare.rglob("*") if path.is_file()}
    said = push()
    assert words in (said.stdout + said.stderr).decode(errors="replace")
    assert heads(bare) == {}
    assert {path for path in bare.rglob("*") if path.is_file()} == before
    assert not list(bare.glob("objects/tmp_objdir*"))


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b".git", "hasDotgit"),
        (b".GiT", "hasDotgit"),
        (b"git~1", "hasDotgit"),
        (".g\u200cit".encode(), "hasDotgit"),
        (b"..", "hasDotdot"),
        (b".", "hasDot"),
        (b"", "empty filename in tree entry"),
        (b"a/b", "fullPathname"),
        (b"../../etc/cron.d/x", "fullPathname"),
    ],
    ids=repr,
)
def test_names_that_lead_out_of_a_work_tree(
    source: Source, bare: Path, name: bytes, words: str
) -> None:
    below = source.folder({"config": b"[core]\n\tfsmonitor = touch x\n"})
    refused(source, bare, source.commit(source.tree([(FOLDER, name, below)])), words)


def test_submodules_whose_address_is_an_option(source: Source, bare: Path) -> None:
    modules = b'[submodule "x"]\n\tpath = x\n\turl = -u./payload\n'
    lines: list[Line] = [(FILE, ".gitmodules", source.blob(modules)), (MODULE, "x", "a" * 40)]
    refused(source, bare, source.commit(source.tree(lines)), "gitmodulesUrl")


@pytest.mark.parametrize(
    "text", ['[submodule "../../x"]\n\tpath = x\n', '[submodule "x"]\n\tpath = -x\n']
)
def test_submodules_that_lead_elsewhere(source: Source, bare: Path, text: str) -> None:
    lines: list[Line] = [(FILE, ".gitmodules", source.blob(text.encode()))]
    refused(source, bare, source.commit(source.tree(lines)), "gitmodules")


def test_a_list_of_submodules_that_is_a_link(source: Source, bare: Path) -> None:
    lines: list[Line] = [(LINK, ".gitmodules", source.blob(b"/etc/passwd"))]
    refused(source, bare, source.commit(source.tree(lines)), "gitmodulesSymlink")


def test_the_same_name_twice(source: Source, bare: Path) -> None:
    blob = source.blob(b"x")
    lines: list[Line] = [(FILE, "a", blob), (FILE, "a", source.blob(b"y"))]
    refused(source, bare, source.commit(source.tree(lines)), "duplicateEntries")


def test_a_commit_without_an_author(source: Source, bare: Path) -> None:
    data = f"tree {source.folder({'a': b'x'})}\n\nx\n".encode()
    refused(source, bare, source.put("commit", data), "missingAuthor")


def test_a_pack_that_is_too_large(tmp_path: Path, source: Source) -> None:
    registry = Registry(tmp_path / "small", PushLimits(pack_bytes=100_000))
    bare = registry.path(registry.create("shop", creator="ann")[0])
    refused(source, bare, source.files({"a": os.urandom(110_000)}), "exceeds maximum allowed size")
    commit = source.files({"a": os.urandom(90_000)})
    assert source.push(bare, f"{commit}:refs/heads/main").returncode == 0


def test_limits_of_today_hold_after_a_repair(tmp_path: Path, source: Source) -> None:
    made, _ = Registry(tmp_path / "small").create("shop", creator="ann")
    registry = Registry(tmp_path / "small", PushLimits(pack_bytes=100_000))
    assert registry.repair() == ()
    bare = registry.path(made)
    refused(source, bare, source.files({"a": os.urandom(110_000)}), "exceeds maximum allowed size")


def test_words_for_the_server_beside_a_push(source: Source, bare: Path) -> None:
    commit = source.files({"a": b"x"})
    said = source.ask("push", "-o", "x;id", str(bare), f"{commit}:refs/heads/main")
    assert b"does not support push options" in said.stderr
    assert heads(bare) == {}


def test_what_is_deployed_is_not_removed_and_what_is_ours_is_not_moved(
    source: Source, bare: Path
) -> None:
    commit = source.files({"a": b"x"})
    assert source.push(bare, f"{commit}:refs/heads/main").returncode == 0
    said = source.push(bare, ":refs/heads/main")
    assert b"deletion of the current branch prohibited" in said.stderr
    keep(bare, commit)
    for line in (f":refs/toolkit/kept/{commit}", f"{commit}:refs/toolkit/kept/{'a' * 40}"):
        said = source.push(bare, line)
        assert said.returncode != 0
        assert b"hidden ref" in said.stderr or b"does not exist" in said.stderr
    assert heads(bare) == {"main": commit}
    assert (bare / "refs" / "toolkit" / "kept" / commit).exists()


def test_a_history_that_is_cut_off(source: Source, bare: Path, tmp_path: Path) -> None:
    first = source.files({"a": b"1"})
    second = source.files({"a": b"2"}, first)
    source.git("update-ref", "refs/heads/main", second)
    shallow = Source(tmp_path / "shallow.git")
    shallow.git("fetch", "-q", "--depth=1", f"file://{source.path}", "main:main")
    said = shallow.push(bare, "main")
    assert b"shallow update not allowed" in said.stderr
    assert heads(bare) == {}


def test_objects_that_are_missing(bare: Path) -> None:
    tree: Object = ("tree", line_of("100644", b"f", "a" * 40))
    commit = commit_of(id_of(tree))
    request = request_of([(NOTHING, id_of(commit), "refs/heads/main")], pack_of([tree, commit]))
    nothing_came(bare, lambda: receive(bare, request), "ng refs/heads/main")


@pytest.mark.parametrize(
    "spoil",
    [
        lambda pack: pack[:-1],
        lambda pack: pack[:-20] + b"x" * 20,
        lambda pack: pack[:40] + bytes([pack[40] ^ 1]) + pack[41:],
        lambda pack: pack[:8] + b"\xff\xff\xff\xff" + pack[12:],
        lambda pack: b"JUNK" + pack[4:],
        lambda pack: b"",
    ],
    ids=["short", "sum", "bit", "count", "magic", "none"],
)
def test_packs_that_are_damaged(bare: Path, spoil: Callable[[bytes], bytes]) -> None:
    blob: Object = ("blob", b"hello" * 100)
    tree: Object = ("tree", line_of("100644", b"f", id_of(blob)))
    commit = commit_of(id_of(tree))
    pack = spoil(pack_of([blob, tree, commit]))
    request = request_of([(NOTHING, id_of(commit), "refs/heads/main")], pack)
    nothing_came(bare, lambda: receive(bare, request), "ng refs/heads/main")


def test_folders_deeper_than_gits_own_stack(bare: Path) -> None:
    """Git walks folders by recursion: what it cannot walk, it does not take."""
    objects = deep(100_000)
    request = request_of([(NOTHING, id_of(objects[-1]), "refs/heads/main")], pack_of(objects))
    receive(bare, request)
    assert set(heads(bare).values()) <= {id_of(objects[-1])}
    assert not list(bare.glob("objects/tmp_objdir*"))


@pytest.mark.parametrize(
    ("objects", "words"),
    [(deep(20_000), "more than 32 folders deep"), (forest(9, 100), "more than 20,000 files")],
    ids=["deep", "forest"],
)
def test_what_git_takes_and_a_walk_does_not(bare: Path, objects: list[Object], words: str) -> None:
    commit = id_of(objects[-1])
    request = request_of([(NOTHING, commit, "refs/heads/main")], pack_of(objects))
    assert b"ok refs/heads/main" in receive(bare, request).stdout
    with GitTree(bare, commit) as tree, pytest.raises(RefusedError, match=words):
        tree.check()
    with GitTree(bare, commit) as tree, pytest.raises(RefusedError, match=words):
        list(tree.paths())


def test_a_small_pack_of_huge_files(bare: Path) -> None:
    blob: Object = ("blob", b"\0" * (9 << 20))
    id_ = id_of(blob)
    lines = (line_of("100644", f"f{index:03}".encode(), id_) for index in range(120))
    tree: Object = ("tree", b"".join(lines))
    commit = commit_of(id_of(tree))
    pack = pack_of([blob, tree, commit])
    assert len(pack) < 100_000
    request = request_of([(NOTHING, id_of(commit), "refs/heads/main")], pack)
    assert b"ok refs/heads/main" in receive(bare, request).stdout
    with GitTree(bare, id_of(commit)) as opened:
        with pytest.raises(RefusedError, match="1,132,462,080 bytes, and 1,073,741,824 are"):
            opened.check()
        with pytest.raises(RefusedError, match="f000 has 9,437,184 bytes"):
            opened.read("f000")


@pytest.mark.parametrize("kind", ["blob", "tree", "tag"])
def test_a_branch_that_is_no_commit(source: Source, bare: Path, kind: str) -> None:
    commit = source.files({"a": b"x"})
    tag = f"object {commit}\ntype commit\ntag v\ntagger a <a@b> 0 +0000\n\nx\n".encode()
    made = {
        "blob": source.blob(b"x"),
        "tree": source.folder({"a": b"x"}),
        "tag": source.put("tag", tag),
    }
    said = source.send(bare, (NOTHING, made[kind], "refs/heads/main"))
    assert b"ng refs/heads/main" in said.stdout
    assert heads(bare) == {}
    # Git says so when the push has come out of its quarantine; what reads commits, before.
    words = pytest.raises(RefusedError, match=f"is a {kind}, not a commit")
    with words, GitTree(source.path, made[kind]):
        pass
