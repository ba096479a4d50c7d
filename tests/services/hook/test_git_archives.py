"""Commits as archives: the same each time, whole, and only what branches lead to."""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import tarfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from anyio.from_thread import BlockingPortal
from hook.git.archive import Archive, check_served, make_archive, make_kept, shrink
from hook.git.archives import Archives
from hook.git.parts import GitParts

from tests.repos.source import Source
from tests.services.hook.git_server import ALICE, POLICY, Gate, GitServer, Work, git, git_server
from tests.services.hook.rig import make_rig
from tests.services.running import NO_TLS, PATIENCE
from toolkit.errors import AbsentError, RefusedError, UnavailableError
from toolkit.repos.registry import Registry
from toolkit.serving.log import Log
from toolkit.spec.hook import PushLimits
from toolkit.spec.repo import Repo


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GitServer]:
    with git_server(tmp_path_factory.mktemp("git")) as running:
        running.make()
        yield running


@pytest.fixture
def work(tmp_path: Path) -> Work:
    return Work(tmp_path / "work")


@pytest.fixture
def branch(tmp_path: Path) -> str:
    """A name of this test's own."""
    return tmp_path.name.replace("_", "-")


def get(
    server: GitServer, commit: str, suffix: str = ".tar.gz", method: str = "GET", **headers: str
) -> httpx.Response:
    return httpx.request(
        method, f"{server.url}/shop/archive/{commit}{suffix}", timeout=PATIENCE, trust_env=False,
        headers={"X-Nomad-Token": ALICE, **headers}, verify=NO_TLS,
    )  # fmt: skip


def unpacked(data: bytes) -> dict[str, tuple[bytes, int]]:
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        found = {}
        for each in tar:
            file = tar.extractfile(each)
            assert file is not None
            assert (each.uid, each.gid, each.uname, each.gname) == (0, 0, "", "")
            assert each.mtime == 1700000000
            found[each.name] = (file.read(), each.mode)
        return found


def test_what_is_in_it(server: GitServer, work: Work, branch: str) -> None:
    """Every file as it was committed, whatever the commit's own attributes say of archives."""
    deep = work.folder / ("d" * 90) / ("e" * 90)
    deep.mkdir(parents=True)
    (deep / "lång.txt").write_text("deep\n")
    (work.folder / "run.sh").write_text("#!/bin/sh\n")
    (work.folder / "run.sh").chmod(0o755)
    (work.folder / ".gitattributes").write_text(
        "*.sh text eol=crlf\nsecret.txt export-ignore\nversion.txt export-subst\n"
    )
    large = os.urandom(700_000)
    commit = work.commit(
        secret_txt="there\n", version_txt="$Format:%h%d$\n", large_bin=large, empty_txt=""
    )
    work.git("push", "-q", server.remote(), f"main:{branch}")
    answer = get(server, commit)
    found = unpacked(answer.content)
    assert found.pop(".gitattributes")[0].startswith(b"*.sh text")
    assert found == {
        f"{'d' * 90}/{'e' * 90}/lång.txt": (b"deep\n", 0o644),
        "empty.txt": (b"", 0o644),
        "large.bin": (large, 0o644),
        "run.sh": (b"#!/bin/sh\n", 0o755),
        "secret.txt": (b"there\n", 0o644),
        "version.txt": (b"$Format:%h%d$\n", 0o644),
    }
    digest = hashlib.sha256(answer.content).hexdigest()
    assert answer.headers["x-checksum-sha256"] == digest
    assert get(server, commit, ".tar.gz.sha256").text == f"{digest}  {commit}.tar.gz\n"


def test_it_is_the_same_each_time(work: Work, tmp_path: Path) -> None:
    """Made from a repository of loose objects, and from one that was packed otherwise."""
    for number in range(3):
        commit = work.commit(a_txt=str(number), b_bin=bytes(100_000))
    first = make_archive(work.folder / ".git", commit, tmp_path / "one")
    git("clone", "-q", "--bare", work.folder, tmp_path / "other.git")
    second = make_archive(tmp_path / "other.git", commit, tmp_path / "two")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.sha256 == second.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()
    assert first.size == first.path.stat().st_size
    assert make_archive(tmp_path / "gone.git", commit, tmp_path / "one") == first


