"""What the scheduler cannot place: capacity, constraints, places, drivers, ports."""

from __future__ import annotations

from tests.agents.gallery.case import Case
from tests.agents.gallery.hcl import block, group, job, program, task

HUGE = 99_000_000


def _unplaced(name: str, mode: int, text: str, says: str) -> Case:
    return Case(name, text, "unplaced", 4, mode, kind="unplaced", says=says, place={"group": "web"})


CASES = (
    _unplaced("place-cpu", 1, job(group(task(cpu=HUGE))), r"not enough cpu on 1 node"),
    _unplaced("place-memory", 1, job(group(task(memory=HUGE))), r"not enough memory on 1 node"),
    _unplaced(
        "place-disk", 1, job(group(task(), more=block("ephemeral_disk", size=HUGE))),
        r"not enough disk on 1 node",
    ),
    _unplaced(
        "place-constraint", 2,
        job(
            group(
                task(), more=block("constraint", attribute="${attr.kernel.name}", value="plan9")
            )
        ),
        r"\$\{attr.kernel.name\} = plan9",
    ),
    _unplaced(
        "place-datacenter", 3, job(group(task()), more='datacenters = ["atlantis"]'),
        r"datacenter atlantis",
    ),
    _unplaced(
        "place-driver", 4, job(group(program('image = "shop:1"', driver="podman"))),
        r"driver podman",
    ),
)  # fmt: skip
