"""A cluster's machines as namespaces of this one: how long until all answer, and what they need.

The machines run their own boot script, with TLS, access control and three servers that vote.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from bench.row import Row
from tests.agents.cluster import pinned_machine
from tests.cluster.rehearsing import Project, make_project
from toolkit.cluster.rehearsal.machines import clear
from toolkit.cluster.rehearsal.processes import marked

LIMITS = {3: 15.0, 10: 20.0}
"""Workers beside three servers -> seconds."""
LATER = 5.0
MIB = 1024


def rehearsal() -> list[Row]:
    """Rows, each on a rehearsal of its own; without root they say that they were not measured."""
    if os.geteuid() != 0:
        return [Row("rehearsal", "as root", "not measured: needs root", False)]
    rows = []
    for workers, limit in LIMITS.items():
        with tempfile.TemporaryDirectory(prefix="rehearsal-") as folder:
            rows += _measured(Path(folder), workers, limit)
    return rows


def _measured(folder: Path, workers: int, limit: float) -> list[Row]:
    machine = pinned_machine()
    programs = {
        name: path
        for name, path in (
            ("nomad", machine.nomad_bin),
            ("consul", machine.consul_bin),
            ("traefik", machine.traefik_bin),
        )
        if path is not None
    }
    own = make_project(folder / "project", programs)
    what = f"rehearsal of 3 servers and {workers} workers"
    try:
        said = own.toolkit("cluster", "rehearse", "up", "prod", "--workers", str(workers), "--json")
        assert said.code == 0, said.out
        seconds = said.report["seconds"]
        resident, own_share = memory(own)
        rows = [
            Row(f"{what}: ready", f"≤ {limit:.0f} s", f"{seconds:.1f} s", seconds <= limit),
            Row(
                f"{what}: memory",
                "stated",
                f"{resident} MiB resident, {own_share} MiB with shared pages counted once",
                True,
            ),
        ]
        return [*rows, *(_later(own) if workers == min(LIMITS) else [])]
    finally:
        clear(own.places)


def _later(own: Project) -> list[Row]:
    """A machine of the edge that comes later: from its start until Traefik runs on it."""
    said = own.toolkit("deploy", "-e", "prod-rehearsal", "traefik", "--json")
    assert said.code == 0, said.out
    said = own.toolkit("cluster", "rehearse", "up", "prod", "--json")
    assert said.code == 0, said.out
    boot = own.places.machine("frontend-2") / "init"
    alloc = own.places.machine("frontend-2") / "opt" / "state" / "nomad" / "alloc"
    end = time.monotonic() + 60
    log: list[Path] = []
    while not log and time.monotonic() < end:
        log = list(alloc.glob("*/alloc/logs/traefik.stdout.0"))
        time.sleep(0.05)
    with contextlib.suppress(IndexError):
        # Both are times of files: whoever looks at them has no part in them.
        took = log[0].parent.stat().st_mtime - boot.stat().st_mtime
        seen = f"{took:.1f} s"
        return [Row("a machine that comes later: Traefik", f"≤ {LATER:.0f} s", seen, took <= LATER)]
    return [Row("a machine that comes later: Traefik", f"≤ {LATER:.0f} s", "none in 60 s", False)]


def memory(own: Project) -> tuple[int, int]:
    """MiB that all its processes have in memory, and the same with shared pages shared out."""
    total = {"Rss:": 0, "Pss:": 0}
    for process in marked(own.places.folder):
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process.pid}/smaps_rollup").read_text()
            for line in text.splitlines():
                key, *rest = line.split()
                if key in total:
                    total[key] += int(rest[0])
    return total["Rss:"] // MIB, total["Pss:"] // MIB


if __name__ == "__main__":
    for row in rehearsal():
        sys.stdout.write(json.dumps([row.what, row.must, row.seen, row.holds]) + "\n")
