"""Who holds a port, what nodes say of a driver, which take no work: looked up to be named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout.read import groups
from toolkit.rollout.world import World

_PORT = re.compile(r"port collision .*=(\d+)|port collision.*?(\d+)")
_HOLDERS = (
    '(any AllocatedResources.Shared.Ports as p { p.Value == %s }) and ClientStatus == "running"'
)
_PLAIN = re.compile(r"[\w.-]+")
"""A name that can stand in a filter expression as it is."""
_WITHOUT = 'Drivers["%s"].Healthy == false'
_SHUT = 'Status == "ready" and SchedulingEligibility == "ineligible"'
_PLACE = re.compile(r"[\w.*-]+")
"""A datacenter, or a pattern of some, that can stand in a filter expression."""
NAMED = 3
"""Holders of a port, nodes with an unhealthy driver, and closed nodes that are named."""


@dataclass(frozen=True, slots=True)
class Shut:
    """A node that is ready and takes no work."""

    id: str
    name: str
    word: str
    """`ineligible` or `draining`."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """What was looked up so that things can be named."""

    drivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Driver -> what nodes say of it."""
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Static port -> who has it."""
    shut: tuple[Shut, ...] = ()
    """Nodes where the job could go, if they took work."""
    unseen: tuple[str, ...] = ()
    """Why the nodes could not be looked at."""


def look(world: World, failed: Mapping[str, Any] | None, job: Mapping[str, Any]) -> Nearby:
    """One call for each missing driver, each taken port and the closed nodes, however many."""
    drivers: dict[str, tuple[str, ...]] = {}
    holders: dict[str, tuple[str, ...]] = {}
    for metric in (failed or {}).values():
        if "missing drivers" in ((metric or {}).get("ConstraintFiltered") or {}):
            for driver in filter(_PLAIN.fullmatch, _drivers(job)):
                drivers[driver] = _unhealthy(world, driver)
        for name in (metric or {}).get("DimensionExhausted") or {}:
            if (port := port_of(name)) is not None:
                holders[port] = _holders(world, port, str(job.get("ID") or ""))
    if any(nowhere(metric or {}) for metric in (failed or {}).values()):
        return _closed(world, job, Nearby(drivers, holders))
    return Nearby(drivers, holders)


def nowhere(metric: Mapping[str, Any]) -> bool:
    """True when the scheduler had no node to look at, and nothing else was in the way."""
    other = ("DimensionExhausted", "QuotaExhausted", "ConstraintFiltered")
    return not int(metric.get("NodesEvaluated") or 0) and not any(metric.get(key) for key in other)


def _closed(world: World, job: Mapping[str, Any], nearby: Nearby) -> Nearby:
    conditions = [_SHUT]
    pool = str(job.get("NodePool") or "default")
    if pool != "all" and _PLAIN.fullmatch(pool):
        conditions.append(f'NodePool == "{pool}"')
    places = [str(place) for place in job.get("Datacenters") or ["*"]]
    if "*" not in places and all(map(_PLACE.fullmatch, places)):
        pattern = "|".join(place.replace(".", "[.]").replace("*", ".*") for place in places)
        conditions.append(f'Datacenter matches "^({pattern})$"')
    try:
        nodes = world.nomad.nodes_where(" and ".join(conditions), most=NAMED)
    except ApiError as exc:
        return replace(nearby, unseen=(f"unseen: nodes that take no work: {exc.message}",))
    shut = tuple(
        Shut(
            str(node.get("ID")),
            str(node.get("Name")),
            "draining" if node.get("Drain") else "ineligible",
        )
        for node in nodes
    )
    return replace(nearby, shut=shut)


def _unhealthy(world: World, driver: str) -> tuple[str, ...]:
    try:
        nodes = world.nomad.nodes_where(_WITHOUT % driver, most=NAMED)
    except ApiError as exc:
        return (f"unseen: the nodes' drivers: {exc.message}",)
    found = []
    for node in nodes:
        said = ((node.get("Drivers") or {}).get(driver) or {}).get("HealthDescription")
        found.append(f"driver: {driver} on {node.get('Name')}: {said or 'not detected'}")
    return tuple(found)


def _holders(world: World, port: str, job: str) -> tuple[str, ...]:
    try:
        stubs = world.nomad.allocations_where(_HOLDERS % port, most=NAMED, everywhere=True)
    except ApiError as exc:
        return (f"unseen: who has port {port}: {exc.message}",)
    return tuple(
        f"port: {port} on {stub.get('NodeName')} is held by "
        + ("this very job" if stub.get("JobID") == job else f"job {stub.get('JobID')}")
        + f", allocation {str(stub.get('ID'))[:8]}"
        for stub in stubs
    )


def port_of(dimension: str) -> str | None:
    """The port in `network: reserved port collision http=8080`."""
    match = _PORT.search(dimension)
    return next((group for group in match.groups() if group), None) if match else None


def _drivers(job: Mapping[str, Any]) -> list[str]:
    """The drivers that the job asks for."""
    tasks = [task for group in groups(job) for task in group.get("Tasks") or []]
    return sorted({str(task.get("Driver") or "?") for task in tasks})
