"""Names in a commit that some system would take for another file."""

from __future__ import annotations

import pytest

from tests.repos.opened import opened, refusal
from tests.repos.source import FILE, FOLDER, Source
from toolkit.errors import RefusedError

DOT_GIT = [
    ".git", ".GIT", ".Git", ".gIt", "git~1", "GIT~1", "git~2", ".git ", ".git.", ".git . .",
    ".git::$INDEX_ALLOCATION", ".git:x", ".g\u200cit", ".gi\u200dt", "\u200e.git", ".git\ufeff",
    ".\u202agit", ".g\u206fit", "GIT~1 ",
]  # fmt: skip


@pytest.mark.parametrize("name", DOT_GIT, ids=ascii)
@pytest.mark.parametrize("below", ["", "src/"])
def test_no_spelling_of_gits_own_folder_is_taken(source: Source, name: str, below: str) -> None:
    tree = source.tree([(FOLDER, name, source.folder({"config": b"x"}))])
    if below:
        tree = source.tree([(FOLDER, "src", tree)])
    assert "is git's own folder to some system" in refusal(source, tree).message


@pytest.mark.parametrize(
    "name", [".gitignore", ".gitmodules", ".github", "git", "x.git", ".gitx", "git~"]
)
def test_names_that_only_look_like_it_are_taken(source: Source, name: str) -> None:
    with opened(source, source.files({name: b"x"})) as tree:
        tree.check()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (b"", "holds '', which is no name"),
        (b".", "holds '.', which is no name"),
        (b"..", "holds '..', which is no name"),
        (b"a\\b", "backslash"),
        (b"..\\..\\x", "backslash"),
        (b"\xff\xfe", "not UTF-8"),
        (b"a\nb", "cannot be printed"),
        (b"\x1b[2J", "cannot be printed"),
        (b"a\x7f", "cannot be printed"),
        ("a\u202eb".encode(), "cannot be printed"),
        ("a\u2028b".encode(), "cannot be printed"),
        (b"x" * 61, "more than 60 bytes"),
        ("ü".encode() * 31, "more than 60 bytes"),
    ],
    ids=repr,
)
def test_names_that_lead_astray_are_not_taken(source: Source, name: bytes, words: str) -> None:
    good = source.blob(b"x")
    tree = source.tree([(FILE, name, good), (FILE, "zz", good)])
    assert words in refusal(source, tree).message


@pytest.mark.parametrize("name", [b"../../etc/passwd", b"/etc/passwd", b"a/b", b"jobs/web"])
def test_a_slash_within_a_name_is_no_folder(source: Source, name: bytes) -> None:
    tree = source.tree([(FILE, name, source.blob(b"x"))])
    assert "which is no name" in refusal(source, tree).message
    for path in (name.decode(), "toolkit.toml"):
        with (
            opened(source, source.commit(tree)) as opened_tree,
            pytest.raises(RefusedError, match="no name"),
        ):
            opened_tree.read(path)
    with (
        opened(source, source.commit(tree)) as opened_tree,
        pytest.raises(RefusedError, match="no name"),
    ):
        list(opened_tree.paths())


@pytest.mark.parametrize(
    "name", ["--output=x", "-x", "$(id)", "a;id", "`id`", "a b", "ü", "日本", "%2e%2e", "~", "*"]
)
def test_names_that_are_only_odd_are_names(source: Source, name: str) -> None:
    with opened(source, source.files({f"jobs/{name}": b"x"})) as tree:
        tree.check()
        assert list(tree.paths("jobs/")) == [f"jobs/{name}"]
        assert tree.read(f"jobs/{name}") == b"x"
