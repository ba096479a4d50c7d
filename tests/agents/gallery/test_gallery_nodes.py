"""Cases that take nodes away: on a cluster of their own, with two more clients on this machine."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from shutil import rmtree

import pytest

from tests.agents.cluster import local_cluster
from tests.agents.gallery.case import Act, Case
from tests.agents.gallery.cases_nodes import CASES, taker, until_running
from tests.agents.gallery.nodes import Node, client, memory
from tests.agents.gallery.play import Played, judge, play
from tests.agents.gallery.stage import Stage, staged
from tests.faults.lab import until
from toolkit.spec.dev import Machine

pytestmark = [
    pytest.mark.agents,
    pytest.mark.root,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root"),
]

HERE = {case.name: case for case in CASES if case.needs == "nodes"}


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    folder.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=48m,nr_inodes=400", "tmpfs", folder], check=True
    )
    try:
        yield folder
    finally:
        # What a client started needs a moment to follow it.
        command = ["umount", str(folder)]
        until(
            lambda: subprocess.run(command, capture_output=True).returncode == 0,
            "nobody uses the disk",
        )


class Playing:
    """Both nodes' cases at the same time; the cases of one node one after the other."""

    def __init__(self, stage: Stage, second: Node, third: Node) -> None:
        self.stage, self.second, self.third = stage, second, third
        self._pool = ThreadPoolExecutor(2)
        self._ends = {
            **self._queue(("node-preempted", self.preempted), ("node-drained", self.drained)),
            **self._queue(("node-disk", self.full), ("node-lost", self.lost)),
        }

    def _queue(self, *plays: tuple[str, Callable[[Case], Played]]) -> dict[str, Future[Played]]:
        """Futures of cases that are played in this order."""
        ends: dict[str, Future[Played]] = {name: Future() for name, _ in plays}

        def run() -> None:
            for name, act in plays:
                try:
                    ends[name].set_result(act(HERE[name]))
                except BaseException as error:  # noqa: BLE001 - whoever asks for the end is told
                    ends[name].set_exception(error)

        self._pool.submit(run)
        return ends

    def end(self, name: str) -> Played:
        return self._ends[name].result()

    def close(self) -> None:
        self._pool.shutdown()
        self.third.process.send_signal(signal.SIGCONT)

    def _play(self, case: Case, meanwhile: Act) -> Played:
        return play(self.stage, replace(case, meanwhile=meanwhile))

    def preempted(self, case: Case) -> Played:
        megabytes = int(memory(self.stage, self.second) * 0.6)
        text = case.job.replace("memory = 16", f"memory = {megabytes}")

        def take(stage: Stage, name: str) -> None:
            until_running(stage, name)
            stage.register("node-taker", taker(megabytes))

        played = self._play(replace(case, job=text), take)
        self.stage.leave("node-taker")
        self.stage.leave(case.name)
        return played

    def drained(self, case: Case) -> Played:
        def drain(stage: Stage, name: str) -> None:
            until_running(stage, name)
            spec = {"DrainSpec": {"Deadline": 2 * 10**9, "IgnoreSystemJobs": False}}
            stage.shop.nomad(f"/v1/node/{self.second.id}/drain", spec, "POST")

        return self._play(case, drain)

    def full(self, case: Case) -> Played:
        """The disk had room when the node looked; then somebody filled it with small files."""
        ballast = self.third.alloc_dir / "ballast"
        ballast.mkdir()
        try:
            with suppress(OSError):
                for number in count():
                    (ballast / str(number)).write_bytes(b"")
            return play(self.stage, case)
        finally:
            rmtree(ballast)
            self.stage.leave(case.name)

    def lost(self, case: Case) -> Played:
        """The client says nothing any more, as when its machine is gone."""

        def freeze(stage: Stage, name: str) -> None:
            until_running(stage, name)
            self.third.process.send_signal(signal.SIGSTOP)

        try:
            return self._play(case, freeze)
        finally:
            self.third.process.send_signal(signal.SIGCONT)


@pytest.fixture(scope="module")
def playing(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Playing]:
    folder = tmp_path_factory.mktemp("nodes")
    with ExitStack() as stack:
        cluster = stack.enter_context(local_cluster(folder / "agents", machine=machine))
        stage = stack.enter_context(staged(cluster, folder / "stage"))
        disk = stack.enter_context(small_disk(folder / "disk"))
        second = stack.enter_context(client(stage, folder / "dev-2", "dev-2"))
        third = stack.enter_context(client(stage, folder / "dev-3", "dev-3", disk))
        playing = Playing(stage, second, third)
        stack.callback(playing.close)
        yield playing


@pytest.mark.parametrize("name", HERE)
def test_case_of_a_node(name: str, playing: Playing, request: pytest.FixtureRequest) -> None:
    if HERE[name].xfail:
        request.applymarker(pytest.mark.xfail(strict=True, reason=HERE[name].xfail))
    judge(playing.end(name))
