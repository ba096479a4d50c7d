"""Refs of a push: all of them read, each judged, none moved where one is wrong."""

from __future__ import annotations

import subprocess
from typing import NoReturn

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.errors import RefusedError
from toolkit.repos.refs import HEADS, branch_fault, check_branch, judge, read_lines
from toolkit.spec.hook import PushLimits
from toolkit.spec.repo import RefChange, Repo

NOTHING = "0" * 40
A, B, C = "a" * 40, "b" * 40, "c" * 40
SHOP = Repo("shop")
LIMITS = PushLimits()

HOSTILE = [
    "", "-x", "--output=/tmp/x", "--upload-pack=touch${IFS}x", "$(id)", "`id`", "a;id", "a|id",
    "a b", "a\tb", "a\x1b[31m", "a\x07", "a\x7f", "a..b", "..", "../x", "a/../b", "a//b", "/a",
    "a/", "a.", ".a", "a/.b", "a.lock", "a.lock/b", "a@{0}", "@", "@{u}", "a~1", "a^", "a^{}",
    "a:b", "a?", "a*", "a[b]", "a\\b", "a'b", 'a"b', "a&b", "a=b", "a,b", "a%2eb", "ä",
    "main\u202e", "ｍain", "ma\u0131n", "a" * 202, "HEAD", A, "d" * 64, "{a,b}", "!a", "#a", "a<b",
    "a>b", "a\0b", "a\nb", "a\r",
]  # fmt: skip


def never(old: str, new: str) -> NoReturn:
    raise AssertionError("nothing has to be asked")


def judged(*changes: RefChange, repo: Repo = SHOP, forward: bool = True) -> RefChange | None:
    return judge(repo, changes, LIMITS, lambda old, new: forward)


