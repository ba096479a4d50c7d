"""Everything that decides where a job may go, read from Nomad; judges nothing.

What the token may not see is said, never taken for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from toolkit.errors import ApiError, InvalidRequestError
from toolkit.rollout.fit import attributes, read_nodes
from toolkit.rollout.fit.facts import (
    AllocationFacts,
    DynamicVolume,
    JobFacts,
    NodeFacts,
    SchedulerFacts,
)
from toolkit.rollout.fit.standing import globbed
from toolkit.rollout.world import World

HIDDEN = "what runs in namespaces that the token may not read could not be counted"


@dataclass(frozen=True, slots=True)
class Facts:
    """What `evaluate` takes beside the job."""

    nodes: tuple[NodeFacts, ...]
    allocations: tuple[AllocationFacts, ...]
    scheduler: SchedulerFacts
    notes: tuple[str, ...] = ()
    """What could not be seen."""


def gather(world: World, job: JobFacts) -> Facts:
    """The facts of one job; ApiError when even the nodes cannot be read."""
    nodes, notes = _nodes(world, job)
    allocations, blind = _allocations(world)
    scheduler, more = _scheduler(world, job, nodes)
    if blind:
        notes.append(blind)
    return Facts(nodes, allocations, replace(scheduler, blind=blind), (*notes, *more))


def _nodes(world: World, job: JobFacts) -> tuple[tuple[NodeFacts, ...], list[str]]:
    nomad = world.nomad
    nodes = [read_nodes.node_facts(stub) for stub in nomad.nodes(resources=True)]
    notes: list[str] = []
    keys = attributes.needed(job)
    values: Mapping[str, Mapping[attributes.Key, str]] = {}
    if keys:
        wanted = [node.id for node in nodes if _concerns(job, node)]
        values, problem = attributes.read(nomad, wanted, keys)
        if problem:
            notes.append(f"attributes of nodes could not be read: {problem}")
    most = _most(world)
    return tuple(
        replace(
            node,
            most=most.get(node.id, 0),
            attributes=_of("attr", values.get(node.id), keys),
            meta=_of("meta", values.get(node.id), keys),
        )
        for node in nodes
    ), notes


def _of(
    kind: str, values: Mapping[attributes.Key, str] | None, keys: frozenset[attributes.Key]
) -> dict[str, str] | None:
    if values is None:
        return None if keys else {}
    return {name: value for (word, name), value in values.items() if word == kind}


def _concerns(job: JobFacts, node: NodeFacts) -> bool:
    in_pool = job.pool in {"all", node.pool}
    return in_pool and any(globbed(each, node.datacenter) for each in job.datacenters)


def _most(world: World) -> dict[str, int]:
    """Nodes that limit how many allocations they take; only recent Nomads know such a limit."""
    try:
        stubs = world.nomad.nodes(where="NodeMaxAllocs != 0")
        return {
            str(stub["ID"]): int(world.nomad.node(str(stub["ID"])).get("NodeMaxAllocs") or 0)
            for stub in stubs
        }
    except InvalidRequestError:
        return {}


def _allocations(world: World) -> tuple[tuple[AllocationFacts, ...], str]:
    """What takes room, and why some of it may be missing."""
    try:
        raw = world.nomad.allocations_everywhere()
    except ApiError as exc:
        return (), f"what runs could not be read: {exc.message}"
    found = tuple(fact for each in raw if (fact := read_nodes.allocation_facts(each)))
    return found, "" if _sees_everything(world) else HIDDEN


def _sees_everything(world: World) -> bool:
    """Nomad leaves out the namespaces that a token may not read, and does not say so."""
    try:
        token = world.nomad.token_self()
    except ApiError:
        return False
    return token.get("Type") == "management" or token.get("AccessorID") == "acls-disabled"


def _scheduler(
    world: World, job: JobFacts, nodes: Sequence[NodeFacts]
) -> tuple[SchedulerFacts, list[str]]:
    notes: list[str] = []
    preemption: frozenset[str] | None
    try:
        preemption = read_nodes.preemption(world.nomad.scheduler_configuration())
    except ApiError as exc:
        preemption = None
        notes.append(f"whether Nomad may stop other work for it is unknown: {exc.message}")
    priorities: Mapping[tuple[str, str], int] = {}
    if preemption is None or job.kind in preemption:
        try:
            priorities = world.nomad.priorities()
        except ApiError as exc:
            notes.append(f"priorities of other jobs could not be read: {exc.message}")
    volumes, missing = _volumes(world, job, nodes)
    quota, refused = _namespace(world, job)
    return SchedulerFacts(
        preemption=preemption,
        priorities=priorities,
        volumes=volumes,
        pool_refused=refused,
        unclear=quota,
    ), [*notes, *missing]


def _volumes(
    world: World, job: JobFacts, nodes: Sequence[NodeFacts]
) -> tuple[dict[str, DynamicVolume], list[str]]:
    """The dynamic host volumes that could be the job's."""
    sources = {
        source
        for group in job.groups
        for volume in group.volumes
        for source in (
            [f"{volume.source}[{number}]" for number in range(max(group.count, 1))]
            if volume.per_alloc
            else [volume.source]
        )
    }
    ids = {
        node.volumes[source].id
        for node in nodes
        for source in sources
        if source in node.volumes and node.volumes[source].id
    }
    found: dict[str, DynamicVolume] = {}
    for name in sorted(ids):
        try:
            raw = world.nomad.host_volume(name)
        except ApiError as exc:
            return found, [f"host volumes could not be read: {exc.message}"]
        # Of another namespace it is as if it were not there.
        found[name] = DynamicVolume(ready=False) if raw is None else read_nodes.volume_facts(raw)
    return found, []


def _namespace(world: World, job: JobFacts) -> tuple[tuple[str, ...], str]:
    """Demands of the namespace: its quota, and whether it may use the node pool."""
    try:
        raw: Mapping[str, Any] = world.nomad.namespace_specification()
    except ApiError:
        return (), ""
    quota = str(raw.get("Quota") or "")
    unclear = (f"quota {quota} of the namespace: only Nomad can tell",) if quota else ()
    pools: Mapping[str, Any] = raw.get("NodePoolConfiguration") or {}
    allowed, denied = pools.get("Allowed"), pools.get("Denied") or []
    default = str(pools.get("Default") or "default")
    known = job.pool == default or allowed is None or _any(allowed, job.pool)
    if known and (job.pool == default or not _any(denied, job.pool)):
        return unclear, ""
    return unclear, f"namespace {job.namespace} may not use node pool {job.pool}"


def _any(patterns: Sequence[str], name: str) -> bool:
    return any(globbed(pattern, name) for pattern in patterns)
