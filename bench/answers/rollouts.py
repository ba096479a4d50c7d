"""From a commit to a release that is served, by both ways, under the same load."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench.answers.machines import yard
from bench.answers.project import Project, project
from bench.load import Load, Target, by_release
from bench.samples import Sample

TARGETS = (
    Target("backend", "backend.localhost"),
    Target("post", "backend.localhost", method="POST"),
)
TIMES = 5
RATE = 60.0


@dataclass(frozen=True, slots=True)
class Rolled:
    """Rollouts of one way."""

    served: Sample
    """Seconds from the commit to the first answer of the new release."""
    alone: Sample
    """Seconds from the commit to the last answer of the old one."""
    requests: int
    failed: int
    moved: float
    """MiB that were made for each release."""
    steps: str


def services(shop: Project) -> Rolled:
    """By `toolkit deploy`."""
    first, last, load = [], [], []
    for number in range(TIMES):
        before, release = f"1.0.{number}", f"1.0.{number + 1}"
        with Load(shop.edge, TARGETS, rate=RATE) as hits:
            hits.wait_for(30)
            offset = time.monotonic() - hits.now
            committed = shop.release(release) - offset
            shop.must("deploy", "backend", "--yes")
            hits.wait_for(len(hits.hits) + 60)
        served = {row.release: row for row in by_release(hits.hits)}
        first.append(served[release].first - committed)
        last.append(served[before].last - committed)
        load += hits.hits
    rendered = len(shop.toolkit("render", "backend").report.get("hcl", "")) / 2**20
    failed = [hit for hit in load if hit.problem]
    return Rolled(Sample(tuple(first)), Sample(tuple(last)), len(load), len(failed), rendered, "")


def images(folder: Path) -> Rolled | None:
    """By images of machines; None without the right to change the root."""
    if os.geteuid() != 0:
        return None
    first, last, load, steps = [], [], [], []
    with yard(folder) as machines:
        machines.replace("1.0.0")
        for number in range(TIMES):
            before, release = f"1.0.{number}", f"1.0.{number + 1}"
            with Load(machines.edge, TARGETS, rate=RATE) as hits:
                hits.wait_for(30)
                committed = hits.now
                steps.append(machines.replace(release))
                hits.wait_for(len(hits.hits) + 60)
            served = {row.release: row for row in by_release(hits.hits)}
            first.append(served[release].first - committed)
            last.append(served[before].last - committed)
            load += hits.hits
    failed = [hit for hit in load if hit.problem]
    middle = TIMES // 2
    said = ", ".join(
        f"{name} {sorted(step[name] for step in steps)[middle]:.1f} s"
        for name in ("bake", "launch")
    )
    size = max(step["image"] for step in steps)
    return Rolled(Sample(tuple(first)), Sample(tuple(last)), len(load), len(failed), size, said)


def measure(folder: Path) -> tuple[Rolled, Rolled | None]:
    """One after the other: neither takes the machine from the other."""
    with project(folder / "shop") as shop:
        shop.must("deploy", "backend", "--yes")
        ours = services(shop)
    return ours, images(folder / "yard")
