"""The one git that reads a commit: asked by threads, killed, silent and ended."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.repos.opened import LIMITS, PLAIN, opened
from tests.repos.source import Source
from toolkit.errors import RefusedError
from toolkit.repos.git import GitError
from toolkit.repos.objects import Objects
from toolkit.repos.tree import GitTree
from toolkit.spec.hook import PushLimits


def test_many_threads_read_what_they_asked_for(source: Source) -> None:
    limits = PushLimits()
    files = {f"d{index % 7}/f{index}": str(index).encode() * index for index in range(150)}
    commit = source.files(files)
    wrong: list[str] = []
    with opened(source, commit, limits) as tree:

        def read(offset: int) -> None:
            for path in list(files)[offset:] + list(files)[:offset]:
                if tree.read(path) != files[path]:
                    wrong.append(path)
            if list(tree.paths()) != sorted(files):
                wrong.append("paths")

        threads = [threading.Thread(target=read, args=(offset,)) for offset in range(0, 80, 10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert wrong == []


def gits_in(folder: Path) -> list[psutil.Process]:
    """Our processes that read there; one that has ended, and that another test left, does not."""
    found = []
    for child in psutil.Process().children():
        with suppress(psutil.ZombieProcess, psutil.NoSuchProcess):
            if str(folder) in str(child.cmdline()):
                found.append(child)
    return found


def git_of(tree: GitTree) -> psutil.Process:
    """The one process that reads for it."""
    (found,) = gits_in(tree._git_dir)
    return found


def test_a_git_that_is_killed_is_said_each_time(source: Source) -> None:
    with opened(source, source.files(PLAIN)) as tree:
        assert tree.read("toolkit.toml")
        os.kill(git_of(tree).pid, signal.SIGKILL)
        with pytest.raises(GitError, match="git ended while a commit was read"):
            tree.read("toolkit.toml")
        with pytest.raises(GitError, match="not open for reading"):
            tree.read("toolkit.toml")


def test_a_git_that_says_nothing_is_waited_for_no_longer_than_said(source: Source) -> None:
    commit = source.files(PLAIN)
    times: list[float] = [0.0]

    def clock() -> float:
        """Stands still at first; later each look at it is an hour after the one before."""
        times.append(times[-1] + (3600.0 if len(times) > 1 else 0.0))
        return times[-1] if waiting else 0.0

    waiting = False
    with GitTree(source.path, commit, limits=LIMITS, clock=clock) as tree:
        child = git_of(tree)
        child.suspend()
        waiting = True
        with pytest.raises(GitError, match="took too long"):
            tree.read("jobs/web/job.toml")
        assert not child.is_running()


def test_after_its_end_nothing_is_read_and_nothing_is_left(source: Source) -> None:
    with opened(source, source.files(PLAIN)) as tree:
        child = git_of(tree)
    assert not child.is_running()
    with pytest.raises(GitError, match="not open"):
        tree.read("toolkit.toml")
    tree.close()
    with pytest.raises(RefusedError), opened(source, source.blob(b"x")):
        pass
    assert gits_in(source.path) == []


def test_objects_are_asked_for_by_ids_alone(source: Source) -> None:
    objects = Objects(source.path)
    objects.open()
    for hostile in ("HEAD", "--x", "a\ncontents b", "", "a" * 40 + "\n"):
        with pytest.raises(RefusedError, match="full ID"):
            objects.info(hostile)
    objects.close()


def test_an_object_above_the_limit_is_not_taken(source: Source) -> None:
    objects = Objects(source.path)
    objects.open()
    id_ = source.blob(b"x" * 100)
    assert objects.info(id_) == ("blob", 100)
    assert objects.contents(id_, 100) == b"x" * 100
    with pytest.raises(GitError):
        objects.contents(id_, 99)
    objects.close()
