"""Why allocations failed: read, judged, and put in order; see `toolkit.rollout.causes`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import declared, read
from toolkit.rollout.causes import around, merge
from toolkit.rollout.causes.chain import causes_of_chain
from toolkit.rollout.causes.classify import classify
from toolkit.rollout.causes.gather import gather
from toolkit.rollout.declared import Service
from toolkit.rollout.events import first_failure
from toolkit.rollout.secrets import stored
from toolkit.rollout.world import World
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.observed import AllocationView, ConsulInstance, DeploymentView

MOST_OF_A_KIND = 2
"""Allocations that failed alike of which the evidence is read; the others are counted."""
MOST = 8
"""Allocations of which the evidence is read at all: those that failed first."""


def causes(
    world: World,
    allocations: Sequence[AllocationView],
    instances: Iterable[ConsulInstance] = (),
    secrets: Collection[str] = (),
    services: Sequence[Service] = (),
) -> tuple[Cause, ...]:
    """The causes of the failed `allocations`, the first in time first; the same one only once.

    `services` are the job's: they say where a check can be asked that Consul knows no output of.
    Five calls at most for each of `MOST` allocations.
    """
    consul = list(instances)
    found = []
    for allocation, others in _examined(allocations):
        cause = of_allocation(world, allocation, consul, secrets, services)
        found.append(replace(cause, count=1 + others))
    return merge.merge(found, secrets)


def of_allocation(
    world: World,
    allocation: AllocationView,
    instances: Sequence[ConsulInstance] = (),
    secrets: Collection[str] = (),
    services: Sequence[Service] = (),
) -> Cause:
    """The first cause of one allocation's failure, with evidence; secrets only in its output."""
    evidence = gather(world, allocation, instances, secrets, services)
    return classify(allocation, evidence, services)


def of_chain(
    world: World,
    verification: Verification | None,
    job: Mapping[str, Any],
    secrets: Collection[str] = (),
) -> tuple[Cause, ...]:
    """Why a chain does not hold behind a healthy deployment; nothing where no link is broken.

    What is around the broken link is looked at once more: which instance died, whose tags
    disagree, which router Traefik cannot use.
    """
    broken = verification.first_broken if verification is not None else None
    if verification is None or broken is None:
        return ()
    if broken.name == "nomad" and (ailing := _ailing(world, str(job.get("ID") or ""))):
        hidden = {*secrets, *stored(world, str(job.get("ID") or ""))}
        return causes(world, ailing, (), hidden, declared.services(job))
    found = causes_of_chain(verification, around.look(world, broken.name, job))
    return merge.merge(found, secrets)


def _ailing(world: World, job_id: str) -> list[AllocationView]:
    """Instances of the newest version that died, and that nothing replaced."""
    try:
        found = read.allocations(world.nomad.allocations(job_id).value or [])
    except ApiError:
        return []
    newest = max((each.job_version for each in found), default=0)
    over = {"failed", "lost", "unknown"}
    return [
        each
        for each in found
        if each.job_version == newest
        and each.next_allocation is None
        and (each.client_status in over or first_failure(each) is not None)
    ]


def by_hand(deployment: DeploymentView) -> Cause:
    """Somebody else failed the deployment: no instance is to blame."""
    return Cause(
        kind="aborted",
        summary=f"somebody marked deployment {deployment.short} as failed",
        evidence=(f"deployment: {deployment.description}",),
        advice="ask who did, `toolkit history` has the versions",
    )


def _examined(allocations: Sequence[AllocationView]) -> list[tuple[AllocationView, int]]:
    """Which allocations to look at closely, and how many others each stands for."""
    alike: dict[tuple[object, ...], list[AllocationView]] = {}
    for allocation in sorted(allocations, key=failed_at):
        alike.setdefault(_likeness(allocation), []).append(allocation)
    chosen = []
    for group in alike.values():
        looked_at = group[:MOST_OF_A_KIND]
        rest = len(group) - len(looked_at)
        chosen += [(one, rest if place == 0 else 0) for place, one in enumerate(looked_at)]
    return sorted(chosen, key=lambda pair: failed_at(pair[0]))[:MOST]


def _likeness(allocation: AllocationView) -> tuple[object, ...]:
    """What two allocations have in common that failed alike, as far as Nomad's list says."""
    failure = first_failure(allocation)
    if failure is None:
        return allocation.group, allocation.client_status, allocation.desired_description
    details = failure.event.details
    how = tuple(details.get(name) for name in ("exit_code", "signal", "oom_killed"))
    return allocation.group, failure.task.name, failure.event.kind, how


def failed_at(allocation: AllocationView) -> float:
    """Seconds since the epoch at which its first failure was, or at which it last changed."""
    failure = first_failure(allocation)
    return failure.at if failure else allocation.modified_at
