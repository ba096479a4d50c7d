"""Many pushes and many readers at once, through the whole server: every line whole, every end said.

Nomad plans what it is asked and registers nothing, so that every deployment comes to its verdict.
"""

from __future__ import annotations

import base64
import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.repos.branches import heads
from tests.services.hook.hook_process import (
    ADMIN_TOKEN,
    CONFIG,
    PUSHER,
    PUSHER_TOKEN,
    HookProcess,
    git,
    hook_process,
)
from tests.services.hook.obliging import Held, Obliging, project, pushed
from tests.services.running import PATIENCE

SOME, REPOS = ("api", "mail"), ("blog", "cart", "docs", "news", "wiki")
MUCH = CONFIG.replace('["shop", "web"]', json.dumps(["shop", "web", *SOME, *REPOS]))
READERS = 12
LINE = 800
MEGABYTE = 1_000_000
TALKS = f"""#!/bin/sh
read old new ref
line=$(printf '%0{LINE - 60}d' 0)
i=0
while [ $i -lt COUNT ]; do
  echo "<$new $i $line>"
  i=$((i+1))
done
"""
"""A script that says much, each line with the commit it is about, a number, and an end."""
WHOLE = re.compile(rf"<([0-9a-f]{{40}}) (\d+) 0{{{LINE - 60}}}>")


