"""Answers of Nomad and Consul -> what a view is made of; pure.

Who a service belongs to, and its address, are Nomad's word: anybody who may register a service in
Consul can write any meta and any address there. Of Consul only the checks are believed, and only of
services whose ID says that Nomad registered them for an allocation that Nomad runs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from toolkit.spec.discovery import Declared, HostPort, Instance, SeenJob

Json = Mapping[str, Any]

PREFIX = "toolkit_dns_"
HOSTNAME = f"{PREFIX}hostname"
KEYS = frozenset(f"{PREFIX}{key}" for key in ("hostname", "zone", "target", "type", "ttl", "port"))
OURS = "_nomad-task-"
PASSING = "passing"


def read_job(stub: Json, spec: Json | None, *, unread: str = "") -> SeenJob:
    """A job from its line in the list and, where it declares names, its specification."""
    alive = not stub.get("Stop") and stub.get("Status") != "dead"
    return SeenJob(
        namespace=str(stub.get("Namespace") or "default"),
        id=str(stub["ID"]),
        created=int(stub.get("CreateIndex") or 0),
        alive=alive,
        declared=tuple(declarations(spec)) if spec else (),
        unread=unread,
    )


def declarations(job: Json) -> Iterator[Declared]:
    """What the services of a job ask for in their meta."""
    for group in job.get("TaskGroups") or ():
        holders = [("", group), *((str(task["Name"]), task) for task in group.get("Tasks") or ())]
        for task, holder in holders:
            for service in holder.get("Services") or ():
                meta = service.get("Meta") or {}
                if any(key.startswith(PREFIX) for key in meta):
                    yield _declared(job, str(group["Name"]), task, service, meta)


def _declared(job: Json, group: str, task: str, service: Json, meta: Json) -> Declared:
    said = {key.removeprefix(PREFIX): str(value) for key, value in meta.items()}
    port, ttl = str(service.get("PortLabel") or ""), said.get("ttl", "")
    target = said.get("target", "instances")
    return Declared(
        namespace=str(job.get("Namespace") or "default"),
        job=str(job["ID"]),
        group=group,
        task=task,
        service=str(service.get("Name") or ""),
        port=port,
        names=tuple(dict.fromkeys(said.get("hostname", "").split())),
        visibility="public" if said.get("zone") == "public" else "private",
        target="edge" if target == "edge" else "instances",
        type=said.get("type"),
        ttl=int(ttl) if _is_number(ttl) else None,
        label=said.get("port") or port,
        checked=bool(service.get("Checks")),
        wrong=_wrong(service, meta, said),
    )


def _wrong(service: Json, meta: Json, said: Mapping[str, str]) -> str:
    """What keeps a declaration from being followed; a template may write anything."""
    unknown = sorted(key for key in meta if key.startswith(PREFIX) and key not in KEYS)
    if unknown:
        return f"there is no meta key {unknown[0][:80]}"
    if not said.get("hostname", "").split():
        return f"{HOSTNAME} is missing"
    for key, known in (
        ("zone", ("public", "private")),
        ("target", ("edge", "instances")),
        ("type", ("A", "AAAA", "SRV")),
    ):
        if key in said and said[key] not in known:
            return f"{PREFIX}{key} is none of {', '.join(known)}"
    if "ttl" in said and not (_is_number(said["ttl"]) and 1 <= int(said["ttl"]) <= 86_400):
        return f"{PREFIX}ttl is no number of seconds from 1 to 86400"
    if said.get("target") == "edge":
        return f"{PREFIX}type SRV is for instances" if said.get("type") == "SRV" else ""
    return _without_address(service, said)


def _without_address(service: Json, said: Mapping[str, str]) -> str:
    if "${" in str(service.get("Name")):
        return "the service's name has a variable that only its node knows"
    if (service.get("Provider") or "consul") != "consul":
        return "the service is not registered in Consul"
    if service.get("AddressMode") in {"alloc", "driver"}:
        mode = service["AddressMode"]
        return f'address_mode = "{mode}" is an address that only its own node may know'
    if not (said.get("port") or service.get("PortLabel")):
        return "the service has no port, so Nomad gives it no address"
    return ""


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 6


def read_instances(stubs: Iterable[Json]) -> tuple[Instance, ...]:
    """The allocations that run and should; whoever is being stopped takes no new requests."""
    return tuple(
        Instance(
            allocation=str(stub["ID"]),
            node=str(stub.get("NodeName") or ""),
            namespace=str(stub.get("Namespace") or "default"),
            job=str(stub["JobID"]),
            group=str(stub.get("TaskGroup") or ""),
            ports=_ports(stub),
        )
        for stub in stubs
        if stub.get("ClientStatus") == "running" and stub.get("DesiredStatus") == "run"
    )


def _ports(stub: Json) -> tuple[HostPort, ...]:
    shared = (stub.get("AllocatedResources") or {}).get("Shared") or {}
    return tuple(
        HostPort(str(port.get("Label")), str(port.get("HostIP") or ""), int(port.get("Value") or 0))
        for port in shared.get("Ports") or ()
    )


def read_checks(found: Iterable[Json]) -> dict[str, dict[str, bool]]:
    """Service ID -> node -> whether all checks pass; a node that is in trouble passes none."""
    sick: set[str] = set()
    checks: dict[str, dict[str, bool]] = {}
    for check in found:
        node, service = str(check.get("Node")), str(check.get("ServiceID") or "")
        passes = check.get("Status") == PASSING
        if not service:
            if not passes:
                sick.add(node)
        elif service.startswith(OURS):
            nodes = checks.setdefault(service, {})
            nodes[node] = nodes.get(node, True) and passes
    for nodes in checks.values():
        for node in sick & nodes.keys():
            nodes[node] = False
    return checks


def service_id(declared: Declared, instance: Instance) -> str:
    """The ID under which Nomad registers the service of an instance in Consul."""
    whose = declared.task or f"group-{declared.group}"
    return f"{OURS}{instance.allocation}-{whose}-{declared.service}-{declared.port}"


def passes(
    declared: Declared, instance: Instance, checks: Mapping[str, Mapping[str, bool]]
) -> bool:
    """Whether Consul passes the service of an instance; without a check it does while it runs."""
    if not declared.checked:
        return True
    return _on_its_node(checks.get(service_id(declared, instance), {}), instance.node)


def all_pass(instance: Instance, checks: Mapping[str, Mapping[str, bool]]) -> bool:
    """Whether every service of an instance that has a check passes; at least one has."""
    prefix = f"{OURS}{instance.allocation}-"
    mine = [nodes for service, nodes in checks.items() if service.startswith(prefix)]
    return bool(mine) and all(_on_its_node(nodes, instance.node) for nodes in mine)


def _on_its_node(nodes: Mapping[str, bool], node: str) -> bool:
    """A namesake that somebody else registered elsewhere neither helps nor harms."""
    return nodes[node] if node in nodes else any(nodes.values())
