"""A job, parsed or registered, as what it asks for; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from toolkit.rollout.fit.facts import (
    Asked,
    GroupFacts,
    JobFacts,
    PortAsk,
    Rule,
    VolumeAsk,
)
from toolkit.rollout.fit.implied import implied
from toolkit.rollout.fit.lifecycle import Need, together

Json = Mapping[str, Any]

DEFAULT_DISK = 300
DEFAULT_CPU = 100
DEFAULT_MEMORY = 300


def job_facts(raw: Json) -> JobFacts:
    """What the job asks for, Nomad's own additions included."""
    return JobFacts(
        id=str(raw["ID"]),
        namespace=str(raw.get("Namespace") or "default"),
        kind=str(raw.get("Type") or "service"),
        priority=int(raw.get("Priority") or 50),
        datacenters=tuple(raw.get("Datacenters") or ["*"]),
        pool=str(raw.get("NodePool") or "default"),
        constraints=rules(raw.get("Constraints")),
        groups=tuple(_group(raw, group) for group in raw.get("TaskGroups") or []),
    )


def rules(raw: Iterable[Json] | None) -> tuple[Rule, ...]:
    """Constraints or affinities as they came."""
    return tuple(
        Rule(
            str(each.get("LTarget") or ""),
            str(each.get("Operand") or "="),
            str(each.get("RTarget") or ""),
            int(each.get("Weight") or 0),
        )
        for each in raw or []
    )


def _group(job: Json, raw: Json) -> GroupFacts:
    tasks: list[Json] = list(raw.get("Tasks") or [])
    # Nomad looks for an addition in the group, not in its tasks.
    own = rules(raw.get("Constraints"))
    of_tasks = tuple(rule for task in tasks for rule in rules(task.get("Constraints")))
    networks: list[Json] = list(raw.get("Networks") or [])
    network = networks[0] if networks else {}
    affinities = [job, raw, *tasks]
    return GroupFacts(
        name=str(raw["Name"]),
        count=1 if raw.get("Count") is None else int(raw["Count"]),
        constraints=_once((*own, *of_tasks, *implied(job, raw, own))),
        affinities=tuple(rule for part in affinities for rule in rules(part.get("Affinities"))),
        drivers=tuple(dict.fromkeys(str(task.get("Driver") or "") for task in tasks)),
        secrets=tuple(
            dict.fromkeys(
                str(secret.get("Provider") or "")
                for task in tasks
                for secret in task.get("Secrets") or []
            )
        ),
        asked=asked(raw, tasks),
        networked=bool(networks),
        mode=str(network.get("Mode") or "host"),
        ports=tuple(_ports(network)),
        volumes=tuple(_volume(volume) for volume in (raw.get("Volumes") or {}).values()),
        devices=tuple(
            str(device.get("Name") or "")
            for task in tasks
            for device in (task.get("Resources") or {}).get("Devices") or []
        ),
        spreads=tuple(
            str(spread.get("Attribute") or "")
            for part in (job, raw)
            for spread in part.get("Spreads") or []
        ),
        unclear=tuple(_unclear(raw, tasks)),
    )


def _once(found: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple({rule.text: rule for rule in reversed(list(found))}.values())[::-1]


def asked(raw: Json, tasks: Iterable[Json]) -> Asked:
    """What one instance counts for; its `cores` are numbers per task."""
    needs, cores = [], []
    for task in tasks:
        resources = task.get("Resources") or {}
        number = int(resources.get("Cores") or 0)
        if number:
            cores.append(number)
        memory = _or(resources.get("MemoryMB"), DEFAULT_MEMORY)
        needs.append(
            Need(
                cpu=0 if number else _or(resources.get("CPU"), DEFAULT_CPU),
                memory=memory + int(resources.get("SecretsMB") or 0),
                lifecycle=task.get("Lifecycle"),
            )
        )
    cpu, memory = together(needs)
    disk = _or((raw.get("EphemeralDisk") or {}).get("SizeMB"), DEFAULT_DISK)
    return Asked(cpu, memory, disk, tuple(cores))


def _or(value: Any, default: int) -> int:
    return default if value is None else int(value)


def _ports(network: Json) -> Iterable[PortAsk]:
    for fixed, key in ((True, "ReservedPorts"), (False, "DynamicPorts")):
        for port in network.get(key) or []:
            yield PortAsk(
                label=str(port.get("Label") or ""),
                value=int(port.get("Value") or 0) if fixed else 0,
                network=str(port.get("HostNetwork") or "default"),
                shared=bool(port.get("IgnoreCollision")),
            )


def _volume(raw: Json) -> VolumeAsk:
    return VolumeAsk(
        kind=str(raw.get("Type") or "host"),
        source=str(raw.get("Source") or ""),
        read_only=bool(raw.get("ReadOnly")),
        per_alloc=bool(raw.get("PerAlloc")),
        access=str(raw.get("AccessMode") or ""),
        attachment=str(raw.get("AttachmentMode") or ""),
        sticky=bool(raw.get("Sticky")),
    )


def _unclear(raw: Json, tasks: list[Json]) -> Iterable[str]:
    kinds = {str(task.get("Kind") or "") for task in tasks}
    for service in raw.get("Services") or []:
        connect = service.get("Connect") or {}
        name = service.get("Name") or ""
        if connect.get("SidecarService") is not None and f"connect-proxy:{name}" not in kinds:
            yield f"Nomad adds a sidecar for service {name} when the job is registered"
        gateway = connect.get("Gateway") is not None
        if gateway and not any(kind.endswith(f"-gateway:{name}") for kind in kinds):
            yield f"Nomad adds a gateway for service {name} when the job is registered"
    if any((task.get("Resources") or {}).get("Networks") for task in tasks):
        yield "a task has a network block of its own, which only old jobs have"
