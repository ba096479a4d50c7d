"""The chain from what was seen: allocation -> Consul instance -> Traefik server; pure.

The release, asked over the network, is added by `verify` once these three hold.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from toolkit.rollout.consul_side import ConsulSide
from toolkit.rollout.declared import Service
from toolkit.rollout.edges import Edges
from toolkit.spec.chain import Extra, InstanceChain, Link, Stray
from toolkit.spec.observed import AllocationView, ConsulInstance


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything that was looked at, at one time."""

    expected: tuple[AllocationView, ...]
    """Allocations that should carry the release."""
    wanted: int
    """How many there should be."""
    known: tuple[AllocationView, ...]
    """All allocations of the job that Nomad remembers."""
    services: tuple[Service, ...]
    consul: ConsulSide
    edges: Edges
    rolling: bool = False
    """A rollout is under way, and Nomad's word on an instance's health is about that one.

    Afterwards the word stays as it was, whatever became of the instance.
    """


def instances_of(
    seen: Seen, allocation: AllocationView
) -> list[tuple[Service, ConsulInstance | None]]:
    """Each service that an allocation should have, with its Consul instance if it is there."""
    return [
        (service, _find(seen, service, allocation))
        for service in seen.services
        if service.group == allocation.group
    ]


def rows(seen: Seen) -> tuple[InstanceChain, ...]:
    """One row per expected allocation; `serves` is still open."""
    return tuple(_row(seen, allocation) for allocation in seen.expected)


def links(seen: Seen, chains: Sequence[InstanceChain], strays: Sequence[Extra]) -> list[Link]:
    """The first three links over all instances."""
    return [
        _nomad(seen, chains),
        _consul(seen, chains, [stray for stray in strays if stray.where == "consul"]),
        _traefik(seen, chains, [stray for stray in strays if stray.where == "traefik"]),
    ]


def extras(seen: Seen) -> tuple[Extra, ...]:
    """What Consul and the Traefiks list beyond the expected instances, named by kind."""
    wanted = {allocation.id for allocation in seen.expected}
    found = []
    good_urls = set()
    url_kind: dict[str, tuple[Stray, str]] = {}
    for instance in seen.consul.everything():
        if instance.allocation in wanted:
            good_urls.add(instance.url)
            continue
        kind, why = _kind(instance.allocation, seen.known)
        url_kind[instance.url] = (kind, why)
        if kind != "old" and instance.on_dead_node:
            kind, why = "dead", f"Consul has lost its node {instance.node}; {why}"
        what = f"{instance.service} at {instance.address}:{instance.port}"
        found.append(Extra("consul", kind, what, why))
    if seen.consul.blind:
        # Which of Traefik's servers belong to it is what Consul would have said.
        return tuple(found)
    routed = {route.service for service in seen.services for route in service.routes}
    for view in seen.edges.views:
        for name in sorted(routed & set(view.services)):
            for url in sorted(set(view.services[name]) - good_urls):
                kind, why = url_kind.get(url, ("stale", "Consul does not list it any more"))
                found.append(Extra("traefik", kind, f"{url} in {name} at {view.address}", why))
    return tuple(found)


def _row(seen: Seen, allocation: AllocationView) -> InstanceChain:
    pairs = instances_of(seen, allocation)
    address = next((f"{i.address}:{i.port}" for _, i in pairs if i is not None and i.port), "")
    nomad = allocation.client_status
    if nomad == "running" and allocation.healthy:
        nomad = "healthy"
    elif allocation.healthy is False and (seen.rolling or nomad != "running"):
        nomad = "unhealthy"
    return InstanceChain(
        allocation=allocation.id,
        node=allocation.node,
        group=allocation.group,
        nomad=nomad,
        consul=_consul_word(seen, pairs),
        traefik=_traefik_word(seen, pairs),
        serves="-",
        address=address,
        version=allocation.job_version,
        leaving=_is_leaving(allocation),
    )


def _is_leaving(allocation: AllocationView) -> bool:
    live = allocation.client_status in {"pending", "running"}
    return live and allocation.desired_status in {"stop", "evict"}


def _consul_word(seen: Seen, pairs: Iterable[tuple[Service, ConsulInstance | None]]) -> str:
    words = []
    for service, instance in pairs:
        if instance is None:
            words.append("unseen" if seen.consul.blind else "missing")
        elif not service.checked and instance.passing:
            words.append("passing")
        else:
            words.append("passing" if instance.passing else _worst(instance))
    return _first(words, ("missing", "unseen", "critical", "warning", "passing"))


def _traefik_word(seen: Seen, pairs: Iterable[tuple[Service, ConsulInstance | None]]) -> str:
    words = []
    for service, instance in pairs:
        for route in service.routes:
            if seen.edges.blind or (instance is None and seen.consul.blind):
                words.append("unseen")
            elif instance is None:
                words.append("missing")
            else:
                states = [
                    view.services.get(route.service, {}).get(instance.url, "missing")
                    for view in seen.edges.views
                ]
                words += [state.lower() for state in states]
    return _first(words, ("missing", "unseen", "down", "up"))


