"""May the canaries be promoted? Nomad, Consul, every Traefik and the release must agree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from toolkit.rollout import verify
from toolkit.rollout.machine.answers import GateAnswer
from toolkit.rollout.machine.promotion import canaries, is_due
from toolkit.rollout.world import World
from toolkit.spec.chain import InstanceChain, Verification
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.observed import AllocationView, DeploymentView

__all__ = ["GateAnswer", "check", "is_due", "summary"]


def check(
    world: World,
    job: Mapping[str, Any],
    deployment: DeploymentView,
    allocations: Sequence[AllocationView],
    served: ServedRelease | None,
    *,
    edge_seen: bool = False,
) -> GateAnswer:
    """Look at the canaries once; `edge_seen` says that every Traefik could be read at the start."""
    mine = canaries(deployment, allocations)
    release = (job.get("Meta") or {}).get("release")
    verification, _ = verify.look(
        world,
        verify.Expectation(
            job=job,
            allocations=tuple(allocations),
            expected=mine,
            wanted=len(mine),
            release=None if release is None else str(release),
            served=served,
            alone=False,
        ),
    )
    broken, unseen = verification.first_broken, verification.first_unseen
    if broken is not None:
        reason = f"{broken.name}: {broken.detail}"
        return GateAnswer(False, verification, reason, wrong=_wrong(verification))
    # A Traefik whose API was never to be seen does not close the gate: what it routes to stays
    # unknown, and the verdict will say so. Nothing is promoted without Consul, or when the edge
    # was lost on the way.
    needed = {"consul", "release"} | ({"traefik"} if edge_seen else set())
    if unseen is not None and unseen.name in needed:
        return GateAnswer(False, verification, f"{unseen.name}: {unseen.detail}", blind=True)
    return GateAnswer(True, verification, summary(verification))


def _wrong(verification: Verification) -> tuple[InstanceChain, ...]:
    """Instances that answered, and another release than the asked one.

    None is asked before every link in front of the answer holds.
    """
    silent = {"-", "not asked", "unseen", verification.release}
    return tuple(row for row in verification.instances if row.serves not in silent)


def summary(verification: Verification) -> str:
    """`Nomad 2/2 · Consul 2/2 · Traefik 2/2`."""
    parts = [f"Nomad {len(verification.instances)}/{verification.expected}"]
    for name, title in (("consul", "Consul"), ("traefik", "Traefik")):
        link = next(link for link in verification.links if link.name == name)
        if link.state == "absent":
            continue
        words = [w for row in verification.instances if (w := getattr(row, name)) != "-"]
        total = len(words)
        good = sum(word in {"passing", "up"} for word in words)
        parts.append(f"{title} {good}/{total}" if link.state != "unseen" else f"{title} not seen")
    return " · ".join(parts)
