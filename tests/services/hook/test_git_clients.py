"""Clones and pushes with stock git in both versions of its protocol, and with another client."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.services.hook.git_server import ALICE, ENVIRON, GitServer, Work, git, git_server
from tests.services.running import PATIENCE


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture
def server(running: GitServer) -> Iterator[GitServer]:
    """With an empty repository, and without hooks."""
    running.make()
    yield running
    running.registry.delete("shop")
    running.gate.shut = ""
    for file in running.gate.hooks.iterdir():
        file.unlink()


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


@pytest.mark.parametrize("version", ["0", "1", "2"])
def test_clone_push_and_fetch(server: GitServer, work: Work, tmp_path: Path, version: str) -> None:
    talk = ("-c", f"protocol.version={version}")
    first = work.commit(a_txt="1")
    assert "[new branch]" in work.git(*talk, "push", server.remote(), "main")
    git(*talk, "clone", "-q", server.remote(), tmp_path / "clone")
    clone = Work(tmp_path / "clone")
    assert clone.head() == first
    second = work.commit(a_txt="2", b_txt="2")
    work.git(*talk, "push", "-q", server.remote(), "main", "main:refs/heads/other")
    clone.git(*talk, "fetch", "-q", "origin")
    assert clone.git("rev-parse", "origin/main", "origin/other").split() == [second, second]
    assert "up-to-date" in work.git(*talk, "push", server.remote(), "main")
    work.git(*talk, "push", "-q", server.remote(), ":other")
    assert "other" not in clone.git(*talk, "ls-remote", "origin")
    assert server.requests("git-receive-pack")[-1]["status"] == 200


def test_the_version_said_is_the_version_spoken(server: GitServer, work: Work) -> None:
    work.commit(a_txt="1")
    work.git("push", "-q", server.remote(), "main")
    for version, said in (("0", "git< # service=git-upload-pack"), ("2", "git< version 2")):
        words = ("-c", f"protocol.version={version}", "ls-remote", server.remote())
        assert said in work.git(*words, GIT_TRACE_PACKET="2"), version


def test_clone_of_nothing(server: GitServer, tmp_path: Path) -> None:
    assert "empty repository" in git("clone", server.remote(), tmp_path / "clone").stderr


def test_shallow(server: GitServer, work: Work, tmp_path: Path) -> None:
    """A shallow clone, a push from it, and all of its history after all."""
    for number in range(5):
        work.commit(a_txt=str(number))
    work.git("push", "-q", server.remote(), "main")
    git("clone", "-q", "--depth=1", server.remote(), tmp_path / "clone")
    clone = Work(tmp_path / "clone")
    assert clone.git("rev-list", "--count", "HEAD").strip() == "1"
    pushed = clone.commit(b_txt="more")
    clone.git("push", "-q", "origin", "HEAD:main")
    assert pushed in clone.git("ls-remote", "origin", "refs/heads/main")
    clone.git("fetch", "-q", "--unshallow")
    assert clone.git("rev-list", "--count", "HEAD").strip() == "6"


def test_a_large_push_comes_in_chunks(server: GitServer, work: Work, tmp_path: Path) -> None:
    """Beyond `http.postBuffer`, git knows no length beforehand."""
    pushed = work.commit(a_bin=os.urandom(3 << 20))
    work.git("-c", "http.postBuffer=65536", "push", "-q", server.remote(), "main")
    git("clone", "-q", server.remote(), tmp_path / "clone")
    assert Work(tmp_path / "clone").head() == pushed
    assert (tmp_path / "clone/a.bin").read_bytes() == (work.folder / "a.bin").read_bytes()


def test_lines_are_shown_when_they_are_said(server: GitServer, work: Work, tmp_path: Path) -> None:
    """The hook waits until its line was read: one kept back would be waited for for ever."""
    work.commit(a_txt="1")
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    server.gate.hook("pre-receive", f"echo first; cat {gate}; echo last")
    server.gate.hook("post-receive", "echo after")
    pushing = subprocess.Popen(
        ["git", "-C", work.folder, "push", server.remote(), "main"],
        env=ENVIRON, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    giving_up = threading.Timer(PATIENCE, pushing.kill)
    giving_up.start()
    assert pushing.stderr is not None
    with pushing, pushing.stderr as said:
        assert said.readline().strip() == "remote: first"
        gate.write_text("go\n")
        rest = [line.strip() for line in said]
    giving_up.cancel()
    assert rest[:3] == ["remote: go", "remote: last", "remote: after"]
    assert pushing.returncode == 0


def test_a_hook_that_refuses(server: GitServer, work: Work) -> None:
    work.commit(a_txt="1")
    server.gate.hook("pre-receive", "echo no such thing >&2; exit 1")
    said = work.git("push", server.remote(), "main", good=False)
    assert "remote: no such thing" in said
    assert "! [remote rejected] main -> main (pre-receive hook declined)" in said
    assert work.git("ls-remote", server.remote()) == ""


def test_hooks_of_the_repository_never_run(server: GitServer, work: Work, tmp_path: Path) -> None:
    """Only the gate's: whatever lies in the repository's own folder is not looked at."""
    bare = server.registry.path(server.registry.get("shop"))
    (bare / "hooks").mkdir()
    for name in ("pre-receive", "update", "post-receive", "post-update", "reference-transaction"):
        (bare / "hooks" / name).write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        (bare / "hooks" / name).chmod(0o755)
    work.commit(a_txt="1")
    work.git("push", "-q", server.remote(), "main")
    assert not (tmp_path / "ran").exists()


def test_git_sees_nothing_of_the_server(
    server: GitServer, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the server's environment nor the pusher's token."""
    monkeypatch.setenv("NOMAD_TOKEN", "canary-of-the-server")
    server.gate.hook("pre-receive", "env; tr '\\0' ' ' </proc/$PPID/cmdline")
    work.commit(a_txt="1")
    said = work.git("push", server.remote(), "main").replace(server.remote(), "")
    assert "GIT_QUARANTINE_PATH=" in said
    assert "receive-pack" in said
    assert "canary" not in said
    assert ALICE not in said


