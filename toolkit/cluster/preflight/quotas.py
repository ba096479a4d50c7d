"""What the cluster needs beside what is used already, against what AWS grants the account."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from toolkit.cluster.preflight.saying import Findings
from toolkit.cluster.template.network import ENDPOINTS
from toolkit.cluster.units import elastic_addresses, machines, nat_gateways
from toolkit.config.lines import KeyPath
from toolkit.spec.cluster import SERVERS, Cluster
from toolkit.spec.preflight import Seen, Unseen

STANDARD = "standard"
_LETTERS = re.compile(r"[a-z]+", re.ASCII)
_STANDARD = frozenset("acdhimrtz")


class Quota(NamedTuple):
    """One quota of Service Quotas."""

    service: str
    code: str
    what: str
    """As AWS calls it, short enough for a sentence."""
    usual: int = 0
    """What every account has at least; 0: nothing is certain."""


ADDRESSES = Quota("ec2", "L-0263D0A3", "Elastic IP addresses", 5)
VPCS = Quota("vpc", "L-F678F1CE", "VPCs", 5)
INTERFACES = Quota("vpc", "L-DF5E4CA3", "network interfaces", 5000)
VCPUS: Mapping[tuple[str, bool], Quota] = {
    (name, spot): Quota("ec2", code, f"vCPUs of {label} {'spot' if spot else 'on-demand'} machines")
    for name, label, *codes in (
        (STANDARD, "standard", "L-1216C47A", "L-34B43A08"),
        ("f", "F", "L-74FC7D96", "L-88CF9481"),
        ("g", "G and VT", "L-DB2E81BA", "L-3819A6DF"),
        ("x", "X", "L-7295265B", "L-E3A00192"),
        ("inf", "Inf", "L-1945791B", "L-B5D1601B"),
        ("dl", "DL", "L-6E869C2A", "L-85EED4F7"),
        # Published lists differ about the codes of their spot machines: so those are not known.
        ("p", "P", "L-417A185B", ""),
        ("trn", "Trn", "L-2C3B7624", ""),
    )
    for spot, code in zip((False, True), codes, strict=True)
    if code
}
"""By class of family and whether they are spot; families of other classes are not known."""


class Need(NamedTuple):
    """How much of one quota the whole cluster takes."""

    quota: Quota
    least: int
    most: int
    key: KeyPath | None = None
    """What in the cluster file asks for that much."""


def class_of(instance_type: str) -> str:
    """The class whose quota a type counts against: `standard`, or the letters of its family."""
    match = _LETTERS.match(instance_type)
    letters = match[0] if match else ""
    if letters == "vt" or letters.startswith("gr"):  # gr6: G with more memory
        return "g"
    return STANDARD if letters in _STANDARD or letters in {"im", "is"} else letters


def machine_needs(
    cluster: Cluster, vcpus: Mapping[str, int]
) -> Mapping[tuple[str, bool], tuple[int, int]]:
    """How many vCPUs, at least and at most, by class and whether they are spot.

    `vcpus`: of one machine, by type; types that are not in it are left out.
    """
    found: dict[tuple[str, bool], tuple[int, int]] = {}
    for each in machines(cluster):
        if each.type in vcpus:
            at = (class_of(each.type), each.spot)
            least, most = found.get(at, (0, 0))
            own = vcpus[each.type]
            found[at] = (least + each.least * own, most + each.most * own)
    return found


def address_need(cluster: Cluster) -> Need:
    """Elastic IPs."""
    count = elastic_addresses(cluster)
    per_zone = cluster.nat == "per-az"
    key: KeyPath = ("network", "nat") if per_zone else ("edge", "kind")
    return Need(ADDRESSES, count, count, key if count > 1 else None)


def interface_need(cluster: Cluster) -> Need:
    """Network interfaces: of machines, NAT, balancer and endpoints."""
    zones, nats = len(cluster.zones), nat_gateways(cluster)
    fixed = SERVERS + nats + zones + (0 if nats else len(ENDPOINTS) * zones)
    workers = [each for each in machines(cluster) if each.what != "servers"]
    least, most = sum(each.least for each in workers), sum(each.most for each in workers)
    return Need(INTERFACES, fixed + least, fixed + most)


def judge_quotas(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """Everything fits, at least with every pool at its least."""
    _judge_machines(cluster, seen, found)
    counts = ((address_need(cluster), seen.addresses), (Need(VPCS, 1, 1), seen.vpcs))
    for need, used in (*counts, (interface_need(cluster), seen.interfaces)):
        if need.most:
            _judge(need, used, cluster, seen, found)


def _judge_machines(cluster: Cluster, seen: Seen, found: Findings) -> None:
    if isinstance(seen.types, Unseen):
        found.unchecked("quota", "the quotas of machines", seen.types)
        return
    if seen.types is None:
        return
    needs = machine_needs(cluster, {name: each.vcpus for name, each in seen.types.items()})
    for at, (least, most) in sorted(needs.items()):
        quota = VCPUS.get(at)
        if quota is None:
            which = f"{'spot ' if at[1] else ''}machines of family {at[0]}"
            why = Unseen("toolkit does not know which quota they count against")
            found.unchecked("quota", f"the quota of {which}", why)
            continue
        used = seen.vcpus
        others = used.get(at, 0) if isinstance(used, Mapping) else used
        _judge(Need(quota, least, most), others, cluster, seen, found)


def _judge(
    need: Need, used: int | Unseen | None, cluster: Cluster, seen: Seen, found: Findings
) -> None:
    quota = need.quota
    if isinstance(used, Unseen):
        found.unchecked("quota", f"how many {quota.what} are used", used)
        return
    limit = seen.quotas.get(quota.code)
    if used is None or limit is None:
        return
    if isinstance(limit, Unseen):
        # What every account has is enough: then it does not matter what this one has.
        if used + need.most > quota.usual:
            found.unchecked("quota", f"the quota of {quota.what}", limit)
        return
    wanted = used + need.most
    if wanted <= limit:
        return
    hint = (
        f"aws service-quotas request-service-quota-increase --region {cluster.region}"
        f" --service-code {quota.service} --quota-code {quota.code} --desired-value {wanted}"
    )
    have = f"the quota of {quota.what} in {cluster.region} is {limit:.0f}, {used} used by others"
    if used + need.least > limit:
        found.stops("quota", f"{have}: the cluster needs {need.least}", hint, need.key)
    else:
        message = f"{have}: the cluster starts with {need.least}, and cannot grow to {need.most}"
        found.warns("quota", message, hint, need.key)
