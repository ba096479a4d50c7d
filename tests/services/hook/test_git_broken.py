"""Connections that end in the middle, and servers that do: nothing wedges, nothing is left."""

from __future__ import annotations

import asyncio
import os
import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest
from hook.git.process import started

from tests.services.hook.git_server import ALICE, ENVIRON, GitServer, Work, git, git_server
from tests.services.hook.git_wire import (
    FETCH,
    PUSH,
    chunk,
    commands,
    connect,
    head_of,
    hear,
    hear_until,
    pkt,
    push_of,
    quarantined,
)
from tests.services.running import PATIENCE, until
from toolkit.spec.hook import PushLimits


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as running:
        yield running


@pytest.fixture(autouse=True)
def no_hooks(server: GitServer) -> Iterator[None]:
    """Each test has its own."""
    yield
    for file in server.gate.hooks.iterdir():
        file.unlink()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


def gits() -> list[psutil.Process]:
    """Git's processes below this one: the servers' own, for no test of here leaves a client."""
    found = psutil.Process().children(recursive=True)
    return [each for each in found if each.name().startswith("git")]


def answered(server: GitServer, service: str, number: int) -> None:
    """Wait until so many requests have come to their end."""
    until(lambda: len(server.requests(service)) >= number, f"{number} of {service}")


def cut_off(server: GitServer, repo: str, work: Work, seed: int, times: int) -> None:
    """Cut pushes off at random places, and let each come in whole after that."""
    chance, bare = random.Random(seed), server.make(repo)
    for number in range(times):
        branch = f"cut-{seed}-{number}"
        ref = bare / "refs/heads" / branch
        work.git("checkout", "-q", "--orphan", branch)
        work.commit(a_bin=chance.randbytes(300_000), b_txt=branch)
        body = push_of(work, branch)
        # Within the ref line, within the pack, or just before its end.
        sent = chance.choice((chance.randrange(200), chance.randrange(len(body)), len(body) - 1))
        before = len(server.requests(PUSH))
        if chance.random() < 0.5:
            said = head_of(PUSH, length=len(body), repo=repo) + body[:sent]
        else:
            said = head_of(PUSH, repo=repo) + (chunk(body[:sent]) if sent else b"")
        connect(server, said).close()
        answered(server, PUSH, before + 1)
        assert not ref.exists(), (seed, number, sent)
        assert quarantined(bare) == [], (seed, number, sent)
        assert server.requests(PUSH)[-1]["detail"] == "the connection ended before the body did"
        whole = hear(connect(server, head_of(PUSH, length=len(body), repo=repo) + body))
        assert b"unpack ok" in whole, (seed, number)
        assert ref.read_text().strip() == work.head()
    assert server.gate.inside == 0
    until(lambda: not gits(), "all of git has ended")
    assert git("--git-dir", bare, "fsck", "--no-dangling").stdout == ""


def test_pushes_that_are_cut_off(server: GitServer, work: Work) -> None:
    """Short of its last byte none moves its ref, and none is in the way of the next."""
    cut_off(server, "cut", work, seed=8, times=10)


@pytest.mark.soak
def test_many_pushes_that_are_cut_off(server: GitServer, work: Work) -> None:
    for seed in range(20):
        cut_off(server, f"cut-{seed}", work, seed=seed, times=10)


def test_a_pusher_who_goes_stops_nothing(server: GitServer, work: Work, tmp_path: Path) -> None:
    """Megabytes are said to nobody: whoever did not take them would hold git up for ever."""
    bare = server.make("gone")
    work.commit(a_txt="1")
    go, done = tmp_path / "go", tmp_path / "done"
    server.gate.hook(
        "pre-receive",
        f"echo begun; until [ -e {go} ]; do sleep 0.05; done; yes said | head -c 3000000",
    )
    server.gate.hook("post-receive", f"yes said | head -c 3000000; touch {done}")
    before = len(server.requests(PUSH))
    with subprocess.Popen(
        ["git", "-C", work.folder, "push", server.remote("gone"), "main"],
        env=ENVIRON, stderr=subprocess.PIPE, text=True,
    ) as pushing:  # fmt: skip
        assert pushing.stderr is not None
        assert pushing.stderr.readline().strip() == "remote: begun"
        pushing.kill()
    go.touch()
    answered(server, PUSH, before + 1)
    assert done.exists()
    assert (bare / "refs/heads/main").read_text().strip() == work.head()
    assert server.gate.inside == 0