def dulwich(cwd: Path, *words: str | Path) -> subprocess.CompletedProcess[str]:
    """A client that is not git."""
    return subprocess.run(
        [sys.executable, "-m", "dulwich", *words],
        cwd=cwd, env=ENVIRON, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip


def test_dulwich(server: GitServer, work: Work, tmp_path: Path) -> None:
    """Clone and push with another client, and a push that is refused."""
    first = work.commit(a_txt="1")
    work.git("push", "-q", server.remote(), "main")
    ran = dulwich(tmp_path, "clone", server.remote(), tmp_path / "clone")
    assert ran.returncode == 0, ran.stderr
    clone = Work(tmp_path / "clone")
    assert clone.head() == first
    second = clone.commit(b_txt="2")
    ran = dulwich(clone.folder, "push", server.remote(), "refs/heads/main")
    assert ran.returncode == 0, ran.stderr
    assert second in work.git("ls-remote", server.remote(), "refs/heads/main")
    clone.commit(b_txt="3")
    server.gate.shut = "the gate is shut"
    ran = dulwich(clone.folder, "push", server.remote(), "refs/heads/main")
    assert "the gate is shut" in ran.stdout + ran.stderr
    assert second in work.git("ls-remote", server.remote(), "refs/heads/main")


def test_many_clones_at_once(server: GitServer, work: Work, tmp_path: Path) -> None:
    """More than there are places: who has none waits for one."""
    pushed = work.commit(a_txt="1")
    work.git("push", "-q", server.remote(), "main")

    def clone(number: int) -> str:
        git("clone", "-q", server.remote(), tmp_path / str(number))
        return Work(tmp_path / str(number)).head()

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(clone, range(20))) == {pushed}
