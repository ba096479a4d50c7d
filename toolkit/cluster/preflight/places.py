"""Zones, and the instance types that they have."""

from __future__ import annotations

from typing import NamedTuple

from toolkit.cluster.preflight.saying import Findings, listed
from toolkit.cluster.units import machines
from toolkit.config.lines import KeyPath
from toolkit.spec.cluster import SERVERS, Cluster, arch_of
from toolkit.spec.preflight import Seen, Unseen

PROCESSORS = {"amd64": "x86_64", "arm64": "arm64"}
"""As EC2 calls them."""


class Wanted(NamedTuple):
    """An instance type, and where machines of it are to start."""

    type: str
    what: str
    key: KeyPath
    zones: tuple[str, ...]
    every: bool
    """In each of the zones; else in any."""


def wanted(cluster: Cluster) -> tuple[Wanted, ...]:
    """Every key that says a type, once."""
    found: dict[KeyPath, Wanted] = {}
    for each in machines(cluster):
        servers = each.what == "servers"
        zones = cluster.zones[:SERVERS] if servers else cluster.zones
        what = f"the {each.what}" if servers else each.what
        found[each.key] = Wanted(each.type, what, each.key, zones, every=servers)
    return tuple(found.values())


def judge_zones(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """Zones exist, and machines of each type can start where they are to."""
    if isinstance(seen.offered, Unseen):
        found.unchecked("zones", "which zones have the instance types", seen.offered)
        return
    if seen.offered is None:
        return
    gone = _missing(cluster, seen, found)
    for each in wanted(cluster):
        has = tuple(sorted(zone for zone, types in seen.offered.items() if each.type in types))
        if not has:
            message = f"no zone of {cluster.region} has {each.type}, the type of {each.what}"
            hint = f"aws ec2 describe-instance-type-offerings --region {cluster.region} lists them"
            found.stops("types", message, hint, each.key)
            continue
        # A zone that is none is said once, not for each type.
        missing = [zone for zone in each.zones if zone not in has and zone not in gone]
        if not missing:
            continue
        message = (
            f"{each.type}, the type of {each.what}, is not offered in {listed(missing)};"
            f" it is in {listed(has)}"
        )
        hint = "choose another type, or other zones"
        if each.every or not any(zone in has for zone in each.zones):
            found.stops("types", message, hint, each.key)
        else:
            found.warns("types", f"{message}, where all such machines will be", hint, each.key)


def judge_types(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """A type has the processor that it was taken for, and disks where they are to be used."""
    if isinstance(seen.types, Unseen):
        found.unchecked("types", "the instance types", seen.types)
        return
    if seen.types is None:
        return
    for each in wanted(cluster):
        known = seen.types.get(each.type)
        if known is None:
            continue
        own = PROCESSORS[arch_of(each.type)]
        if known.architectures and own not in known.architectures:
            message = (
                f"{each.type} is {listed(known.architectures)}, and toolkit takes it for {own}"
            )
            found.stops("types", message, "choose a type of another family", each.key)
    for pool in cluster.pools.values():
        known = seen.types.get(pool.type)
        if pool.ephemeral and known is not None and not known.storage:
            message = f"{pool.type} has no disks of its own: pool {pool.name} uses its root disk"
            hint = "a type with a d in its name, such as m7gd.large, has some"
            found.warns("types", message, hint, ("pools", pool.name, "ephemeral"))


def _missing(cluster: Cluster, seen: Seen, found: Findings) -> frozenset[str]:
    """Zones of the cluster that AWS does not offer; each is a finding."""
    if isinstance(seen.zones, Unseen):
        found.unchecked("zones", "whether the zones exist", seen.zones)
        return frozenset()
    if seen.zones is None:
        return frozenset()
    known = {zone.name: zone for zone in seen.zones}
    gone = [zone for zone in cluster.zones if zone not in known]
    for zone in gone:
        names = listed(sorted(known)) or "none"
        message = f"{cluster.region} offers this account no zone {zone}; it offers {names}"
        found.stops("zones", message, "name at least three of those", ("zones",))
    for zone in cluster.zones:
        if zone in known and not known[zone].available:
            message = f"AWS says that {zone} is not available now"
            found.warns("zones", message, "health.aws.amazon.com says why", ("zones",))
    return frozenset(gone)
