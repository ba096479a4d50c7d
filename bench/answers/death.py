"""A machine dies under load: its Consul, its Nomad and all that it ran, at one moment."""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.answers.project import Project, project, read, until
from bench.answers.rollouts import RATE, TARGETS
from bench.load import Load
from tests.agents.mortal import mortals, ready

NOT_THE_SERVER = """
[[constraints]]
attribute = "${node.unique.name}"
operator = "!="
value = "dev-1"

[[constraints]]
operator = "distinct_hosts"
value = "true"
"""
GRACE = 4.0
"""Seconds for which the load goes on after the last thing that was waited for."""


@dataclass(frozen=True, slots=True)
class Death:
    """Seconds are since the kill."""

    requests: int
    failed: int
    last_failed: float | None
    noticed: float
    """Nomad calls the machine down."""
    whole: float
    """Both instances run and pass again, on machines that live."""
    verdict: str
    """Of `toolkit verify` then."""


def measure(folder: Path) -> Death:
    """Three machines, an instance on each of two; one of these dies."""
    with ExitStack() as stack:
        shop = stack.enter_context(project(folder / "shop", more=NOT_THE_SERVER))
        machines = stack.enter_context(
            mortals(shop.cluster, folder / "machines", "worker-1", "worker-2", "worker-3")
        )
        shop.must("deploy", "backend", "--yes")
        doomed = next(alloc["NodeName"] for alloc in _running(shop))
        with Load(shop.edge, TARGETS, rate=RATE) as load:
            load.wait_for(int(RATE))
            died, offset = time.monotonic(), load.now
            machines[doomed].die()
            noticed = until("Nomad notices", lambda: doomed not in ready(shop.cluster)) - died
            whole = until("two run elsewhere", lambda: _is_whole(shop, doomed)) - died
            load.wait_for(len(load.hits) + int(RATE * GRACE))
        hits = [hit for hit in load.hits if hit.at >= offset]
        failed = [hit for hit in hits if hit.problem]
        verified = shop.toolkit("verify", "backend")
    last = max((hit.at - offset for hit in failed), default=None)
    return Death(len(hits), len(failed), last, noticed, whole, verified.report["verdict"])


def _running(shop: Project) -> list[dict[str, Any]]:
    stubs = read(f"{shop.cluster.nomad_address}/v1/job/backend/allocations")
    return [
        stub
        for stub in stubs
        if (stub["ClientStatus"], stub["DesiredStatus"]) == ("running", "run")
    ]


def _is_whole(shop: Project, doomed: str) -> bool:
    mine = {alloc["ID"] for alloc in _running(shop) if alloc["NodeName"] != doomed}
    found = read(f"{shop.cluster.consul_address}/v1/health/service/backend?passing=1")
    passing = {entry["Service"]["ID"] for entry in found}
    return len(mine) == 2 and all(any(alloc in name for name in passing) for alloc in mine)
