"""Hostile refs, trees and packs, sent to a whole server by hand: refused, and nothing stays.

Every payload would leave a file behind, or a name in a log that moves a cursor, if anything that
was pushed were ever run, followed or printed as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

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
from tests.services.hook.hook_process import PUSHER, HookProcess, hook_process

CONFIG: Object = ("blob", b'[project]\nname = "shop"\n')
PLAIN: Object = ("tree", line_of("100644", b"toolkit.toml", id_of(CONFIG)))
GOOD: list[Object] = [CONFIG, PLAIN, commit_of(id_of(PLAIN))]
CANARY = "/tmp/hook-corpus-canary"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    """A server with one empty repository, which in the end is as empty as it was."""
    with hook_process(tmp_path_factory.mktemp("corpus")) as running:
        running.make()
        bare = running.data / "repos" / "shop.git"
        before = files_in(bare)
        yield running
        assert heads(bare) == {}
        assert files_in(bare) == before
        assert not Path(CANARY).exists()
        assert not list((running.data / "deployments").glob("*/*"))
        assert not list((running.data / "pending").glob("*"))
        for path in (running.data / "audit").glob("*.jsonl"):
            assert no_control(path.read_text())


def files_in(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def no_control(text: str) -> bool:
    return all(line.isprintable() for line in text.split("\n"))


def push(
    server: HookProcess, refs: Sequence[tuple[str, str, str]], objects: Sequence[Object] = GOOD
) -> str:
    """What the pusher sees of a push that no client has looked at; control characters are none."""
    answer = server.ask(
        "POST",
        "/shop.git/git-receive-pack",
        {**PUSHER, "Content-Type": "application/x-git-receive-pack-request"},
        content=request_of(refs, pack_of(objects)),
    )
    assert answer.status_code == 200, answer.text
    told, report = bands(answer.content)
    assert no_control(told), told
    return f"{told}\n{report}"


def bands(data: bytes) -> tuple[str, str]:
    """What a person is told, and what git reports to git: each ref by the name that it was sent."""
    told, report = bytearray(), bytearray()
    while size := int(data[:4] or b"0", 16):
        line = data[4:size]
        if line[:1] == b"\1":
            report += line[1:]
        else:
            told += line.removeprefix(b"\2").removeprefix(b"\3")
        data = data[size:]
    return told.decode(errors="replace"), report.decode(errors="replace")


def refused(said: str, words: str) -> None:
    assert words in said
    assert "ok refs/" not in said


REFS = [
    ("--output=" + CANARY, "cannot name a branch"),
    ("--upload-pack=touch${IFS}" + CANARY, "cannot name a branch"),
    ("-x", "cannot name a branch"),
    ("$(touch${IFS}" + CANARY + ")", "cannot name a branch"),
    ("`touch${IFS}" + CANARY + "`", "cannot name a branch"),
    ("a;touch${IFS}" + CANARY, "cannot name a branch"),
    ("a|id", "cannot name a branch"),
    ("a&id", "cannot name a branch"),
    ("a'b", "cannot name a branch"),
    ('a"b', "cannot name a branch"),
    ("ma\u0131n", "cannot name a branch"),
    ("main\u202e", "cannot name a branch"),
    ("\udcff\udcfe", "cannot name a branch"),
    ("a" * 202, "cannot name a branch"),
    ("d" * 40, "cannot name a branch"),
    ("HEAD", "cannot name a branch"),
]


@pytest.mark.parametrize(("name", "words"), REFS, ids=lambda value: ascii(value)[:40])
def test_branches_that_are_something_else(server: HookProcess, name: str, words: str) -> None:
    """With a good one beside it: that one does not move either."""
    commit = id_of(GOOD[-1])
    both = [(NOTHING, commit, "refs/heads/fine"), (NOTHING, commit, f"refs/heads/{name}")]
    refused(push(server, both), words)


BROKEN = ["a..b", "a.lock", "a\x1b[2J", "a\x7fb", "a~1", "a^", "a:b", "a?", "a*", "a[b", "a\\b",
          "a@{0}", ".a", "a/.b", "a.", "/a", "a//b", "../../../x", "a b", "@{-1}"]  # fmt: skip


@pytest.mark.parametrize("name", BROKEN, ids=ascii)
def test_branches_that_git_itself_refuses(server: HookProcess, name: str) -> None:
    said = push(server, [(NOTHING, id_of(GOOD[-1]), f"refs/heads/{name}")])
    assert "ok refs/" not in said
    assert "ng refs/heads/" in said or "cannot" in said or "ERR" in said


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("refs/tags/v1", "is a tag"),
        ("refs/tags/main", "is a tag"),
        ("refs/notes/commits", "is no branch"),
        ("refs/replace/" + "a" * 40, "is no branch"),
        ("refs/remotes/origin/main", "is no branch"),
        ("refs/stash", "is no branch"),
    ],
)
def test_refs_that_are_no_branches(server: HookProcess, ref: str, words: str) -> None:
    commit = id_of(GOOD[-1])
    refused(push(server, [(NOTHING, commit, "refs/heads/fine"), (NOTHING, commit, ref)]), words)


def test_refs_of_the_servers_own(server: HookProcess) -> None:
    commit = id_of(GOOD[-1])
    said = push(server, [(NOTHING, commit, f"refs/toolkit/kept/{commit}")])
    assert "ng refs/toolkit" in said or "is no branch" in said
    assert "ok refs/" not in said


def of(*lines: bytes, more: Sequence[Object] = ()) -> list[Object]:
    """A commit of one folder with these lines, and all that it needs."""
    tree: Object = ("tree", b"".join(lines))
    return [CONFIG, *more, tree, commit_of(id_of(tree))]


def below(name: bytes, *lines: bytes, more: Sequence[Object] = ()) -> list[Object]:
    """As `of`, one folder down."""
    tree: Object = ("tree", b"".join(lines))
    return of(line_of("40000", name, id_of(tree)), more=[*more, tree])


PASSWD: Object = ("blob", b"/etc/passwd")
OUT: Object = ("blob", b"../../../../../../../../etc/passwd")
MODULES: Object = ("blob", b'[submodule "x"]\n\tpath = x\n\turl = -u./payload\n')
FSMONITOR: Object = ("blob", f"[core]\n\tfsmonitor = touch {CANARY}\n".encode())
TOML = line_of("100644", b"toolkit.toml", id_of(CONFIG))

TREES = [
    ("link", of(line_of("120000", b"toolkit.toml", id_of(PASSWD)), more=[PASSWD]), "symbolic link"),
    ("link-out", of(line_of("120000", b"jobs", id_of(OUT)), TOML, more=[OUT]), "symbolic link"),
    ("link-below", below(b"src", line_of("120000", b"x", id_of(PASSWD)), more=[PASSWD]),
     "src/x is a symbolic link"),
    ("submodule", of(TOML, line_of("160000", b"x", "a" * 40)), "x is a submodule"),
    ("modules", of(line_of("100644", b".gitmodules", id_of(MODULES)), more=[MODULES]),
     "gitmodulesUrl"),
    ("modules-link", of(line_of("120000", b".gitmodules", id_of(PASSWD)), more=[PASSWD]),
     "gitmodulesSymlink"),
    *((f"dot-git-{name!a}", below(name, line_of("100644", b"config", id_of(FSMONITOR)),
                                       more=[FSMONITOR]), "hasDotgit")
      for name in (b".git", b".GIT", b"git~1", ".g\u200cit".encode(), b".git.", b".git ")),
    ("git~2", below(b"git~2", TOML), "git's own folder"),
    ("stream", below(b".git:x", TOML), "hasDotgit"),
    ("dot-dot", below(b"..", TOML), "hasDotdot"),
    ("slash", of(line_of("100644", b"../../x", id_of(CONFIG))), "fullPathname"),
    ("absolute", of(line_of("100644", CANARY.encode(), id_of(CONFIG))), "fullPathname"),
    ("empty", of(line_of("100644", b"", id_of(CONFIG))), "empty filename"),
    ("twice", of(TOML, TOML), "duplicateEntries"),
    ("backslash", of(line_of("100644", b"..\\x", id_of(CONFIG))), "backslash"),
    ("escape", of(line_of("100644", b"\x1b[2J", id_of(CONFIG))), "cannot be printed"),
    ("line-feed", of(line_of("100644", b"a\nremote: deployed", id_of(CONFIG))),
     "cannot be printed"),
    ("no-text", of(line_of("100644", b"\xff\xfe", id_of(CONFIG))), "not UTF-8"),
    ("device", of(line_of("60000", b"x", id_of(CONFIG))), "a mode that git does not know"),
    ("long", of(line_of("100644", b"x" * 401, id_of(CONFIG))), "more than 400 bytes"),
    ("deep", deep(33), "more than 32 folders deep"),
    ("very-deep", deep(20_000), "more than 32 folders deep"),
    ("forest", forest(9, 100), "more than 20,000 files"),
    ("missing", of(TOML, line_of("100644", b"x", "a" * 40)), "did not receive expected object"),
]  # fmt: skip


@pytest.mark.parametrize(("objects", "words"), [t[1:] for t in TREES], ids=[t[0] for t in TREES])
def test_commits_that_lead_elsewhere(
    server: HookProcess, objects: list[Object], words: str
) -> None:
    refused(push(server, [(NOTHING, id_of(objects[-1]), "refs/heads/main")], objects), words)


@pytest.mark.parametrize("between", ["\n", "\r", "\r\n", "\n\n"], ids=ascii)
def test_a_line_within_a_line(server: HookProcess, between: str) -> None:
    """Git would hand it to hooks as one name, which reads as a move of main that nobody makes."""
    commit, before = id_of(GOOD[-1]), server.entries()
    hidden = f"refs/heads/fine{between}{NOTHING} {commit} refs/heads/main"
    first = (NOTHING, commit, "refs/heads/first")
    for refs in ([first, (NOTHING, commit, hidden)], [(NOTHING, commit, hidden), first]):
        said = push(server, refs)
        assert "a ref with a space or a control character in it" in said
        assert "ok refs/" not in said, said
        assert "checking" not in said, said
        assert "deployment " not in said, said
    assert server.entries() == before


@pytest.mark.parametrize("kind", ["blob", "tree"])
def test_what_is_no_commit(server: HookProcess, kind: str) -> None:
    chosen = CONFIG if kind == "blob" else PLAIN
    refused(push(server, [(NOTHING, id_of(chosen), "refs/heads/main")]), f"is a {kind}, not a")


def test_one_branch_in_two_lines(server: HookProcess) -> None:
    line = (NOTHING, id_of(GOOD[-1]), "refs/heads/main")
    said = push(server, [line, line])
    assert "ok refs/" not in said


def test_a_branch_that_moves_from_where_it_is_not(server: HookProcess) -> None:
    said = push(server, [("b" * 40, id_of(GOOD[-1]), "refs/heads/main")])
    assert "ok refs/" not in said
