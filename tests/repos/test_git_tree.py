"""A commit as a tree of files: read from objects, and nothing in it leads anywhere else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.repos.opened import LIMITS, PLAIN, opened, refusal
from tests.repos.source import FILE, FOLDER, LINK, MODULE, RUNS, Line, Source
from toolkit.config.tree import FolderTree
from toolkit.errors import RefusedError
from toolkit.repos.tree import GitTree
from toolkit.spec.hook import PushLimits
from toolkit.spec.tree import Tree


@pytest.mark.parametrize("sha256", [False, True], ids=["sha1", "sha256"])
def test_a_commit_reads_as_its_folder_does(tmp_path: Path, sha256: bool) -> None:
    source = Source(tmp_path / "s.git", sha256=sha256)
    commit = source.files(PLAIN)
    folder = tmp_path / "folder"
    for path, data in PLAIN.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)
    there: Tree = FolderTree(folder)
    with opened(source, commit) as tree:
        assert tree.name == commit
        for prefix in ("", "jobs", "jobs/", "jobs/web/", "jobs/web/job", "s", "src/main.py", "none",
                       "none/x", "jobs/none/", "toolkit.toml/", ".github/", "jobs/.h"):  # fmt: skip
            assert list(tree.paths(prefix)) == list(there.paths(prefix)), prefix
        for path, data in PLAIN.items():
            assert tree.read(path) == there.read(path) == data
        tree.check()


@pytest.mark.parametrize(
    "path",
    ["", "/", ".", "..", "jobs", "jobs/", "none", "jobs/none", "../x", "jobs/../toolkit.toml",
     "./toolkit.toml", "/toolkit.toml", "/etc/passwd", "toolkit.toml/", "toolkit.toml/x",
     "jobs//web", "toolkit.toml\0", "HEAD:toolkit.toml", "--output=x", "x" * 5000,
     "a/" * 1000, ".git/config"],
    ids=lambda path: repr(path[:20]),
)  # fmt: skip
def test_what_is_not_in_the_commit_is_not_there(source: Source, path: str) -> None:
    with opened(source, source.files(PLAIN)) as tree, pytest.raises(KeyError):
        tree.read(path)


@pytest.mark.parametrize("path", ["..", "../..", "/etc", "/", "a/../..", "\0", "~"])
def test_there_is_nothing_to_list_outside(source: Source, path: str) -> None:
    with opened(source, source.files(PLAIN)) as tree:
        assert list(tree.paths(f"{path}/")) == []


@pytest.mark.parametrize("commit", ["", "main", "HEAD", "-h", "--batch-all-objects", "a" * 39])
def test_a_commit_has_a_full_id(source: Source, commit: str) -> None:
    with pytest.raises(RefusedError, match="no full ID"):
        GitTree(source.path, commit)


def test_other_objects_are_no_commits(source: Source) -> None:
    blob, folder = source.blob(b"x"), source.folder({"a": b"x"})
    commit = source.commit(folder)
    tag = f"object {commit}\ntype commit\ntag v\ntagger a <a> 0 +0000\n\nx\n".encode()
    for id_, kind in (
        (blob, "blob"),
        (folder, "tree"),
        (source.put("tag", tag), "tag"),
    ):
        with pytest.raises(RefusedError, match=f"is a {kind}, not a commit"), opened(source, id_):
            pass
    with pytest.raises(RefusedError, match="is missing"), opened(source, "a" * 40):
        pass


@pytest.mark.parametrize(
    "data",
    [b"", b"tree x\n", b"tree " + b"a" * 39 + b"\n", b"parent " + b"a" * 40, b"tree \xff\n\n"],
)
def test_a_commit_that_names_no_tree(source: Source, data: bytes) -> None:
    commit = source.put("commit", data)
    with pytest.raises(RefusedError, match="names no tree"), opened(source, commit):
        pass


@pytest.mark.parametrize(
    ("mode", "target", "words"),
    [
        (LINK, "/etc/passwd", "is a symbolic link"),
        (LINK, "../../../etc/passwd", "is a symbolic link"),
        (LINK, "toolkit.toml", "is a symbolic link"),
        (MODULE, None, "is a submodule"),
        ("140000", "x", "a mode that git does not know: 140000"),
        ("060000", "x", "a mode that git does not know: 60000"),
        ("0", "x", "a mode that git does not know: 0"),
    ],
)
@pytest.mark.parametrize("name", ["toolkit.toml", "jobs", "web"])
def test_links_submodules_and_devices_are_not_followed(
    source: Source, mode: str, target: str | None, words: str, name: str
) -> None:
    id_ = "a" * 40 if target is None else source.blob(target.encode())
    good = source.blob(b"good")
    lines: list[Line] = [(mode, name, id_)]
    if name == "web":
        lines = [(FOLDER, "jobs", source.tree([(FILE, "a.toml", good), (mode, name, id_)]))]
        name = "jobs/web"
    root = source.tree(lines)
    said = refusal(source, root).message
    assert said.startswith(f"{name} ") and words in said
    with opened(source, source.commit(root)) as tree:
        for path in (name, f"{name}/job.toml"):
            with pytest.raises(RefusedError, match=words) as caught:
                tree.read(path)
            assert name in caught.value.message
        with pytest.raises(RefusedError, match=words):
            list(tree.paths(name))
        with pytest.raises(RefusedError, match=words):
            list(tree.paths())
        if name == "jobs/web":
            assert tree.read("jobs/a.toml") == b"good"


def test_what_is_not_read_may_be_a_link_until_it_is_checked(source: Source) -> None:
    files = source.blob(b"good")
    jobs = source.tree([(FILE, "job.toml", files)])
    root = source.tree([(LINK, "CURRENT", source.blob(b"/etc/passwd")), (FOLDER, "jobs", jobs)])
    with opened(source, source.commit(root)) as tree:
        assert list(tree.paths("jobs/")) == ["jobs/job.toml"]
        assert tree.read("jobs/job.toml") == b"good"
        with pytest.raises(RefusedError, match="CURRENT is a symbolic link"):
            tree.check()


def test_all_that_is_wrong_is_said_at_once_up_to_ten(source: Source) -> None:
    link = source.blob(b"x")
    one = source.tree([(LINK, "a", link), (LINK, "b", link), (FILE, "c", link)])
    assert refusal(source, one).message.splitlines() == [
        "a is a symbolic link, and links are not followed here",
        "b is a symbolic link, and links are not followed here",
    ]
    many = source.tree([(LINK, f"l{index:02}", link) for index in range(30)])
    said = refusal(source, many).message.splitlines()
    assert len(said) == 11
    assert said[-1] == "and perhaps more"


def test_a_name_twice_is_refused(source: Source) -> None:
    good, evil = source.blob(b"good"), source.blob(b"evil")
    tree = source.tree([(FILE, "job.toml", good), (FILE, "job.toml", evil)])
    assert refusal(source, tree).message == "job.toml is there twice"
    below = source.tree([(FOLDER, "jobs", tree)])
    twice = pytest.raises(RefusedError, match=r"jobs/job\.toml is there twice")
    with opened(source, source.commit(below)) as opened_tree, twice:
        opened_tree.read("jobs/job.toml")


@pytest.mark.parametrize(
    "data",
    [b"x", b"100644", b"100644 a", b"100644 a\0", b"100644 a\0" + b"x" * 19,
     b"100844 a\0" + b"x" * 20,
     b" a\0" + b"x" * 20, b"-1 a\0" + b"x" * 20, b"100644100644 a\0" + b"x" * 20, b"\0" * 30,
     "١٠٠ a\0".encode() + b"x" * 20],
    ids=repr,
)  # fmt: skip
def test_a_folder_that_is_damaged_is_refused(source: Source, data: bytes) -> None:
    tree = source.put("tree", data)
    assert "is a folder that cannot be read" in refusal(source, tree).message


def test_a_file_that_is_none_and_a_folder_that_is_none(source: Source) -> None:
    blob, folder = source.blob(b"x"), source.folder({"a": b"x"})
    tree = source.tree([(FILE, "file", folder), (FOLDER, "folder", blob)])
    with opened(source, source.commit(tree)) as opened_tree:
        with pytest.raises(RefusedError, match="file is no file"):
            opened_tree.read("file")
        with pytest.raises(RefusedError, match="folder is no folder"):
            opened_tree.read("folder/a")
    refusal(source, tree)
    assert "missing or is none" in refusal(source, source.tree([(FILE, "file", folder)])).message


def test_missing_objects_are_said(source: Source) -> None:
    missing: list[Line] = [(FILE, "a", "a" * 40)]
    with opened(source, source.commit(source.tree(missing))) as tree:
        with pytest.raises(RefusedError, match=r"object a{40} is missing"):
            tree.read("a")
        with pytest.raises(RefusedError, match="missing"):
            tree.check()


def test_each_limit_just_kept_and_just_passed(source: Source) -> None:
    def check(files: dict[str, bytes], limits: PushLimits = LIMITS) -> None:
        with opened(source, source.files(files), limits) as tree:
            tree.check()

    def read(data: bytes) -> bytes:
        with opened(source, source.files({"a": data})) as tree:
            return tree.read("a")

    assert read(b"x" * 1000) == b"x" * 1000
    with pytest.raises(RefusedError, match="a has 1,001 bytes, and 1,000 are the most"):
        read(b"x" * 1001)
    check({f"f{index}": b"" for index in range(50)})
    with pytest.raises(RefusedError, match="more than 50 files or folders"):
        check({f"f{index}": b"" for index in range(51)})
    check({f"d{index}/f": b"" for index in range(50)})
    check({"a/b/c/d/e/f": b""})
    with pytest.raises(RefusedError, match=r"a/b/c/d/e/f/ is more than 5 folders deep"):
        check({"a/b/c/d/e/f/g": b""})
    check({"x" * 60: b""})
    check({"d/" + "x" * 58: b""})
    with pytest.raises(RefusedError, match="more than 60 bytes in its path"):
        check({"d/" + "x" * 59: b""})
    # Unpacked, four times what a pack may have; the same bytes count for each file.
    check({f"f{index}": b"x" * 10_000 for index in range(4)})
    with pytest.raises(RefusedError, match="40,001 bytes, and 40,000 are the most"):
        check({**{f"f{index}": b"x" * 10_000 for index in range(4)}, "g": b"x"})


def test_a_small_push_that_unpacks_to_a_forest_is_refused(source: Source) -> None:
    tree = source.tree([])  # folders of nothing but folders: no file is ever counted
    for _ in range(4):
        tree = source.tree([(FOLDER, f"d{index}", tree) for index in range(40)])
    assert "more than 50 files or folders" in refusal(source, tree).message
    too_many = pytest.raises(RefusedError, match="more than 50")
    with opened(source, source.commit(tree)) as opened_tree, too_many:
        list(opened_tree.paths())


def test_a_tree_of_thousands_of_folders_in_each_other_is_refused(source: Source) -> None:
    tree = source.folder({"f": b""})
    for _ in range(40):
        tree = source.tree([(FOLDER, "d", tree)])
    assert "folders deep" in refusal(source, tree).message
    with opened(source, source.commit(tree)) as opened_tree:
        with pytest.raises(RefusedError, match="folders deep"):
            list(opened_tree.paths())
        with pytest.raises(KeyError):
            opened_tree.read("d/" * 40 + "f")


def test_a_folder_of_too_many_bytes_is_not_read(source: Source) -> None:
    limits = replace(LIMITS, files=3)
    tree = source.tree([(FILE, "x" * 50 + str(index), "a" * 40) for index in range(20)])
    assert refusal(source, tree, limits).message == "the commit has more than 3 files or folders"
    tree = source.tree([(FILE, "x" * 300 + str(index), "a" * 40) for index in range(5)])
    assert refusal(source, tree, limits).message == "the commit has more than 3 files or folders"


def test_executables_are_plain_files(source: Source) -> None:
    blob = source.blob(b"#!/bin/sh\n")
    commit = source.commit(source.tree([("100664", "old", blob), (RUNS, "run", blob)]))
    with opened(source, commit) as tree:
        tree.check()
        assert tree.read("run") == tree.read("old") == b"#!/bin/sh\n"
