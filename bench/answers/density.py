"""What one more instance costs, and what a machine costs before the first one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.answers.project import Project, project, read, until

MORE = 30
"""Instances added."""


@dataclass(frozen=True, slots=True)
class Density:
    """MiB, shared pages counted once."""

    agents: float
    """Consul, Nomad (a server and a client each in one) and Traefik."""
    service: float
    """One more process of the service itself."""
    around: float
    """What Nomad keeps running beside each instance: the executor and the log collector."""
    added: int
    seconds: float
    """From `toolkit scale` to its verdict."""


def measure(folder: Path) -> Density:
    """Two instances, then many more of them on the same machine."""
    with project(folder / "shop") as shop:
        shop.must("deploy", "backend", "--yes")
        before = _processes(shop)
        ran = shop.must("scale", "backend", str(2 + MORE), "--yes")
        until("all of them run", lambda: _running(shop) == 2 + MORE)
        after = _processes(shop)
        agents = [each for each in before if not _is_instance(each)]
        return Density(
            agents=_memory([each for each in agents if not _is_around(each)]),
            service=_each(before, after, is_service=True),
            around=_each(before, after, is_service=False),
            added=MORE,
            seconds=ran.seconds,
        )


def _processes(shop: Project) -> list[psutil.Process]:
    found = []
    for each in shop.cluster.everything_running():
        try:
            found.append(psutil.Process(each.pid))
        except psutil.NoSuchProcess:
            continue
    return found


def _is_around(process: psutil.Process) -> bool:
    line = process.cmdline()
    return len(line) > 1 and line[1] in {"logmon", "executor", "docker_logger"}


def _is_instance(process: psutil.Process) -> bool:
    return bool(process.cmdline()[-2:] == ["-m", "backend"])


def _each(
    before: Sequence[psutil.Process], after: Sequence[psutil.Process], *, is_service: bool
) -> float:
    known = {process.pid for process in before}
    new = [process for process in after if process.pid not in known]
    if is_service:
        chosen = [process for process in new if _is_instance(process)]
    else:
        chosen = [process for process in new if _is_around(process)]
    return _memory(chosen) / MORE


def _memory(processes: Sequence[psutil.Process]) -> float:
    total = 0
    for process in processes:
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 2**20


def _running(shop: Project) -> int:
    stubs = read(f"{shop.cluster.nomad_address}/v1/job/backend/allocations")
    return sum(stub["ClientStatus"] == "running" for stub in stubs)
