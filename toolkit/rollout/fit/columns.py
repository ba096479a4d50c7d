"""The demands of a group, each with the way to hold a node against it; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from toolkit.rollout.fit import distinct, equipment, ports, room, standing, volumes
from toolkit.rollout.fit.distinct import Property
from toolkit.rollout.fit.facts import GroupFacts, JobFacts, NodeFacts, Rule, SchedulerFacts
from toolkit.rollout.fit.operators import DISTINCT, held
from toolkit.rollout.fit.room import YES, Room
from toolkit.spec.fit import Cell, Demand

PREEMPTION = "Nomad may stop work of lower priority for it"


@dataclass(frozen=True, slots=True)
class Place:
    """One node as a group finds it."""

    node: NodeFacts
    left: Room
    """Without the instances of the group that a replacement stops first."""
    same_job: int = 0
    """Instances there that count for `distinct_hosts`."""
    same_group: int = 0
    emptied: Room | None = None
    """With all that preemption may stop gone; None: nothing may be stopped."""


@dataclass(frozen=True, slots=True)
class Column:
    """One demand."""

    demand: Demand
    check: Callable[[Place], Cell]
    counted: bool = False
    """True for what runs out: it is counted again by `room` and `ports`."""


def columns(
    job: JobFacts,
    group: GroupFacts,
    scheduler: SchedulerFacts,
    properties: tuple[Property, ...],
    *,
    most: bool,
) -> tuple[Column, ...]:
    """Every demand of the group, in the order in which people think of them.

    `most`: some node limits how many allocations it takes.
    """
    found = [
        *_standing(job, scheduler),
        *_equipment(group),
        *_rules((*job.constraints, *group.constraints)),
        *_network(group, scheduler),
        *_inherited(job, group),
        *_volumes(group, scheduler),
        *_resources(group, scheduler, most=most),
        *_distinct(job, group, properties),
    ]
    for text in (*group.unclear, *scheduler.unclear):
        found.append(Column(Demand("other", "added", text, implied=True), _unknown(text)))
    return tuple(found)


def _unknown(text: str) -> Callable[[Place], Cell]:
    cell = Cell("unknown", text)
    return lambda _place: cell


def _standing(job: JobFacts, scheduler: SchedulerFacts) -> Iterator[Column]:
    yield Column(
        Demand("node", "ready", "ready and eligible"), lambda p: standing.ready_cell(p.node)
    )
    yield Column(
        Demand("node", "dc", f"datacenter {' or '.join(job.datacenters)}"),
        lambda p: standing.datacenter_cell(job.datacenters, p.node),
    )
    yield Column(
        Demand("node", "pool", f"node pool {job.pool}"),
        lambda p: standing.pool_cell(job.pool, p.node),
    )
    if scheduler.pool_refused:
        cell = Cell("no", scheduler.pool_refused, 3.0)
        yield Column(Demand("node", "allowed", "node pool allowed"), lambda _place: cell)


def _equipment(group: GroupFacts) -> Iterator[Column]:
    for driver in group.drivers:
        yield Column(
            Demand("driver", driver, f"driver {driver}"),
            lambda p, name=driver: equipment.driver_cell(name, p.node),  # type: ignore[misc]
        )
    for secrets in group.secrets:
        yield Column(
            Demand("secrets", "secrets", f"secrets provider {secrets}"),
            lambda p, name=secrets: equipment.secrets_cell(name, p.node),  # type: ignore[misc]
        )
    for device in group.devices:
        yield Column(
            Demand("device", "device", f"device {device}"),
            lambda p, name=device: equipment.device_cell(name, p.node),  # type: ignore[misc]
        )


def _rules(rules: tuple[Rule, ...]) -> Iterator[Column]:
    plain = {rule.text: rule for rule in rules if rule.operator not in DISTINCT}
    for number, rule in enumerate(plain.values(), 1):
        yield Column(
            Demand("constraint", f"c{number}", rule.text, rule.implied),
            lambda p, one=rule: held(one, p.node),  # type: ignore[misc]
        )


def _network(group: GroupFacts, scheduler: SchedulerFacts) -> Iterator[Column]:
    if group.mode == "none":
        return
    yield Column(
        Demand("network", "network", f"network in {group.mode} mode"),
        lambda p: ports.mode_cell(group.mode, p.node),
    )
    for alias in dict.fromkeys(port.network for port in group.ports):
        yield Column(
            Demand("network", f"net:{alias}", f"host network {alias}"),
            lambda p, name=alias: ports.alias_cell(name, p.node),  # type: ignore[misc]
        )
    for port in group.ports:
        if port.value:
            yield Column(
                Demand("port", f":{port.value}", f"port {port.value}"),
                lambda p, one=port: _scarce(  # type: ignore[misc]
                    p, lambda left: ports.static_cell(one, left, p.node), scheduler
                ),
                counted=True,
            )
    if any(not port.value for port in group.ports):
        number = sum(1 for port in group.ports if not port.value)
        word = "port" if number == 1 else "ports"
        yield Column(
            Demand("port", "ports", f"{number} dynamic {word}"),
            lambda p: _scarce(
                p, lambda left: ports.dynamic_cell(group.ports, left, p.node), scheduler
            ),
            counted=True,
        )


def _inherited(job: JobFacts, group: GroupFacts) -> Iterator[Column]:
    """Of a group without a network Nomad 1.11 asks the network of whichever group came before."""
    others = [each for each in job.groups if each.networked and not group.networked]

    def check(place: Place) -> Cell:
        for other in others:
            asked = [ports.mode_cell(other.mode, place.node)]
            asked += [ports.alias_cell(port.network, place.node) for port in other.ports]
            if other.mode != "none" and any(cell.mark != "yes" for cell in asked):
                return Cell("unknown", f"Nomad may ask for the network of group {other.name} here")
        return YES

    if others:
        yield Column(Demand("network", "others", "networks of the other groups"), check)


def _volumes(group: GroupFacts, scheduler: SchedulerFacts) -> Iterator[Column]:
    for volume in group.volumes:
        yield Column(
            Demand("volume", f"vol:{volume.source}", f"{volume.kind} volume {volume.source}"),
            lambda p, one=volume: volumes.volume_cell(  # type: ignore[misc]
                one, p.node, scheduler.volumes, count=group.count
            ),
        )


def _resources(group: GroupFacts, scheduler: SchedulerFacts, *, most: bool) -> Iterator[Column]:
    asked = group.asked

    def scarce(check: Callable[[Room, NodeFacts], Cell]) -> Callable[[Place], Cell]:
        return lambda p: _scarce(p, lambda left: check(left, p.node), scheduler)

    cpu = f"CPU {asked.cpu} MHz"
    if asked.cores:
        cpu = f"{cpu} and that of its cores" if asked.cpu else "CPU of its cores"
    yield Column(
        Demand("resource", "cpu", cpu),
        scarce(lambda left, node: room.cpu_cell(asked, left, node)),
        counted=True,
    )
    if asked.cores:
        yield Column(
            Demand("resource", "cores", f"reserved cores {sum(asked.cores)}"),
            scarce(lambda left, _node: room.cores_cell(asked, left)),
            counted=True,
        )
    yield Column(
        Demand("resource", "memory", f"memory {asked.memory} MiB"),
        scarce(lambda left, _node: room.memory_cell(asked, left)),
        counted=True,
    )
    yield Column(
        Demand("resource", "disk", f"disk {asked.disk} MiB"),
        scarce(lambda left, _node: room.disk_cell(asked, left)),
        counted=True,
    )
    if most:
        yield Column(
            Demand("resource", "number", "one more allocation"),
            scarce(_number),
            counted=True,
        )


def _number(left: Room, node: NodeFacts) -> Cell:
    if not node.most or left.allocations < node.most:
        return YES
    return Cell("no", f"takes {node.most} allocations and has them", 0.9)


def _scarce(place: Place, check: Callable[[Room], Cell], scheduler: SchedulerFacts) -> Cell:
    """What runs out: preemption may free it, and what we may not see may have taken it."""
    cell = check(place.left)
    if cell.mark == "yes" and scheduler.blind:
        return Cell("unknown", scheduler.blind)
    if cell.mark == "no" and place.emptied is not None and check(place.emptied).mark == "yes":
        return Cell("unknown", f"{cell.said}; {PREEMPTION}", cell.short)
    return cell


def _distinct(
    job: JobFacts, group: GroupFacts, properties: tuple[Property, ...]
) -> Iterator[Column]:
    limit = None if job.everywhere else distinct.hosts_limit(job, group)
    if limit is not None:
        yield Column(
            Demand("distinct", "distinct", "distinct_hosts"),
            lambda p: distinct.hosts_cell(limit, p.same_job, p.same_group),
            counted=True,
        )
    for each in properties:
        yield Column(
            Demand("distinct", "distinct", each.rule.text),
            lambda p, one=each: distinct.property_cell(one, p.node),  # type: ignore[misc]
            # Nomad leaves a node out for it, and misses nothing, where it wants every node.
            counted=not job.everywhere,
        )
