"""What AWS and the servers said as rows, and what of it is not as it should be. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from toolkit.cluster import pki
from toolkit.cluster.network import slots
from toolkit.cluster.nodes import place_of
from toolkit.cluster.secrets.making import leaves
from toolkit.cluster.secrets.needed import AUTHORITY, needed_secrets
from toolkit.cluster.stack.statuses import standing
from toolkit.cluster.template import group_name, pool_group
from toolkit.cluster.template.alarms import DAYS
from toolkit.cluster.template.forms import DIGEST_TAG
from toolkit.errors import RefusedError
from toolkit.spec.aws import BalancerView, GroupInstance, GroupView, InstanceView, TargetView
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster import Cluster, Slot
from toolkit.spec.cluster_status import (
    AlarmRow,
    Configuration,
    EdgeRow,
    PoolRow,
    ServerRow,
    StackRow,
    ZoneRow,
)
from toolkit.spec.rehearsal import CertificateRow
from toolkit.spec.target import Secret
from toolkit.workflows.cluster.status.inside import UNSEEN, Inside

NONE = "none"


@dataclass(frozen=True, slots=True)
class Fleet:
    """The groups and their machines, each as its own service has it; None: not seen."""

    groups: Mapping[str, GroupView]
    instances: Mapping[str, InstanceView]

    @classmethod
    def of(cls, groups: Iterable[GroupView], instances: Iterable[InstanceView]) -> Fleet:
        """By name and by id."""
        return cls({each.name: each for each in groups}, {each.id: each for each in instances})

    def configuration(self, group: GroupView, machine: str) -> Configuration:
        """Whether the machine was started with what the group has now."""
        wanted = group.tags.get(DIGEST_TAG)
        own = self.instances[machine].tags.get(DIGEST_TAG) if machine in self.instances else None
        if wanted is None or own is None:
            return "unknown"
        return "current" if own == wanted else "earlier"


def stack_row(stack: StackView) -> StackRow:
    """The stack in words."""
    said = standing(stack.status)
    at = stack.updated or stack.created
    return StackRow(
        stack.status,
        said.sentence,
        said.well,
        stack.protected,
        "" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}",
    )


def server_rows(cluster: Cluster, fleet: Fleet, inside: Inside | None) -> tuple[ServerRow, ...]:
    """One row for each slot, whether a machine is in it or not."""
    return tuple(_server(cluster, slot, fleet, inside) for slot in slots(cluster))


def _server(cluster: Cluster, slot: Slot, fleet: Fleet, inside: Inside | None) -> ServerRow:
    group = fleet.groups.get(group_name(cluster, slot))
    raft = UNSEEN if inside is None else inside.raft.get(slot.name, UNSEEN)
    # One may go while the next one comes: the one that stays is the slot's.
    machines = sorted(group.instances if group else (), key=lambda each: each.going)
    if group is None or not machines:
        return ServerRow(slot.name, slot.zone, slot.address, "", NONE, "unknown", raft)
    own = machines[0]
    return ServerRow(
        slot.name,
        slot.zone,
        slot.address,
        own.id,
        _state(own, fleet),
        fleet.configuration(group, own.id),
        raft,
    )


def _state(machine: GroupInstance, fleet: Fleet) -> str:
    said = fleet.instances[machine.id].state if machine.id in fleet.instances else "terminated"
    if machine.lifecycle != "InService":
        return f"{said}, {machine.lifecycle}"
    return said if machine.health == "Healthy" else f"{said}, {machine.health}"


def pool_rows(cluster: Cluster, fleet: Fleet, inside: Inside | None) -> tuple[PoolRow, ...]:
    """One row for each pool of the file that has a group."""
    ready = None if inside is None else inside.ready
    rows = []
    for pool in cluster.all_pools:
        group = fleet.groups.get(pool_group(cluster, pool.name))
        if group is None:
            continue
        own = group.instances
        serving = [each.id for each in own if each.lifecycle == "InService"]
        rows.append(
            PoolRow(
                pool.name,
                group.min,
                group.max,
                group.desired,
                in_service=len(serving),
                starting=sum(each.lifecycle.startswith("Pending") for each in own),
                draining=sum(each.going for each in own),
                unwell=sum(each.id in serving and not each.in_service for each in own),
                earlier=sum(fleet.configuration(group, each.id) == "earlier" for each in own),
                nodes=None if ready is None else ready.get(place_of(pool), 0),
            )
        )
    return tuple(rows)


def edge_rows(targets: Iterable[TargetView]) -> tuple[EdgeRow, ...]:
    """What is behind the balancer."""
    return tuple(
        EdgeRow(each.id, each.port, each.health, each.description or each.reason)
        for each in targets
    )


def certificate_rows(
    secrets: Mapping[str, Secret], cluster: Cluster, now: float
) -> tuple[CertificateRow, ...]:
    """The machines' certificates and their authority's, without keys; those that can be read."""
    at = datetime.fromtimestamp(now, UTC)
    rows = []
    for name in (AUTHORITY, *leaves(cluster)):
        if (said := _certificate(secrets, name)) is not None:
            rows.append(CertificateRow(name, f"{said.ends:%Y-%m-%d}", said.left(at).days))
    return tuple(rows)


def _certificate(secrets: Mapping[str, Secret], name: str) -> pki.CertificateFacts | None:
    try:
        return pki.facts(secrets[name].reveal())[0] if name in secrets else None
    except RefusedError:
        return None


def secret_wrongs(secrets: Mapping[str, Secret], cluster: Cluster) -> Iterator[str]:
    """Secrets that are not there, and certificates that are none."""
    missing = [each.name for each in needed_secrets(cluster) if each.name not in secrets]
    if missing:
        rest = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        makes = f"toolkit cluster up {cluster.name} makes it"
        yield f"the secret {missing[0]}{rest} is missing: {makes}"
    for name in (AUTHORITY, *leaves(cluster)):
        if name in secrets and _certificate(secrets, name) is None:
            yield f"the secret {name} holds no certificate"


def stack_wrongs(cluster: Cluster, stack: StackView) -> Iterator[str]:
    """What is wrong with the stack."""
    said = standing(stack.status)
    if not said.well:
        yield f"the stack is {said.word} ({stack.status}): {said.sentence}"
    if cluster.protected and not stack.protected and said.well:
        yield "the cluster file says `protected`, and the stack has no termination protection"


def machine_wrongs(
    cluster: Cluster, servers: Iterable[ServerRow], pools: Sequence[PoolRow]
) -> Iterator[str]:
    """What is wrong with machines."""
    for server in servers:
        if not server.instance:
            yield f"{server.slot} has no machine"
        elif server.state != "running":
            yield f"the machine {server.instance} of {server.slot} is {server.state}"
    found = {each.name: each for each in pools}
    for pool in cluster.all_pools:
        row = found.get(pool.name)
        if row is None:
            yield f"the pool {pool.name} is not there"
            continue
        if row.desired < pool.min:
            yield f"the pool {pool.name} wants {row.desired} machines, the file {pool.min} at least"
        elif row.in_service - row.unwell < row.desired:
            well = row.in_service - row.unwell
            yield f"the pool {pool.name} has {well} of {row.desired} machines in service"
        # Pools may be one to Nomad: then it has to have the machines of all of them.
        alike = [each.name for each in cluster.all_pools if place_of(each) == place_of(pool)]
        serving = sum(found[each].in_service for each in alike if each in found)
        if row.nodes is not None and row.nodes < serving and pool.name == alike[0]:
            yield f"Nomad has {row.nodes} of {serving} machines of {' and '.join(alike)} ready"


def balancer_wrongs(balancer: BalancerView | None) -> Iterator[str]:
    """What is wrong with the load balancer."""
    if balancer is None:
        yield "the load balancer is not there"
    elif balancer.state != "active":
        why = f": {balancer.reason}" if balancer.reason else ""
        yield f"the load balancer is {balancer.state}{why}"


def target_wrongs(targets: Sequence[EdgeRow], pool: str) -> Iterator[str]:
    """What is wrong with what is behind it; `pool`: whose machines these are."""
    for each in targets:
        if each.state not in {"healthy", "draining", "initial"}:
            why = f": {each.reason}" if each.reason else ""
            yield f"the balancer says that {each.instance} is {each.state}{why}"
    if not any(each.state == "healthy" for each in targets):
        yield f"no machine of pool {pool} gets requests"


def zone_wrongs(zones: Iterable[ZoneRow]) -> Iterator[str]:
    """What is wrong with names."""
    for zone in zones:
        if not zone.id:
            yield f"there is no {zone.visibility} zone {zone.name}"
        elif zone.missing:
            yield f"{', '.join(zone.missing)} is not, or not as it should be, in zone {zone.name}"


def certificate_wrongs(rows: Iterable[CertificateRow], cluster: Cluster) -> Iterator[str]:
    """Certificates that have ended, or will soon."""
    for each in rows:
        if each.days < DAYS:
            ends = "ended" if each.days < 0 else "ends"
            renew = f"toolkit cluster up {cluster.name} renews it"
            yield f"the certificate {each.name} {ends} on {each.ends}: {renew}"


def alarm_wrongs(rows: Iterable[AlarmRow]) -> Iterator[str]:
    """Alarms that ring."""
    for each in rows:
        if each.state == "ALARM":
            yield f"the alarm {each.name} rings"
