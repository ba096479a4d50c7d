"""A whole server on a disk without room refuses pushes before a ref moves, and then takes them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.faults.small_disk import fill, small_disk
from tests.repos.branches import heads
from tests.repos.packs import (
    NOTHING,
    Object,
    commit_of,
    id_of,
    line_of,
    pack_of,
    request_of,
)
from tests.services.hook.hook_process import PUSHER, HookProcess, hook_process
from toolkit.repos.registry import Registry

pytestmark = [
    pytest.mark.root,
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[HookProcess]:
    """A server whose data has two megabytes."""
    folder = tmp_path_factory.mktemp("small")
    with small_disk(folder / "disk", "2m") as disk, hook_process(disk) as running:
        running.make()
        yield running


def push(server: HookProcess, branch: str, data: bytes) -> tuple[str, str]:
    """The commit of a push, and all that is answered."""
    blob: Object = ("blob", data)
    tree: Object = ("tree", line_of("100644", b"file", id_of(blob)))
    commit = commit_of(id_of(tree))
    answer = server.ask(
        "POST",
        "/shop.git/git-receive-pack",
        {**PUSHER, "Content-Type": "application/x-git-receive-pack-request"},
        content=request_of(
            [(NOTHING, id_of(commit), f"refs/heads/{branch}")], pack_of([blob, tree, commit])
        ),
    )
    assert answer.status_code == 200, answer.text
    return id_of(commit), answer.content.decode(errors="replace")


def test_a_full_disk_refuses_what_is_pushed_and_nothing_stays_of_it(server: HookProcess) -> None:
    bare = server.data / "repos" / "shop.git"
    first, said = push(server, "one", b"1")
    assert "ok refs/heads/one" in said
    before = {path for path in bare.rglob("*") if path.is_file()}
    # What does not fit is refused, although there is room for what is written down of it.
    _, said = push(server, "two", os.urandom(3 << 20))
    assert "ok refs/" not in said
    ballast = fill(server.folder)
    for branch in ("two", "three"):
        _, said = push(server, branch, b"2")
        assert "ok refs/" not in said, said
        assert heads(bare) == {"one": first}
    assert server.ask("GET", "/shop.git/info/refs?service=git-upload-pack", PUSHER).is_success
    assert not server.ask("PUT", "/repos/web").is_success
    ballast.unlink()
    assert not list(bare.glob("objects/tmp_objdir*"))
    assert {path for path in bare.rglob("*") if path.is_file()} == before
    second, said = push(server, "two", b"2")
    assert "ok refs/heads/two" in said, said
    assert heads(bare) == {"one": first, "two": second}
    assert server.ask("PUT", "/repos/web").status_code == 201
    assert [repo.name for repo in Registry(server.data).all()] == ["shop", "web"]
    assert server.ask("GET", "/healthz").json() == {"status": "ready"}


def test_room_for_a_little_more_each_time(server: HookProcess) -> None:
    """Somewhere in between git has its room, and what has to be written down of a push has none."""
    bare = server.data / "repos" / "shop.git"
    there = heads(bare)
    said, reasons = "", set()
    for pages in range(60):
        ballast = fill(server.folder)
        os.truncate(ballast, max(0, ballast.stat().st_size - 4096 * pages))
        commit, said = push(server, "little", b"3")
        ballast.unlink()
        if "ok refs/heads/little" in said:
            break
        reasons.add("no room" if "unpacker error" in said else "declined")
        assert heads(bare) == there
        assert not list(bare.glob("objects/tmp_objdir*"))
    assert "ok refs/heads/little" in said, said
    assert heads(bare) == {**there, "little": commit}
    assert "no room" in reasons
    assert server.ask("GET", "/healthz").json() == {"status": "ready"}
