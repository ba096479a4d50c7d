"""Which instances are compared: the canaries, and those of older versions beside them; pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.rollout.declared import Service, services
from toolkit.rollout.machine.promotion import canaries
from toolkit.spec.observed import AllocationView, ConsulInstance, DeploymentView


@dataclass(frozen=True, slots=True)
class Target:
    """One instance that can be asked."""

    allocation: str
    group: str
    node: str
    url: str
    host: str | None
    """The site that the edge asks it for."""


@dataclass(frozen=True, slots=True)
class Targets:
    """Both sides, as they now are."""

    canaries: tuple[Target, ...] = ()
    stable: tuple[Target, ...] = ()
    told_to_stop: frozenset[str] = frozenset()
    """Allocations that somebody wants gone: what they do not answer now is no failure."""


def asked(job: Mapping[str, Any]) -> tuple[Service, ...]:
    """The service of each group that is asked: one behind the edge before others."""
    found: dict[str, Service] = {}
    for service in services(job):
        known = found.get(service.group)
        if service.port and (known is None or (service.routes and not known.routes)):
            found[service.group] = service
    return tuple(found.values())


def routed(job: Mapping[str, Any]) -> tuple[str, ...]:
    """Traefik's names of the services that are asked."""
    return tuple(dict.fromkeys(r.service for service in asked(job) for r in service.routes))


def choose(
    job: Mapping[str, Any],
    deployment: DeploymentView,
    allocations: Sequence[AllocationView],
    consul: Mapping[str, Sequence[ConsulInstance]],
) -> Targets:
    """Both sides of the groups that wait for promotion, each instance at its own address."""
    waiting = {g.group for g in deployment.groups if g.desired_canaries and not g.promoted}
    mine = canaries(deployment, allocations)
    older = [
        a
        for a in allocations
        if a.job_version != deployment.job_version and a.should_run and a.group in waiting
    ]
    by_group = {service.group: service for service in asked(job)}

    def those(found: Sequence[AllocationView]) -> tuple[Target, ...]:
        return tuple(
            target
            for allocation in found
            if (service := by_group.get(allocation.group)) is not None
            and (target := _target(allocation, service, consul.get(service.name, ()))) is not None
        )

    stopping = frozenset(a.id for a in allocations if a.desired_status in {"stop", "evict"})
    return Targets(those(mine), those(older), stopping)


def _target(
    allocation: AllocationView, service: Service, instances: Sequence[ConsulInstance]
) -> Target | None:
    mine = [i for i in instances if i.allocation == allocation.id and i.port]
    # One name on several ports: the id of each ends with the label of its port.
    named = [i for i in mine if i.id.endswith(f"-{service.port}")]
    instance = next(iter(named or mine), None)
    if instance is None:
        return None
    host = next((route.host for route in service.routes if route.host), None)
    return Target(allocation.id, allocation.group, allocation.node, instance.url, host)
