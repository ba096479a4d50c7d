"""A whole server under pushes that are made to hurt it: it refuses them and serves the others."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.scripted import Asked, Reply
from tests.services.hook.gate_rig import FILES
from tests.services.hook.hook_process import (
    ADMIN_TOKEN,
    CONFIG,
    PUSHER_TOKEN,
    HookProcess,
    git,
    hook_process,
    nomad_state,
)
from tests.services.running import PATIENCE

MAIN = "jobs/web/job.nomad.hcl.j2"
LIMITED = CONFIG + '\n[limits]\ncheck_seconds = "2s"\ncheck_memory = 134217728\n'
ENDLESS = "[% for i in range(99999) %][% for j in range(99999) %][% endfor %][% endfor %]\n"


class Watching:
    """A Nomad that knows who people are, and lets nobody plan; a test looks on when it is asked."""

    def __init__(self) -> None:
        self.state = nomad_state()
        self.look: Callable[[Asked], None] = lambda _asked: None

    def answer(self, asked: Asked) -> Reply:
        self.look(asked)
        if asked.path.startswith(("/v1/acl/", "/v1/allocation", "/.well-known", "/v1/agent")):
            return self.state.answer(asked)
        return Reply(b"Permission denied", 403)


@pytest.fixture(scope="module")
def nomad() -> Watching:
    return Watching()


@pytest.fixture(scope="module")
def server(nomad: Watching, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    folder = tmp_path_factory.mktemp("hook")
    with hook_process(folder, nomad=nomad.answer, config=LIMITED) as running:
        running.make()
        running.make("web")
        yield running


def push(
    server: HookProcess,
    folder: Path,
    files: Mapping[str, str],
    name: str = "shop",
    secret: str = PUSHER_TOKEN,
) -> tuple[int, str]:
    """These files as the first commit of a new work tree, pushed."""
    folder.mkdir()
    git("init", "-q", "-b", "main", cwd=folder)
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    git("add", "-A", cwd=folder)
    git("commit", "-q", "-m", "x", cwd=folder)
    done = git("push", server.remote(name, secret), "main", cwd=folder, check=False)
    return done.returncode, done.stderr


def test_pushes_that_loop_and_eat_do_not_keep_others_from_theirs(
    server: HookProcess, tmp_path: Path
) -> None:
    """Two of one person that never end, and one that eats; another person's is answered."""
    eats = "[% set ns = namespace(s='a' * 1000) %]"
    eats += "[% for i in range(60) %][% set ns.s = ns.s ~ ns.s %][% endfor %]\n"
    with ThreadPoolExecutor(3) as pool:
        loops = [
            pool.submit(push, server, tmp_path / name, {**FILES, MAIN: ENDLESS}, name)
            for name in ("shop", "web")
        ]
        third = pool.submit(push, server, tmp_path / "third", {**FILES, MAIN: eats})
        code, said = push(server, tmp_path / "eats", {**FILES, MAIN: eats}, secret=ADMIN_TOKEN)
        assert server.ask("GET", "/healthz").json() == {"status": "ready"}
        assert code == 1
        assert f"remote: {MAIN}:1: the template needs more memory than there is for it" in said
        for loop in loops:
            code, said = loop.result(PATIENCE)
            assert code == 1
            assert "remote: the check of this commit was not done after 2 s" in said
        assert "needs more memory than there is for it" in third.result(PATIENCE)[1]
    for repo in ("shop", "web"):
        assert server.ask("GET", f"/repos/{repo}/deployments").json()["deployments"] == []


def test_a_token_that_may_not_plan_is_told_so_before_the_ref_moves(
    server: HookProcess, tmp_path: Path
) -> None:
    code, said = push(server, tmp_path / "work", FILES)
    assert code == 1
    assert "Nomad refused" in said or "denied" in said
    assert "remote: refused: shop stays as it is" in said
    assert PUSHER_TOKEN not in said
    assert not git("ls-remote", server.remote()).stdout


def test_while_a_commit_is_checked_no_process_shows_the_token(
    server: HookProcess, nomad: Watching, tmp_path: Path
) -> None:
    """Arguments and environments of everything that the server started, git's hooks included.

    Looked at whenever Nomad is asked something with the token: whoever does so still waits.
    """
    seen: set[str] = set()
    paths: list[str] = []

    def look(asked: Asked) -> None:
        if asked.headers.get("X-Nomad-Token") == PUSHER_TOKEN:
            paths.append(asked.path)
            seen.update(shown(server.process.pid))

    nomad.look = look
    code, _ = push(server, tmp_path / "work", FILES)
    nomad.look = lambda _asked: None
    assert code == 1
    # A child has the token by now, and asks with it.
    assert any("/jobs/parse" in path or "/plan" in path for path in paths), paths
    assert any("receive-pack" in text for text in seen)
    assert any("HOOK_NONCE=" in text for text in seen)
    assert not [text for text in seen if PUSHER_TOKEN in text]


def test_a_parent_of_children_that_was_killed_costs_nobody_a_push(
    server: HookProcess, tmp_path: Path
) -> None:
    [zygote] = [pid for pid in below(server.process.pid) if "hook.children.zygote" in argv(pid)]
    os.kill(zygote, signal.SIGKILL)
    code, said = push(server, tmp_path / "work", {**FILES, MAIN: "[[ nope ]]\n"})
    assert code == 1 and f"remote: {MAIN}:1: 'nope' is undefined" in said


def shown(root: int) -> set[str]:
    return {text for pid in below(root) for text in (argv(pid), environ(pid))}


def below(root: int) -> list[int]:
    """Every process that came from one, itself included."""
    found = [root]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").glob("*/children"):
            found += [int(child) for child in _read(str(task)).split()]
    return found


def argv(pid: int) -> str:
    return _read(f"/proc/{pid}/cmdline")


def environ(pid: int) -> str:
    return _read(f"/proc/{pid}/environ")


def _read(path: str) -> str:
    try:
        return Path(path).read_bytes().replace(b"\0", b"\n").decode(errors="replace")
    except OSError:
        return ""
