"""What a cluster is billed by, from its file alone: hours, gigabytes, keys, alarms.

Only what is billed whatever it does; what is billed by use is named, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from toolkit.cluster.template.bastion import ROOT_VOLUME
from toolkit.cluster.template.network import ENDPOINTS
from toolkit.spec.cluster import SERVERS, Cluster, Pool
from toolkit.spec.units import HOURS, Bill, Charge, Prices, Unit

ALARMS = 2
METRICS = 2
"""Of our own, without dimensions: one each, however many servers write it."""


class Machines(NamedTuple):
    """Machines of one type that are bought in one way."""

    what: str
    """Whose they are: `servers`, `pool worker`."""
    type: str
    spot: bool
    least: int
    most: int
    key: tuple[str, ...]
    """Key of the cluster file that says the type."""


def bill(cluster: Cluster, prices: Prices | None = None) -> Bill:
    """All units, priced as far as the prices go: a unit without one has None, never 0."""
    known = {} if prices is None else prices.prices
    charges = tuple(
        Charge(unit, known.get((cluster.region, unit.key))) for unit in billed_units(cluster)
    )
    if prices is None:
        return Bill(cluster.region, charges, used(cluster))
    return Bill(
        cluster.region, charges, used(cluster), prices.as_of, prices.source, prices.currency
    )


def billed_units(cluster: Cluster) -> tuple[Unit, ...]:
    """What is billed for being there; amounts are of a month."""
    found = [*_instances(cluster), _volumes(cluster)]
    zones = len(cluster.zones)
    if nats := nat_gateways(cluster):
        found.append(_hours("nat-hour", _plural(nats, "NAT gateway"), nats))
    else:
        found.append(_hours(
            "endpoint-hour", f"{len(ENDPOINTS)} endpoints in {zones} zones", len(ENDPOINTS) * zones
        ))  # fmt: skip
    found.append(_hours(f"{cluster.edge.kind}-hour", "the balancer", 1))
    found.append(_addresses(cluster))
    found += [
        Unit("key-month", "the key of the secrets", 1, 1),
        Unit("zone-month", "the private hosted zone", 1, 1),
        Unit("alarm-month", "alarms", ALARMS, ALARMS),
        Unit("metric-month", "metrics of the servers", METRICS, METRICS),
    ]
    return tuple(found)


def used(cluster: Cluster) -> tuple[str, ...]:
    """What is billed by use, in words."""
    return (
        "traffic out of AWS and between zones",
        *(
            ("gigabytes through NAT",)
            if nat_gateways(cluster)
            else ("gigabytes through endpoints",)
        ),
        "the balancer's capacity units",
        "requests to the drain queue, the key and DNS",
    )


def machines(cluster: Cluster) -> tuple[Machines, ...]:
    """All machines by type and way of buying; a pool with a spot share is two."""
    own = cluster.servers
    found = [Machines("servers", own.type, False, SERVERS, SERVERS, ("servers", "type"))]
    for pool in cluster.all_pools:
        found += _bought(pool)
    if cluster.bastion is not None:
        found.append(
            Machines("the bastion", cluster.bastion.type, False, 1, 1, ("bastion", "type"))
        )
    return tuple(found)


def nat_gateways(cluster: Cluster) -> int:
    """How many NAT gateways there are."""
    return {"none": 0, "single": 1, "per-az": len(cluster.zones)}[cluster.nat]


def elastic_addresses(cluster: Cluster) -> int:
    """Elastic IPs that the stack allocates: for NAT, and for an NLB one in each zone."""
    edge = len(cluster.zones) if cluster.edge.kind == "nlb" else 0
    return nat_gateways(cluster) + edge


def _bought(pool: Pool) -> Iterator[Machines]:
    key = ("control", "type") if pool.role == "control" else ("pools", pool.name, "type")
    what = "the control machine" if pool.role == "control" else f"pool {pool.name}"
    # AWS rounds the share that is bought on demand up.
    steady = [ceil(count * (100 - pool.spot) / 100) for count in (pool.min, pool.max)]
    spot = [pool.min - steady[0], pool.max - steady[1]]
    if steady[1]:
        yield Machines(what, pool.type, False, steady[0], steady[1], key)
    if spot[1]:
        yield Machines(what, pool.type, True, spot[0], spot[1], key)


def _instances(cluster: Cluster) -> list[Unit]:
    by_key: dict[str, list[Machines]] = {}
    for each in machines(cluster):
        kind = "spot-hour" if each.spot else "instance-hour"
        by_key.setdefault(f"{kind}.{each.type}", []).append(each)
    return [
        Unit(
            key,
            ", ".join(_say(each) for each in those),
            HOURS * sum(each.least for each in those),
            HOURS * sum(each.most for each in those),
        )
        for key, those in by_key.items()
    ]


def _volumes(cluster: Cluster) -> Unit:
    own = cluster.servers
    fixed = SERVERS * (own.volume + own.root_volume) + (ROOT_VOLUME if cluster.bastion else 0)
    least = fixed + sum(pool.min * pool.root_volume for pool in cluster.all_pools)
    most = fixed + sum(pool.max * pool.root_volume for pool in cluster.all_pools)
    return Unit("volume-gb-month", "disks of all machines, gp3", least, most)


def _addresses(cluster: Cluster) -> Unit:
    zones, nats = len(cluster.zones), nat_gateways(cluster)
    parts = [(nats, "NAT"), (zones, "the balancer"), (1 if cluster.bastion else 0, "the bastion")]
    count = sum(each for each, _ in parts)
    what = ", ".join(f"{each} of {name}" for each, name in parts if each)
    # An ALB takes more of them as it grows.
    grows = cluster.edge.kind == "alb"
    return Unit("address-hour", what, HOURS * count, HOURS * count, more=grows)


def _hours(key: str, what: str, count: int) -> Unit:
    return Unit(key, what, HOURS * count, HOURS * count)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _say(each: Machines) -> str:
    count = str(each.least) if each.least == each.most else f"{each.least} to {each.most}"
    if each.what.startswith("pool "):
        return f"{count} of {each.what}"
    return each.what if each.what.startswith("the ") else f"{count} {each.what}"
