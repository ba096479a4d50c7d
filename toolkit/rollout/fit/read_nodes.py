"""Nodes, allocations and the scheduler's configuration as facts; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from toolkit.rollout.fit.facts import (
    Address,
    AllocationFacts,
    Asked,
    DynamicVolume,
    HostVolume,
    NodeFacts,
    SchedulerFacts,
)
from toolkit.rollout.fit.lifecycle import Need, together

Json = Mapping[str, Any]

OVER = {"complete", "failed", "lost"}
"""Client statuses of an allocation that takes no room any more."""


def node_facts(raw: Json) -> NodeFacts:
    """A node from the list (`resources=true`), or in full: only then its attributes are read."""
    resources: Json = raw.get("NodeResources") or {}
    reserved: Json = raw.get("ReservedResources") or {}
    first = int(resources.get("MinDynamicPort") or 0) or 20000
    last = int(resources.get("MaxDynamicPort") or 0) or 32000
    full = raw.get("Attributes") is not None and raw.get("Meta") is not None
    speeds = _speeds(resources)
    addresses = tuple(_addresses(resources, reserved))
    return NodeFacts(
        id=str(raw["ID"]),
        name=str(raw.get("Name") or ""),
        datacenter=str(raw.get("Datacenter") or ""),
        pool=str(raw.get("NodePool") or "default"),
        node_class=str(raw.get("NodeClass") or ""),
        status=str(raw.get("Status") or ""),
        eligible=raw.get("SchedulingEligibility") == "eligible",
        draining=bool(raw.get("Drain")),
        total=_total(resources, reserved, speeds),
        core_speeds=speeds,
        drivers={
            name: (
                bool((info or {}).get("Detected")),
                bool((info or {}).get("Healthy")),
                str((info or {}).get("HealthDescription") or ""),
            )
            for name, info in (raw.get("Drivers") or {}).items()
        },
        modes=frozenset(
            str(network.get("Mode") or "host") for network in resources.get("Networks") or []
        ),
        aliases=frozenset(address.alias for address in addresses),
        addresses=addresses,
        dynamic=(first, last),
        volumes={
            name: HostVolume(bool(volume.get("ReadOnly")), str(volume.get("ID") or ""))
            for name, volume in (raw.get("HostVolumes") or {}).items()
        },
        devices=tuple(_devices(resources)),
        most=int(raw.get("NodeMaxAllocs") or 0),
        attributes=dict(raw["Attributes"]) if full else None,
        meta=dict(raw["Meta"]) if full else None,
    )


def _speeds(resources: Json) -> dict[int, int]:
    """MHz of the cores that tasks may reserve, by id."""
    topology: Json = (resources.get("Processors") or {}).get("Topology") or {}
    return {
        int(core["ID"]): _speed(core)
        for core in topology.get("Cores") or []
        if not core.get("Disable")
    }


def _speed(core: Json) -> int:
    return int(core.get("BaseSpeed") or core.get("MaxSpeed") or core.get("GuessSpeed") or 0)


def _total(resources: Json, reserved: Json, speeds: Mapping[int, int]) -> Asked:
    topology: Json = (resources.get("Processors") or {}).get("Topology") or {}
    cores: list[Json] = list(topology.get("Cores") or [])
    if cores or topology.get("OverrideTotalCompute"):
        cpu = int(topology.get("OverrideTotalCompute") or 0) or sum(map(_speed, cores))
    else:
        cpu = int((resources.get("Cpu") or {}).get("CpuShares") or 0)
    held: Json = reserved.get("Cpu") or {}
    kept = set(held.get("ReservedCpuCores") or [])
    return Asked(
        cpu=cpu - int(held.get("CpuShares") or 0),
        memory=_field(resources, "Memory", "MemoryMB") - _field(reserved, "Memory", "MemoryMB"),
        disk=_field(resources, "Disk", "DiskMB") - _field(reserved, "Disk", "DiskMB"),
        cores=tuple(core for core in sorted(speeds) if core not in kept),
    )


def _field(raw: Json, part: str, name: str) -> int:
    return int((raw.get(part) or {}).get(name) or 0)


def _addresses(resources: Json, reserved: Json) -> Iterable[Address]:
    everywhere = str((reserved.get("Networks") or {}).get("ReservedHostPorts") or "")
    for network in resources.get("NodeNetworks") or []:
        for address in network.get("Addresses") or []:
            own = str(address.get("ReservedPorts") or "")
            held = ",".join(part for part in (everywhere, own) if part)
            yield Address(
                str(address.get("Alias") or ""),
                str(address.get("Address") or ""),
                port_numbers(held),
            )


@lru_cache(maxsize=256)
def port_numbers(text: str) -> frozenset[int]:
    """The ports in `22,8000-8010`."""
    found: set[int] = set()
    for part in text.split(","):
        first, _, last = part.strip().partition("-")
        if first.isdigit():
            found.update(range(int(first), int(last if last.isdigit() else first) + 1))
    return frozenset(found)


def _devices(resources: Json) -> Iterable[str]:
    for device in resources.get("Devices") or []:
        if any(instance.get("Healthy") for instance in device.get("Instances") or []):
            yield "/".join(str(device.get(key) or "") for key in ("Vendor", "Type", "Name"))


def allocation_facts(raw: Json) -> AllocationFacts | None:
    """An allocation that takes room; None for one whose tasks are over."""
    if raw.get("ClientStatus") in OVER:
        return None
    taken: Json = raw.get("AllocatedResources") or {}
    shared: Json = taken.get("Shared") or {}
    tasks: Mapping[str, Json] = taken.get("Tasks") or {}
    lifecycles: Mapping[str, Json | None] = taken.get("TaskLifecycles") or {}
    needs: list[Need] = []
    cores: list[int] = []
    core_cpu = 0
    for name, task in tasks.items():
        cpu: Json = task.get("Cpu") or {}
        own = [int(core) for core in cpu.get("ReservedCores") or []]
        shares = int(cpu.get("CpuShares") or 0)
        if own:
            cores += own
            core_cpu += shares
        needs.append(
            Need(0 if own else shares, _field(task, "Memory", "MemoryMB"), lifecycles.get(name))
        )
    cpu_used, memory = together(needs)
    return AllocationFacts(
        id=str(raw["ID"]),
        namespace=str(raw.get("Namespace") or "default"),
        job=str(raw.get("JobID") or ""),
        group=str(raw.get("TaskGroup") or ""),
        node=str(raw.get("NodeID") or ""),
        wanted=raw.get("DesiredStatus") == "run",
        taken=Asked(cpu_used, memory, int(shared.get("DiskMB") or 0), tuple(cores), core_cpu),
        ports=tuple(_ports_taken(shared, tasks)),
        devices=any(task.get("Devices") for task in tasks.values()),
    )


def _ports_taken(shared: Json, tasks: Mapping[str, Json]) -> Iterable[tuple[str, int]]:
    if shared.get("Ports"):
        for port in shared["Ports"]:
            yield str(port.get("HostIP") or ""), int(port.get("Value") or 0)
        return
    old = [network for task in tasks.values() for network in (task.get("Networks") or [])[:1]]
    for network in [*(shared.get("Networks") or []), *old]:
        for key in ("ReservedPorts", "DynamicPorts"):
            for port in network.get(key) or []:
                yield str(network.get("IP") or ""), int(port.get("Value") or 0)


def preemption(raw: Json) -> frozenset[str]:
    """Job types that may stop work of lower priority."""
    config: Json = (raw.get("SchedulerConfig") or {}).get("PreemptionConfig") or {}
    words = {
        "service": "ServiceSchedulerEnabled",
        "batch": "BatchSchedulerEnabled",
        "system": "SystemSchedulerEnabled",
        "sysbatch": "SysBatchSchedulerEnabled",
    }
    return frozenset(kind for kind, key in words.items() if config.get(key))


def volume_facts(raw: Json) -> DynamicVolume:
    """A dynamic host volume."""
    return DynamicVolume(
        ready=raw.get("State") == "ready",
        capabilities=frozenset(
            (str(each.get("AccessMode") or ""), str(each.get("AttachmentMode") or ""))
            for each in raw.get("RequestedCapabilities") or []
        ),
        used=bool(raw.get("Allocations")),
    )


NOTHING = SchedulerFacts()
"""A cluster without anything special."""
