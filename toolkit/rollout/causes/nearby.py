"""Who holds a static port, and what nodes say of a driver: looked up so that both can be named."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
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
NAMED = 3
"""Holders of a port, and nodes with an unhealthy driver, that are named."""


@dataclass(frozen=True, slots=True)
class Nearby:
    """What was looked up so that things can be named."""

    drivers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Driver -> what nodes say of it."""
    holders: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Static port -> who has it."""


def look(world: World, failed: Mapping[str, Any] | None, job: Mapping[str, Any]) -> Nearby:
    """One call for each missing driver and each taken port, whatever the cluster's size."""
    drivers: dict[str, tuple[str, ...]] = {}
    holders: dict[str, tuple[str, ...]] = {}
    for metric in (failed or {}).values():
        if "missing drivers" in ((metric or {}).get("ConstraintFiltered") or {}):
            for driver in filter(_PLAIN.fullmatch, _drivers(job)):
                drivers[driver] = _unhealthy(world, driver)
        for name in (metric or {}).get("DimensionExhausted") or {}:
            if (port := port_of(name)) is not None:
                holders[port] = _holders(world, port, str(job.get("ID") or ""))
    return Nearby(drivers, holders)


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