def test_a_pusher_who_does_not_read(tmp_path: Path, work: Work) -> None:
    """Is cut off after a while, and the push goes on."""
    with git_server(tmp_path, answer_seconds=0.5) as server:
        bare = server.make()
        work.commit(a_txt="1")
        server.gate.hook("post-receive", f"yes said | head -c 12000000; touch {tmp_path}/done")
        body = push_of(work)
        with connect(server, head_of(PUSH, length=len(body)) + body):
            until((tmp_path / "done").exists, "the hook has said all")
        assert (bare / "refs/heads/main").read_text().strip() == work.head()


def test_git_ends_with_who_asked_for_a_clone(server: GitServer, work: Work) -> None:
    bare = server.make("clone")
    work.commit(a_bin=os.urandom(12 << 20))
    work.git("push", "-q", bare.as_posix(), "main")
    body = pkt(f"want {work.head()} side-band-64k ofs-delta\n") + b"0000" + pkt("done\n")
    before = len(server.requests(FETCH))
    connection = connect(server, head_of(FETCH, length=len(body), repo="clone") + body)
    hear_until(connection, b"PACK")
    assert gits()
    connection.close()
    answered(server, FETCH, before + 1)
    until(lambda: not gits(), "git has ended")


def test_a_clone_request_that_is_cut_off(server: GitServer) -> None:
    server.make("asked")
    before = len(server.requests(FETCH))
    connect(server, head_of(FETCH, length=100, repo="asked") + b"0032want ").close()
    answered(server, FETCH, before + 1)
    until(lambda: not gits(), "git has ended")


def test_a_server_that_ends(tmp_path: Path, work: Work) -> None:
    """In the middle of a push: git is asked to end, and takes what it has brought with it."""
    work.commit(a_txt="1")
    with git_server(tmp_path) as server:
        bare = server.make()
        server.gate.hook("pre-receive", "echo begun; exec sleep 100")
        body = push_of(work)
        connection = connect(server, head_of(PUSH, length=len(body)) + body)
        hear_until(connection, b"begun")
        assert quarantined(bare)
    with connection:
        pass
    assert quarantined(bare) == []
    assert not gits()
    assert not (bare / "refs/heads/main").exists()


def test_what_a_killed_server_left_goes_with_the_next_push(server: GitServer, work: Work) -> None:
    bare = server.make("left")
    for name in ("tmp_objdir-incoming-abc123", "incoming-abc123"):
        (bare / "objects" / name / "pack").mkdir(parents=True)
        (bare / "objects" / name / "pack/tmp_pack_x").write_bytes(b"half")
    work.commit(a_txt="1")
    work.git("push", "-q", server.remote("left"), "main")
    until(lambda: not quarantined(bare), "it is swept")


def test_two_pushes_do_not_take_each_other_s_objects(
    server: GitServer, work: Work, tmp_path: Path
) -> None:
    """The second begins while the first one's objects still wait."""
    server.make("both")
    work.commit(a_txt="1")
    go = tmp_path / "go"
    server.gate.hook("pre-receive", f"echo in; until [ -e {go} ]; do sleep 0.05; done")
    with ExitStack() as stack:
        both = []
        for branch in ("one", "two"):
            pushing = stack.enter_context(
                subprocess.Popen(
                    ["git", "-C", work.folder, "push", server.remote("both"), f"main:{branch}"],
                    env=ENVIRON, stderr=subprocess.PIPE, text=True,
                )
            )  # fmt: skip
            assert pushing.stderr is not None
            assert pushing.stderr.readline().strip() == "remote: in"
            both.append(pushing)
        go.touch()
        assert [pushing.wait(PATIENCE) for pushing in both] == [0, 0]