def test_parts_and_heads(server: GitServer, work: Work, branch: str) -> None:
    commit = work.commit(a_bin=os.urandom(5000))
    work.git("push", "-q", server.remote(), f"main:{branch}")
    whole = get(server, commit)
    part = get(server, commit, Range="bytes=100-199", **{"If-Range": whole.headers["etag"]})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    assert part.headers["x-checksum-sha256"] == whole.headers["x-checksum-sha256"]
    head = get(server, commit, method="HEAD")
    assert head.headers["content-length"] == str(len(whole.content))
    assert head.content == b""
    assert whole.headers["cache-control"] == "no-store"


def test_only_what_a_branch_leads_to(server: GitServer, work: Work, branch: str) -> None:
    """Not what is in the repository otherwise; and no longer, once its branch is gone."""
    first = work.commit(a_txt="1")
    second = work.commit(a_txt="2")
    work.git("push", "-q", server.remote(), f"main:{branch}", f"{first}:refs/heads/{branch}-old")
    assert get(server, first).status_code == get(server, second).status_code == 200
    work.git("push", "-q", server.remote(), f":{branch}")
    assert get(server, first).status_code == 200
    assert get(server, second).status_code == 404
    tree = work.git("rev-parse", f"{first}^{{tree}}").strip()
    for name in (tree, "0" * 40, "f" * 40, first[:12], first.upper(), f"{first}0", "main", branch):
        assert get(server, name).status_code == 404, name
        assert get(server, name, ".tar.gz.sha256").status_code == 404, name
    for suffix in ("", ".zip", ".tar", ".tar.gz/", ".tar.gz.sha512", ".tar.gz%00", ".tar.gz%0a"):
        assert get(server, first, suffix).status_code == 404, suffix


def test_what_was_deployed_of_another_branch_is_still_served(tmp_path: Path) -> None:
    """A job that runs it may have to be placed anew, whatever became of the branch."""
    registry, source = Registry(tmp_path / "data"), Source(tmp_path / "source.git")
    path = registry.path(registry.create("shop", creator="ann")[0])
    deployed, other = source.files({"a": b"1"}), source.files({"a": b"2"})
    pushed = source.push(path, f"{deployed}:refs/heads/main", f"{other}:refs/heads/other")
    assert pushed.returncode == 0
    registry.change("shop", lambda old: replace(old, branch="next"))
    for name in ("main", "other"):
        git("--git-dir", path, "update-ref", "-d", f"refs/heads/{name}")
    check_served(path, deployed)
    with pytest.raises(AbsentError, match="no branch has"):
        check_served(path, other)


def test_links_are_refused(server: GitServer, work: Work, branch: str) -> None:
    (work.folder / "link").symlink_to("/etc/passwd")
    commit = work.commit(a_txt="1")
    work.git("push", "-q", server.remote(), f"main:{branch}")
    answer = get(server, commit)
    assert answer.status_code == 409
    assert "link is a symbolic link" in answer.json()["detail"]
    assert not list((server.data / "archives").glob(f"*/{commit}*"))


def test_limits_of_what_is_in_it(work: Work, tmp_path: Path) -> None:
    commit = work.commit(a_txt="1", b_txt="2", c_txt="3")
    with pytest.raises(RefusedError, match="more than 2 files"):
        make_archive(work.folder / ".git", commit, tmp_path / "to", limits=PushLimits(files=2))