def branch(name: str, old: str = NOTHING, new: str = A) -> RefChange:
    return RefChange(old, new, HEADS + name)


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_names_that_somebody_might_take_for_something_else_are_refused(name: str) -> None:
    with pytest.raises(RefusedError) as caught:
        judge(SHOP, [branch("fine"), branch(name)], LIMITS, never)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300
    with pytest.raises(RefusedError):
        check_branch(name)


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("refs/tags/v1", "is a tag"),
        ("refs/tags/main", "is a tag"),
        ("refs/notes/commits", "is no branch"),
        ("refs/replace/" + A, "is no branch"),
        ("refs/toolkit/kept/" + A, "is no branch"),
        ("refs/headsmain", "is no branch"),
        ("refs/Heads/main", "is no branch"),
        ("refs/heads", "is no branch"),
        ("main", "is no branch"),
        ("HEAD", "is no branch"),
        ("refs/stash", "is no branch"),
        ("refs/remotes/origin/main", "is no branch"),
    ],
)
def test_only_branches_are_taken(ref: str, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        judge(SHOP, [RefChange(NOTHING, A, ref)], LIMITS, never)
    with pytest.raises(RefusedError, match=words):
        judge(SHOP, [branch("main"), RefChange(A, NOTHING, ref)], LIMITS, never)


@pytest.mark.parametrize(
    "name",
    ["main", "a", "1", "feature/x", "v1.2.3", "a_b-c", "a/-b", "a" * 201, "a.b/c.d", "HEADS"],
)
def test_plain_branches_are_taken_and_git_knows_them_as_well(name: str) -> None:
    assert check_branch(name) == name
    assert judged(branch(name)) == (branch(name) if name == "main" else None)
    asked = ["git", "check-ref-format", "--branch", name]
    assert subprocess.run(asked, capture_output=True).stdout.decode().strip() == name


def test_the_deployed_branch_may_be_made_and_go_forward() -> None:
    assert judge(SHOP, [branch("main")], LIMITS, never) == branch("main")
    assert judged(branch("main", A, B)) == branch("main", A, B)
    asked = []

    def is_ancestor(old: str, new: str) -> bool:
        asked.append((old, new))
        return True

    changes = [branch("x", C, B), branch("main", A, B), branch("y", A, NOTHING)]
    assert judge(SHOP, changes, LIMITS, is_ancestor) == changes[1]
    assert asked == [(A, B)]


def test_the_deployed_branch_cannot_be_removed() -> None:
    with pytest.raises(RefusedError, match="main is what shop deploys, and cannot be removed"):
        judge(SHOP, [branch("main", A, NOTHING)], LIMITS, never)


def test_the_deployed_branch_does_not_go_back() -> None:
    with pytest.raises(RefusedError) as caught:
        judged(branch("main", A, B), forward=False)
    assert caught.value.message == "main only goes forward: bbbbbbb leaves out commits of aaaaaaa"
    assert caught.value.hint is not None and "toolkit repo rollback shop" in caught.value.hint


def test_other_branches_are_the_pushers_own() -> None:
    changes = [branch("x", A, NOTHING), branch("y", A, B), branch("z")]
    assert judge(SHOP, changes, LIMITS, never) is None


def test_the_deployed_branch_is_the_one_that_the_repository_says() -> None:
    repo = Repo("shop", branch="release/1")
    assert judge(repo, [branch("main", A, NOTHING)], LIMITS, never) is None
    with pytest.raises(RefusedError, match="release/1 is what shop deploys"):
        judge(repo, [branch("release/1", A, NOTHING)], LIMITS, never)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ([], "names no ref"),
        ([branch("main"), branch("main")], "twice"),
        ([branch("x"), branch("main"), branch("x", A, B)], "twice"),
        ([branch("main", NOTHING, NOTHING)], "from nothing to nothing"),
        ([branch("main", A, "0" * 64)], "mixes"),
        ([branch("x", "0" * 64, "a" * 64), branch("main")], "mixes"),
        ([branch("main", A, "A" * 40)], "no commits"),
        ([branch("main", A, "a" * 39)], "no commits"),
        ([branch("main", A, "--output=x")], "no commits"),
        ([branch(f"b{index}") for index in range(101)], "101 refs, and 100 are the most"),
    ],
    ids=str,
)
def test_pushes_that_are_none(changes: list[RefChange], words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        judge(SHOP, changes, LIMITS, never)


def test_a_hundred_branches_are_not_too_many() -> None:
    assert judged(*(branch(f"b{index}") for index in range(100))) is None


def test_sha256_is_judged_as_sha1_is() -> None:
    change = RefChange("a" * 64, "b" * 64, "refs/heads/main")
    assert judged(change) == change
    with pytest.raises(RefusedError, match="only goes forward"):
        judged(change, forward=False)


def test_all_lines_are_read() -> None:
    data = f"{A} {B} refs/heads/x\n{NOTHING} {C} refs/heads/main\n{C} {NOTHING} refs/tags/v\n"
    assert read_lines(data.encode()) == (
        RefChange(A, B, "refs/heads/x"),
        RefChange(NOTHING, C, "refs/heads/main"),
        RefChange(C, NOTHING, "refs/tags/v"),
    )
    assert read_lines(b"") == ()


def test_a_hundred_thousand_lines_are_read_and_refused_by_their_number() -> None:
    data = b"".join(b"%s %s refs/heads/b%d\n" % (b"0" * 40, b"a" * 40, n) for n in range(100_000))
    changes = read_lines(data)
    assert len(changes) == 100_000
    with pytest.raises(RefusedError, match="100,000 refs, and 100 are the most"):
        judge(SHOP, changes, LIMITS, never)


@pytest.mark.parametrize(
    "data",
    [
        f"{A} {B} refs/heads/x",
        "\n",
        f"{A} {B}\n",
        f"{A} {B} \n",
        f"{A}  {B} refs/heads/x\n",
        f"{A}\t{B}\trefs/heads/x\n",
        f"{A[:-1]} {B} refs/heads/x\n",
        f"{A.upper()} {B} refs/heads/x\n",
        f"{A} {B} refs/heads/x\0y\n",
        f"{A} {B} refs/heads/x\n\n",
    ],
    ids=repr,
)
def test_lines_that_git_does_not_write_are_refused(data: str) -> None:
    with pytest.raises(RefusedError, match="git's list of refs"):
        read_lines(data.encode())


def test_a_name_that_is_no_text_is_read_and_then_refused() -> None:
    (change,) = read_lines(f"{NOTHING} {A} refs/heads/".encode() + b"\xff\xfe\n")
    with pytest.raises(RefusedError, match="cannot name a branch"):
        judge(SHOP, [change], LIMITS, never)


@pytest.mark.parametrize("separator", ["\r", "\v", "\f", "\x1c", "\x85", "\u2028"])
def test_only_a_line_feed_ends_a_line(separator: str) -> None:
    hidden = f"{NOTHING} {A} refs/heads/x{separator}{NOTHING} {A} refs/heads/main\n"
    (change,) = read_lines(hidden.encode())
    with pytest.raises(RefusedError, match="cannot name a branch"):
        judge(SHOP, [change], LIMITS, never)


@given(st.binary(max_size=300))
def test_no_bytes_break_the_reading(data: bytes) -> None:
    try:
        changes = read_lines(data)
    except RefusedError as error:
        assert error.message.isprintable()
        return
    assert len(changes) == data.count(b"\n")


@given(st.lists(st.tuples(st.sampled_from([A, B, NOTHING]), st.text(min_size=1, max_size=30))))
def test_what_is_written_is_what_is_read(pairs: list[tuple[str, str]]) -> None:
    plain = [(new, name) for new, name in pairs if not {"\n", "\0"} & set(name)]
    lines = (f"{C} {new} refs/heads/{name}\n" for new, name in plain)
    data = "".join(lines).encode(errors="replace")
    read = [(change.new, change.name) for change in read_lines(data)]
    wanted = [name.encode(errors="replace").decode() for _, name in plain]
    assert read == [(new, HEADS + name) for (new, _), name in zip(plain, wanted, strict=True)]


@given(st.text(alphabet="ab0./-_@{~^: \\*[lock", max_size=24))
def test_a_branch_that_is_taken_is_one_that_git_takes(name: str) -> None:
    if branch_fault(name) is None:
        asked = ["git", "check-ref-format", HEADS + name]
        assert subprocess.run(asked, capture_output=True).returncode == 0


@given(st.text(max_size=210))
def test_a_branch_that_is_taken_has_only_its_alphabet(name: str) -> None:
    if branch_fault(name) is None:
        assert name.isascii() and name[0].isalnum() and len(name) <= 201
        assert all(c.isalnum() or c in "._/-" for c in name)