def hooks_of(server: HookProcess, repo: str, *names: str, size: int = MEGABYTE) -> None:
    """A repository's own scripts, each of which says so many bytes."""
    data = base64.b64encode(TALKS.replace("COUNT", str(size // LINE)).encode()).decode()
    files = [{"path": name, "executable": True, "data": data} for name in names]
    answer = server.ask("POST", f"/repos/{repo}/hooks", json={"files": files})
    assert answer.is_success, answer.text


def records(server: HookProcess, repo: str) -> list[dict[str, Any]]:
    found = server.ask("GET", f"/repos/{repo}/deployments").json()["deployments"]
    return [dict(each) for each in found]


@pytest.mark.parametrize(
    ("repos", "each", "size"),
    [
        pytest.param(SOME, 3, MEGABYTE // 4, id="six"),
        pytest.param(REPOS, 4, MEGABYTE, id="twenty", marks=pytest.mark.soak),
    ],
)
def test_pushes_at_once_that_are_told_much(
    server: HookProcess, tmp_path: Path, repos: tuple[str, ...], each: int, size: int
) -> None:
    """One person's, each of a commit of its own, several to each branch that is deployed."""
    work = tmp_path / "work"
    commits = [project(work), *(project(work, {"a": str(n)}) for n in range(each - 1))]
    for name in repos:
        server.make(name, order="queue")
        hooks_of(server, name, "pre-receive", size=size)

    def push(job: tuple[str, str]) -> tuple[str, str, int, str]:
        name, commit = job
        return name, commit, *pushed(work, server, f"{commit}:refs/heads/main", name=name)

    jobs = [(name, commit) for commit in commits for name in repos]
    with ThreadPoolExecutor(len(jobs)) as pool:
        ended = list(pool.map(push, jobs))
    won: Counter[str] = Counter()
    for name, commit, code, said in ended:
        lines = [
            line.removeprefix("remote: ").rstrip()
            for line in said.splitlines()
            if line.startswith("remote: ")
        ]
        spoken = [match for line in lines if (match := WHOLE.fullmatch(line))]
        # What is no whole line of the script has no piece of one.
        assert not [line for line in lines if "0" * 50 in line and not WHOLE.fullmatch(line)]
        assert {match[1] for match in spoken} <= {commit}
        assert [int(match[2]) for match in spoken] == list(range(len(spoken)))
        if code == 0:
            won[name] += 1
            assert len(spoken) == size // LINE
            assert re.fullmatch(rf"refused: .* · toolkit repo log {name} \d", lines[-1]), lines
        else:
            # One that came before it has the branch: said by us, or by git itself.
            assert lines[-1] == f"refused: {name} stays as it is" or "[rejected]" in said, said
    assert set(won) == set(repos)
    for name in repos:
        found = records(server, name)
        assert len(found) == won[name]
        assert all(record["final"] for record in found), found
        assert heads(server.data / f"repos/{name}.git")["main"] == found[0]["commit"]
    assert not list((server.data / "pending").iterdir())
    assert server.ask("GET", "/healthz").json() == {"status": "ready"}


@pytest.fixture(scope="module")
def nomad() -> Obliging:
    return Obliging()


@pytest.fixture(scope="module")
def server(nomad: Obliging, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    folder = tmp_path_factory.mktemp("many")
    with hook_process(folder, nomad=nomad.answer, config=MUCH) as running:
        yield running


def test_of_two_pushers_at_once_one_is_deployed_and_the_other_is_told(
    server: HookProcess, nomad: Obliging, tmp_path: Path
) -> None:
    """The commits of both are being checked, of each person one; neither has moved the branch."""
    server.make("shop", order="queue")
    first = project(tmp_path / "one")
    assert pushed(tmp_path / "one", server)[0] == 0
    git("clone", "-q", server.remote("shop"), str(tmp_path / "two"))
    mine = {each: project(tmp_path / each, {"who": each}) for each in ("one", "two")}
    both = Held(lambda asked: asked.path.endswith("/plan"), count=2)
    nomad.on = both
    with ThreadPoolExecutor(2) as pool:
        pushes = {
            each: pool.submit(pushed, tmp_path / each, server, "HEAD:main", secret=secret)
            for each, secret in (("one", PUSHER_TOKEN), ("two", ADMIN_TOKEN))
        }
        try:
            assert both.arrived.wait(PATIENCE)
        finally:
            nomad.on = lambda _asked: None
            both.release.set()
        ended = {each: push.result() for each, push in pushes.items()}
    [winner] = [each for each, (code, _) in ended.items() if code == 0]
    [loser] = [each for each in mine if each != winner]
    said = ended[loser][1]
    assert f"main moved to {mine[winner][:7]} during this push" in said or "rejected" in said
    assert heads(server.data / "repos/shop.git") == {"main": mine[winner]}
    found = records(server, "shop")
    assert [each["commit"] for each in found] == [mine[winner], first]
    assert all(each["final"] for each in found)


def test_who_reads_a_log_slowly_or_not_at_all_is_waited_for_by_nobody(
    server: HookProcess, tmp_path: Path
) -> None:
    """On real sockets: a log of two megabytes, and twelve followers that take none of it."""
    server.make("web")
    hooks_of(server, "web", "post-receive", "post-update")
    project(tmp_path / "work")
    code, said = pushed(tmp_path / "work", server, name="web")
    assert code == 0, said
    path = "/repos/web/deployments/1/log?follow=true"
    whole = server.ask("GET", path, PUSHER).text
    assert len(whole) > 1_500_000
    request = (
        f"GET {path} HTTP/1.1\r\nHost: hook\r\nX-Nomad-Token: {PUSHER_TOKEN}\r\n"
        "Connection: close\r\n\r\n"
    ).encode()
    before = memory(server)
    waiting = [deaf(server, request) for _ in range(READERS)]
    try:
        for each in waiting:
            # The answer has begun, and there is much more of it than fits on the way.
            assert each.recv(12, socket.MSG_PEEK).startswith(b"HTTP/1.1 200")
        assert server.ask("GET", "/healthz").json() == {"status": "ready"}
        assert server.ask("GET", path, PUSHER).text == whole
        assert pushed(tmp_path / "work", server, "HEAD:refs/heads/other", name="web")[0] == 0
        # A piece or two for each is in memory, and not the log.
        assert memory(server) - before < READERS << 20
        heard = bytearray()
        while piece := waiting[0].recv(65536):
            heard += piece
    finally:
        for each in waiting:
            each.close()
    assert whole.splitlines()[-1].encode() in heard


def deaf(server: HookProcess, request: bytes) -> socket.socket:
    """A connection that has asked, and takes as little as a connection can."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect((server.host, server.port))
    connection.sendall(request)
    return connection


def memory(server: HookProcess) -> int:
    """Bytes that are the server's own."""
    said = Path(f"/proc/{server.process.pid}/smaps_rollup").read_text()
    return 1024 * int(re.search(r"^Private_Dirty:\s+(\d+)", said, re.MULTILINE)[1])  # type: ignore[index]