def test_a_repository_that_is_deleted_meanwhile(
    server: GitServer, work: Work, tmp_path: Path
) -> None:
    """Git stays in the folder, wherever that was moved: the push goes to the trash, all of it."""
    server.make("deleted")
    work.commit(a_txt="1")
    go = tmp_path / "go"
    server.gate.hook("pre-receive", f"echo in; until [ -e {go} ]; do sleep 0.05; done")
    before = len(server.requests(PUSH))
    with subprocess.Popen(
        ["git", "-C", work.folder, "push", server.remote("deleted"), "main"],
        env=ENVIRON, stderr=subprocess.PIPE, text=True,
    ) as pushing:  # fmt: skip
        assert pushing.stderr is not None
        assert pushing.stderr.readline().strip() == "remote: in"
        deleted = server.registry.delete("deleted")
        go.touch()
        assert pushing.wait(PATIENCE) == 0
    answered(server, PUSH, before + 1)
    assert server.registry.restore(deleted).name == "deleted"
    assert work.head() in work.git("ls-remote", server.remote("deleted"))
    assert server.gate.inside == 0


def test_an_empty_push_asks_nobody(server: GitServer) -> None:
    """Clients send it to learn whether they may: no git, no gate."""
    server.make("empty")
    before = list(server.gate.passed)
    said = hear(connect(server, head_of(PUSH, length=4, repo="empty") + b"0000"))
    assert b"200 OK" in said
    assert server.gate.passed == before


def test_the_words_of_git_itself(server: GitServer) -> None:
    """What it says on its way out is told, without where things are."""
    bare = server.make("words")
    said = hear(connect(server, head_of(FETCH, length=8, repo="words") + b"00000000"))
    assert b"200 OK" in said
    body = commands(["nonsense"])
    said = hear(connect(server, head_of(PUSH, length=len(body), repo="words") + body))
    assert b"ERR git ended with 128: fatal: " in said or b"not taken" in said
    assert str(bare.parent).encode() not in said
    assert [each["code"] for each in server.log if each["event"] == "git"][-1] == 128


def test_a_push_that_takes_for_ever(tmp_path: Path, work: Work) -> None:
    """Ends at its deadline, in words, with all that it has started and brought."""
    limits = PushLimits(seconds=2.0, check_seconds=0.0, deploy_seconds=0.0)
    with git_server(tmp_path, limits, ending=0.0) as server:
        bare = server.make()
        work.commit(a_txt="1")
        server.gate.hook("pre-receive", "sleep 100 & wait")
        said = work.git("push", server.remote(), "main", good=False)
        assert "remote: git did not end within 2 s" in said
        assert "! [remote rejected] main -> main (not taken)" in said
        until(lambda: server.gate.inside == 0, "its place is free")
        assert quarantined(bare) == []
        assert not gits()
        assert server.requests(PUSH)[-1]["problem"] == "unavailable"


def test_a_git_that_will_not_end(tmp_path: Path) -> None:
    """Is killed with all that it has started."""

    async def run() -> tuple[int, list[int]]:
        script = 'trap "" TERM; sleep 100 & echo $! $$; wait; sleep 100'
        async with started(
            tmp_path, ["x"], settings={"alias.x": f"!{script}"}, limited=(), environ={}, grace=0.1
        ) as git:
            async for piece in git.pieces():
                numbers = [int(each) for each in piece.split()]
                break
        return await git.wait(), numbers

    code, numbers = asyncio.run(run())
    assert code == -9
    until(lambda: not any(alive(number) for number in numbers), "all of them have ended")


def alive(number: int) -> bool:
    try:
        return bool(psutil.Process(number).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_limits_hold_for_all_that_git_starts(server: GitServer, work: Work) -> None:
    server.make("limited")
    server.gate.hook("pre-receive", "cat /proc/self/limits /proc/self/stat; ps -o sid= -p $$")
    work.commit(a_txt="1")
    said = work.git("push", server.remote("limited"), "main")
    limits = {
        line[8:34].strip(): line[34:55].strip() for line in said.splitlines() if "Max " in line
    }
    assert limits["Max core file size"] == "0"
    assert limits["Max cpu time"] == "600"
    assert limits["Max address space"] == str(1 << 30)
    assert limits["Max file size"] == str((2 * 256 + 64) << 20)
    assert int(said.splitlines()[-3].split()[1]) != os.getsid(0)
    assert ALICE not in said.replace(server.remote("limited"), "")