def _first(words: Collection[str], order: Sequence[str]) -> str:
    """The worst word, in the order given; `-` when there is none."""
    return next((word for word in order if word in words), next(iter(words), "-"))


def _worst(instance: ConsulInstance) -> str:
    statuses = {check.status for check in instance.checks}
    return "critical" if "critical" in statuses else "warning"


def _nomad(seen: Seen, chains: Sequence[InstanceChain]) -> Link:
    running = sum(chain.nomad in {"running", "healthy"} for chain in chains)
    detail = f"{running} of {seen.wanted} running"
    unhealthy = sum(chain.nomad == "unhealthy" for chain in chains)
    if unhealthy:
        detail += f", {unhealthy} unhealthy by Nomad's own word"
    elif doubted := sum(a.should_run and a.healthy is False for a in seen.expected):
        detail += f", {doubted} of them not healthy in time for its rollout"
    state = running == seen.wanted == len(chains)
    return Link("nomad", "holds" if state else "broken", detail)


def _consul(seen: Seen, chains: Sequence[InstanceChain], strays: Sequence[Extra]) -> Link:
    if not seen.services:
        return Link("consul", "absent", "the job has no Consul service")
    if seen.consul.blind:
        return Link("consul", "unseen", f"cannot see: {seen.consul.blind}")
    passing = sum(chain.consul in {"passing", "-"} for chain in chains)
    detail = f"{passing} of {seen.wanted} passing"
    bad = next((chain for chain in chains if chain.consul not in {"passing", "-"}), None)
    if bad is not None:
        detail += f"; {bad.allocation[:8]} on {bad.node} is {bad.consul}"
    dead = [stray for stray in strays if stray.kind == "dead"]
    strays = [stray for stray in strays if stray.kind != "dead"]
    if strays:
        detail += f"; {len(strays)} too many: {_stray(strays[0])}"
    if dead:
        detail += f"; {len(dead)} left of a machine that is gone"
    good = passing == seen.wanted == len(chains) and not strays
    return Link("consul", "holds" if good else "broken", detail)


def _traefik(seen: Seen, chains: Sequence[InstanceChain], strays: Sequence[Extra]) -> Link:
    if not any(service.routes for service in seen.services):
        return Link("traefik", "absent", "the job has no route")
    if seen.edges.blind:
        return Link("traefik", "unseen", f"cannot see: {seen.edges.blind}")
    if seen.consul.blind:
        return Link("traefik", "unseen", "not compared: Consul has the addresses")
    up = sum(chain.traefik in {"up", "-"} for chain in chains)
    many = len(seen.edges.views)
    where = "" if many == 1 else f" in each of {many} Traefiks"
    detail = f"{up} of {seen.wanted} up{where}"
    bad = next((chain for chain in chains if chain.traefik not in {"up", "-"}), None)
    if bad is not None:
        detail += f"; {bad.allocation[:8]} on {bad.node} is {bad.traefik}"
        if conflict := _conflict(seen):
            detail += f"; {conflict}"
    if strays:
        detail += f"; {len(strays)} too many: {_stray(strays[0])}"
    good = up == seen.wanted == len(chains) and not strays
    return Link("traefik", "holds" if good else "broken", detail)


def _conflict(seen: Seen) -> str | None:
    """Consul passes and a Traefik routes nothing there: not enabled, or its router was dropped."""
    for service in seen.services:
        for route in service.routes:
            for view in seen.edges.views:
                servers = view.services.get(route.service)
                if servers is None:
                    return (
                        f"Traefik at {view.address} has no service {route.service}: it does not "
                        "read this Consul, or two versions disagree on traefik.* tags"
                    )
                if not servers:
                    return (
                        f"Traefik at {view.address} dropped router {route.router}: another "
                        "definition of it differs, or its rule or entry points are wrong"
                    )
    return None


def _stray(stray: Extra) -> str:
    return f"{stray.what} ({stray.kind}: {stray.detail})"


def _find(seen: Seen, service: Service, allocation: AllocationView) -> ConsulInstance | None:
    """The allocation's instance of a service, which may stand on several ports under one name."""
    instances = seen.consul.instances.get(service.name, ())
    mine = [item for item in instances if item.allocation == allocation.id]
    alike = [s for s in seen.services if (s.group, s.name) == (service.group, service.name)]
    if len(alike) > 1:
        mine = [item for item in mine if item.id.endswith(f"-{service.port}")]
    return next(iter(mine), None)


def _kind(allocation: str | None, known: Sequence[AllocationView]) -> tuple[Stray, str]:
    if allocation is None:
        return "foreign", "not registered by Nomad"
    view = next((item for item in known if item.id == allocation), None)
    if view is None:
        return "stale", f"allocation {allocation[:8]} is not one of this job"
    if view.client_status in {"pending", "running"}:
        return "old", f"allocation {allocation[:8]} of job version {view.job_version}"
    return "stale", f"allocation {allocation[:8]} is {view.client_status}"
