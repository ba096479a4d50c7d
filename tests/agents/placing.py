"""Nomad's own plan of a job beside ours: for the whole job, and for each node alone."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.agents.workers import Worker
from toolkit.rollout import fit
from toolkit.rollout.world import World
from toolkit.spec.fit import FitReport

FLEET = (
    Worker(
        "worker-1", node_class="big", memory=2000, cpu=3000, volumes={"data": False},
        reserved={"memory": 100, "cpu": 50, "disk": 20, "reserved_ports": "22,8000-8010"},
        meta={"rack": "r1", "version": "1.10.0", "tags": "a, b,c", "size": "10", "ratio": "1e1"},
    ),
    Worker(
        "worker-2", node_class="big", volumes={"data": True}, dynamic=(30000, 30002),
        meta={"rack": "r2", "version": "1.9.3-beta.2", "tags": "b", "size": "9", "ratio": "9.5"},
    ),
    Worker("worker-3", datacenter="dc2", pool="gpu", meta={"rack": "r1", "size": "nine"}),
    Worker(
        "worker-4", datacenter="edge-1", node_class="small", memory=512, raw_exec=False,
        networks={"public": "7000"}, most=3, meta={"rack": "r3", "version": "v2"},
    ),
)  # fmt: skip

OCCUPANTS = (
    """
job "occupant" {
  datacenters = ["*"]
  constraint {
    attribute = "${node.unique.name}"
    value     = "worker-1"
  }
  group "main" {
    network {
      port "web" { static = 9000 }
      port "any" {}
    }
    ephemeral_disk { size = 100 }
    task "main" {
      driver = "mock_driver"
      logs {
        max_files     = 1
        max_file_size = 1
      }
      config { run_for = "6h" }
      resources {
        cpu    = 500
        memory = 300
      }
    }
    task "before" {
      driver = "mock_driver"
      logs {
        max_files     = 1
        max_file_size = 1
      }
      lifecycle { hook = "prestart" }
      config { run_for = "10ms" }
      resources {
        cpu    = 100
        memory = 400
      }
    }
  }
}
""",
    """
job "crowd" {
  datacenters = ["*"]
  constraint {
    attribute = "${node.unique.name}"
    value     = "worker-2"
  }
  group "main" {
    network {
      port "a" {}
      port "b" {}
    }
    ephemeral_disk { size = 100 }
    task "main" {
      driver = "mock_driver"
      logs {
        max_files     = 1
        max_file_size = 1
      }
      config { run_for = "6h" }
      resources {
        cpu    = 100
        memory = 100
      }
    }
  }
}
""",
)


@dataclass(frozen=True)
class Both:
    """One job, both answers."""

    ours: FitReport
    """Without Nomad's verdict in it."""
    unplaced: Mapping[str, int]


def both(world: World, job: Mapping[str, Any]) -> Both:
    """Our report, worked out from what Nomad would do but not from whether it could."""
    answer = world.nomad.plan(dict(job), diff=False)
    asked = fit.job_facts(job)
    facts = fit.gather(world, asked)
    ours = fit.evaluate(
        asked, facts.nodes, facts.allocations, facts.scheduler, fit.steps(answer, asked)
    )
    return Both(ours, fit.dry_run(answer).unplaced)


def differences(world: World, job: Mapping[str, Any], *, nodes: bool = True) -> list[str]:
    """What we say that Nomad does not; empty when we are right."""
    return compared(world, job, both(world, job), nodes=nodes)


def compared(world: World, job: Mapping[str, Any], seen: Both, *, nodes: bool = True) -> list[str]:
    """The same, of two answers that are there."""
    found = []
    everywhere = job["Type"] in {"system", "sysbatch"}
    for group in seen.ours.groups:
        missing = seen.unplaced.get(group.group, 0)
        if group.crowded:
            # Which of them is left out is Nomad's choice.
            missing = missing or sum(seen.unplaced.values())
        said = (
            f"group {group.group} {group.mark} ({group.placed} of {group.wanted}; {group.reason})"
        )
        if group.mark == "yes" and missing:
            found.append(f"{said}, Nomad does not place {missing}")
        if group.mark == "no" and not missing and not (everywhere and not group.possible):
            found.append(f"{said}, Nomad places all")
        alone = len(seen.ours.groups) == 1 and not everywhere
        rolled = group.replaced and missing
        if (
            group.mark != "unknown"
            and alone
            and not rolled
            and (group.placed != group.wanted - missing)
        ):
            found.append(f"{said}, Nomad places {group.wanted - missing}")
    if nodes and len(seen.ours.groups) == 1:
        found += _by_node(world, job, seen.ours)
    return found


def _by_node(world: World, job: Mapping[str, Any], ours: FitReport) -> list[str]:
    """Each node alone: the job with one instance that may only go there."""
    found = []
    everywhere = job["Type"] in {"system", "sysbatch"}
    for node in ours.groups[0].nodes:
        pinned = copy.deepcopy(dict(job))
        pinned["Constraints"] = [
            *(pinned["Constraints"] or []),
            {"LTarget": "${node.unique.id}", "RTarget": node.id, "Operand": "="},
        ]
        if not everywhere:
            pinned["TaskGroups"][0]["Count"] = 1
        answer = world.nomad.plan(pinned, diff=False)
        mark = node.mark
        fits = not answer.get("FailedTGAllocs")
        if everywhere and fits and not _places(answer):
            fits = False
        if mark != "unknown" and (mark == "yes") != fits:
            found.append(f"{node.name} {mark} ({node.lacks}), Nomad {answer.get('FailedTGAllocs')}")
    return found


def _places(answer: Mapping[str, Any]) -> int:
    updates = (answer.get("Annotations") or {}).get("DesiredTGUpdates") or {}
    return sum(int(each.get("Place") or 0) for each in updates.values())
