"""Questions about machines: zones, types, images, and what of their quotas others use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from toolkit.clients.aws.limits import Limits
from toolkit.cluster.preflight.images import image_ids, images
from toolkit.cluster.preflight.names import parameter_names
from toolkit.cluster.preflight.places import wanted
from toolkit.cluster.preflight.quotas import (
    ADDRESSES,
    INTERFACES,
    VCPUS,
    VPCS,
    Quota,
    address_need,
    class_of,
    interface_need,
    machine_needs,
)
from toolkit.spec.cluster import Cluster
from toolkit.spec.preflight import Seen, Unseen
from toolkit.workflows.cluster.preflight.asking import Asking

TAKES = 10
"""Parameters that SSM gives in one answer."""


def ask_zones(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """Which zones have the types; and whether those exist that have none."""
    types = sorted({each.type for each in wanted(cluster)})
    offered = ask("zones", lambda: Limits(ask.cloud).offered(types))
    if not isinstance(offered, Mapping):
        return replace(seen, offered=offered)
    found: dict[str, set[str]] = {}
    for type_, zones in offered.items():
        for zone in zones:
            found.setdefault(zone, set()).add(type_)
    seen = replace(seen, offered={zone: frozenset(those) for zone, those in found.items()})
    if all(zone in found for zone in cluster.zones):
        return seen  # What has machines exists.
    return replace(seen, zones=ask("zones", Limits(ask.cloud).zones))


def ask_types(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """What the types are."""
    types = sorted({each.type for each in wanted(cluster)})
    return replace(seen, types=ask("instance types", lambda: Limits(ask.cloud).types(types)))


def ask_images(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """The parameters of images, then the images."""
    names = [image.said for image in images(cluster) if image.said.startswith("/")]
    if seen.stack == "none":
        # In the same answer: what an earlier cluster of that name may have left.
        names += parameter_names(cluster)
    told: Mapping[str, str] | Unseen | None = {}
    if names:
        told = ask("images", lambda: _parameters(ask, names), cost=ceil(len(names) / TAKES))
        seen = replace(seen, parameters=told)
    ids = image_ids(cluster, told)
    if not ids:
        return seen
    return replace(seen, images=ask("images", lambda: Limits(ask.cloud).images(ids)))


def ask_machines(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """Others' vCPUs, and the quotas that the cluster's count against."""
    about = "machine quotas"
    if not isinstance(seen.types, Mapping):
        if seen.types is None:
            ask.unasked.append(about)
        return seen
    of_one = {name: each.vcpus for name, each in seen.types.items()}
    # Without a quota beside it, what is used says nothing.
    used = ask(about, lambda: Limits(ask.cloud).vcpus(but=cluster.name), cost=2)
    if isinstance(used, Mapping):
        classes: Counter[tuple[str, bool]] = Counter()
        for (letters, spot), vcpus in used.items():
            classes[class_of(letters), spot] += vcpus
        used = classes
    seen = replace(seen, vcpus=used)
    for at in sorted(machine_needs(cluster, of_one)):
        if at in VCPUS:
            seen = _quota(VCPUS[at], about, ask, seen)
    return seen


def ask_addresses(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """Others' Elastic IPs, and their quota where that may matter."""
    need = address_need(cluster).most
    if not need:
        return seen
    used = ask("address quota", lambda: Limits(ask.cloud).addresses(but=cluster.name))
    return _beyond(ADDRESSES, need, "address quota", ask, replace(seen, addresses=used), used)


def ask_vpcs(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """Others' VPCs, and their quota where that may matter."""
    used = ask("VPC quota", lambda: Limits(ask.cloud).vpcs(but=cluster.name))
    return _beyond(VPCS, 1, "VPC quota", ask, replace(seen, vpcs=used), used)


def ask_interfaces(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """All network interfaces, and their quota where that may matter."""
    need, about = interface_need(cluster).most, "interface quota"
    used = ask(about, Limits(ask.cloud).interfaces)
    return _beyond(INTERFACES, need, about, ask, replace(seen, interfaces=used), used)


def _beyond(
    quota: Quota, need: int, about: str, ask: Asking, seen: Seen, used: int | Unseen | None
) -> Seen:
    """The quota is asked for where what every account has is not enough."""
    if not isinstance(used, int) or used + need <= quota.usual:
        return seen
    return _quota(quota, about, ask, seen)


def _quota(quota: Quota, about: str, ask: Asking, seen: Seen) -> Seen:
    def find() -> float | Unseen:
        limit = Limits(ask.cloud).quota((quota.service, quota.code))
        return (
            Unseen("AWS does not say it", "the console of Service Quotas may")
            if limit is None
            else limit
        )

    limit = ask(about, find)
    if limit is None:
        return seen
    return replace(seen, quotas={**seen.quotas, quota.code: limit})


def _parameters(ask: Asking, names: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(names), TAKES):
        found |= Limits(ask.cloud).image_parameters(names[start : start + TAKES])
    return found
