"""Git and the whole server: the process, its gate and its Nomad, with people and a task."""

from __future__ import annotations

import base64
import io
import os
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.services.hook.gate_rig import Rig
from tests.services.hook.git_server import Work, git
from tests.services.hook.git_wire import quarantined
from tests.services.hook.hook_process import (
    PUSHER_TOKEN,
    READER_TOKEN,
    SHOP,
    SHOP_TOKEN,
    STRANGER_TOKEN,
    HookProcess,
)
from tests.services.running import until


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


def test_a_branch_is_pushed_and_a_task_clones_it(
    hook_server: HookProcess, work: Work, tmp_path: Path
) -> None:
    """Not the branch that is deployed: the gate lets it in, and says so."""
    hook_server.make("shop")
    commit = work.commit(a_txt="1")
    said = work.git("push", hook_server.remote("shop"), "main:refs/heads/work")
    assert "[new branch]" in said
    remote = hook_server.remote("shop", SHOP_TOKEN)
    git("clone", "-q", "--branch=work", remote, tmp_path / "clone")
    assert Work(tmp_path / "clone").head() == commit
    answer = hook_server.ask("GET", f"/shop/archive/{commit}.tar.gz", SHOP)
    with tarfile.open(fileobj=io.BytesIO(answer.content)) as tar:
        assert tar.getnames() == ["a.txt"]
    checksum = hook_server.ask("GET", f"/shop/archive/{commit}.tar.gz.sha256", SHOP).text
    assert checksum.split()[0] == answer.headers["x-checksum-sha256"]


def test_who_may_not(hook_server: HookProcess, work: Work) -> None:
    hook_server.make("shop")
    work.commit(a_txt="1")
    for secret, said in (
        (SHOP_TOKEN, "default/shop may not push to shop: workloads may only read"),
        (READER_TOKEN, "rita may not push to shop"),
        (STRANGER_TOKEN, "eve may not push to shop"),
    ):
        shown = work.git("push", hook_server.remote("shop", secret), "main:work", good=False)
        assert f"remote: {said}" in shown
        assert secret not in "".join(map(str, hook_server.said))
    unsaid = hook_server.remote("shop").replace(f"x:{PUSHER_TOKEN}@", "")
    assert "could not read Username" in work.git("push", unsaid, "main:work", good=False)


def test_git_asks_its_helper_and_nothing_is_in_a_url(hook_server: HookProcess, work: Work) -> None:
    hook_server.make("shop")
    work.commit(a_txt="helped")
    helper = f"!f() {{ echo username=x; echo password={PUSHER_TOKEN}; }}; f"
    remote = f"{hook_server.url}/shop.git"
    work.git("-c", f"credential.helper={helper}", "push", "-q", remote, "main:refs/heads/helped")
    assert work.head() in work.git("-c", f"credential.helper={helper}", "ls-remote", remote)


def test_a_token_in_a_header(hook_server: HookProcess, work: Work) -> None:
    """As a script may send it."""
    hook_server.make("shop")
    remote = f"{hook_server.url}/shop.git"
    said = base64.b64encode(f":{READER_TOKEN}".encode()).decode()
    for header in (f"Authorization: Basic {said}", f"X-Nomad-Token: {READER_TOKEN}"):
        work.git("-c", f"http.extraHeader={header}", "ls-remote", remote)


def test_a_full_house(hook_server: HookProcess, work: Work, tmp_path: Path) -> None:
    """Twenty clones at once; nothing of them is left, in the process or on the disk."""
    hook_server.make("web")
    commit = work.commit(a_bin=os.urandom(200_000))
    work.git("push", "-q", hook_server.remote("web"), "main:refs/heads/work")

    def clone(number: int) -> str:
        git("clone", "-q", "--bare", hook_server.remote("web"), tmp_path / f"{number}.git")
        return git("-C", tmp_path / f"{number}.git", "rev-parse", "work").stdout.strip()

    with ThreadPoolExecutor(20) as pool:
        assert set(pool.map(clone, range(20))) == {commit}
    server = psutil.Process(hook_server.process.pid)
    until(
        lambda: not [each for each in server.children() if each.name().startswith("git")],
        "no git is left",
    )
    assert quarantined(hook_server.data / "repos/web.git") == []
    assert PUSHER_TOKEN not in "".join(map(str, hook_server.said))


def test_the_gate_says_when_a_push_is_in(tmp_path: Path) -> None:
    """After its refs have moved: then it leaves its place to others. Not when it was refused."""
    rig, heard = Rig(tmp_path), []
    try:
        rig.commit()
        for ref in ("HEAD:refs/tags/v1", "main"):
            with rig.gate.admit(
                rig.repo, rig.who, "127.0.0.1", lambda: heard.append(rig.head)
            ) as admitted:
                rig.push(ref, admitted=admitted)
        assert heard == [rig.git("rev-parse", "HEAD").out.strip()]
    finally:
        rig.close()