def test_a_disk_that_takes_nothing(work: Work, tmp_path: Path) -> None:
    """Nothing half made is left, and the next one is made anew."""
    commit = work.commit(a_bin=os.urandom(200_000))
    full = tmp_path / "full"
    full.mkdir()
    (full / f"{commit}-x.tar.gz").symlink_to("/nowhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(UnavailableError, match="could not be written"):
        make_archive(work.folder / ".git", commit, tmp_path / "file")
    assert make_archive(work.folder / ".git", commit, full).path.exists()
    assert not list(full.glob(".new-*"))


def test_many_ask_and_one_is_made(work: Work, tmp_path: Path) -> None:
    """Eight ask before the first is there; whoever gives up takes it from nobody."""
    commit = work.commit(a_txt="1")
    asked, made = threading.Event(), []
    path = tmp_path / "archives/shop" / f"{commit}-x.tar.gz"

    def make(git_dir: Path, commit: str, folder: Path, *, limits: PushLimits) -> Archive:
        if not path.exists():
            made.append(commit)
            assert asked.wait(PATIENCE)
            folder.mkdir(parents=True)
            path.write_bytes(b"x")
        return Archive(path, "x", 1)

    class One:
        def get(self, name: str) -> Repo:
            raise AssertionError(name)

        def path(self, repo: Repo) -> Path:
            return work.folder / ".git"

    parts = GitParts(
        repos=One(), policy=POLICY, limits=PushLimits(), admit=Gate(tmp_path).admit,
        archives=tmp_path / "archives", log=Log(io.StringIO()),
    )  # fmt: skip

    async def run() -> list[object]:
        archives = Archives(parts, most=0, make=make)
        waiting = 0

        async def ask() -> int:
            nonlocal waiting
            waiting += 1
            async with archives.held(Repo("shop"), commit) as archive:
                return archive.size if archive.path.exists() else -1

        tasks = [asyncio.create_task(ask()) for _ in range(8)]
        while waiting < 8 or not made:
            await asyncio.sleep(0.01)
        tasks[0].cancel()
        asked.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = asyncio.run(run())
    assert isinstance(found[0], asyncio.CancelledError)
    assert found[1:] == [1] * 7
    assert made == [commit]


def test_many_clients_get_the_same(server: GitServer, work: Work, branch: str) -> None:
    commit = work.commit(a_bin=os.urandom(300_000))
    work.git("push", "-q", server.remote(), f"main:{branch}")
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: get(server, commit).content, range(8)))
    assert len(found) == 1
    assert len(list((server.data / "archives/shop").glob(f"{commit}-*"))) == 1


def test_what_was_used_longest_ago_goes_first(tmp_path: Path) -> None:
    paths = []
    for number, name in enumerate("abcd"):
        folder = tmp_path / f"repo-{number % 2}"
        folder.mkdir(exist_ok=True)
        path = folder / f"{name * 40}-00.tar.gz"
        path.write_bytes(bytes(100))
        os.utime(path, (number, 50 - number))
        paths.append(path)
    shrink(tmp_path, 250, {paths[0].parent / ("a" * 40)})
    assert [path.exists() for path in paths] == [True, False, False, True]
    shrink(tmp_path, 0, set())
    assert not any(path.exists() for path in paths)


def test_what_only_builds_ask_for_is_kept_within_the_bound(work: Work, tmp_path: Path) -> None:
    git_dir, folder = work.folder / ".git", tmp_path / "archives"
    first = make_kept(git_dir, work.commit(a_bin=os.urandom(5000)), folder, most=6000)
    second = make_kept(git_dir, work.commit(a_bin=os.urandom(5001)), folder, most=6000)
    assert not first.path.exists()
    assert list(folder.rglob("*.tar.gz")) == [second.path]
    # One that is larger than all may be is still what was asked for.
    assert make_kept(git_dir, second.path.name[:40], folder, most=10).path.exists()


def test_what_a_killed_server_left_half_made_is_gone(
    portal: BlockingPortal, tmp_path: Path
) -> None:
    left = [tmp_path / "archives/shop/.new-1", tmp_path / "scratch/image-1/a"]
    for path in left:
        path.parent.mkdir(parents=True)
        path.write_bytes(b"half")
    with make_rig(portal, tmp_path):
        assert not any(path.exists() for path in left)
