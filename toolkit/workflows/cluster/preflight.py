"""What AWS says before anything is made: every finding at once, within a number of calls.

Questions are asked in the order of what fails most often and costs most to find out late. One that
AWS does not answer is a finding; one that there is no call left for is said to be unasked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import ceil
from typing import TYPE_CHECKING, Literal, TypeVar

from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.limits import Limits
from toolkit.cluster.preflight import judge
from toolkit.cluster.preflight.edge import public_zone
from toolkit.cluster.preflight.images import image_ids, images
from toolkit.cluster.preflight.names import group_names, parameter_names, role_names
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
from toolkit.cluster.template.forms import CLUSTER_TAG
from toolkit.cluster.template.key import alias
from toolkit.config.clusterfile import ClusterFile
from toolkit.errors import ApiError, UnreachableError
from toolkit.spec.aws import CertificateView, HostedZoneView, KeyView
from toolkit.spec.cluster import Cluster
from toolkit.spec.preflight import Preflight, Seen, Unseen

if TYPE_CHECKING:
    from toolkit.clients.aws.cloud import Cloud
    from toolkit.spec.cloudformation import StackView

T = TypeVar("T")

PLAN_NEW = 9
"""Calls that a plan may spend here where there is no stack: with its own three it stays at 12."""
PLAN_OLD = 5
"""And where there is one, whose change set is made, read and deleted."""
TAKES = 10
"""Parameters that SSM gives in one answer."""
EMPTY = frozenset({"REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE"})
"""What a stack says that has nothing yet, or nothing any more."""


def preflight(
    file: ClusterFile,
    cloud: Cloud,
    stack: StackView | None,
    *,
    now: float,
    calls: int | None = None,
) -> Preflight:
    """What would fail, what may, and what nobody could say; reads only.

    `stack`: the one of the cluster's name, None where there is none. `now`: seconds since the
    epoch. `calls`: at most so many requests (pages of very long lists apart); what there was none
    left for is in `unasked`. None: everything is asked. ApiError when the credentials cannot be
    used or AWS is not reached at all; RefusedError when they are of another account.
    """
    account = cloud.identity().account
    asking = Asking(cloud, calls)
    seen = _look(file.cluster, asking, Seen(account, stack=_whose(stack, file.cluster)))
    unasked = tuple(dict.fromkeys(asking.unasked))
    return Preflight(
        account=account,
        region=cloud.region,
        findings=judge(file, seen, now=now),
        checked=tuple(each for each in dict.fromkeys(asking.checked) if each not in unasked),
        unasked=unasked,
    )


@dataclass
class Asking:
    """Questions asked so far, and how many more may be."""

    cloud: Cloud
    calls: int | None
    checked: list[str] = field(default_factory=list)
    unasked: list[str] = field(default_factory=list)
    _begun: int = field(init=False)
    _unreached: int = 0

    def __post_init__(self) -> None:
        self._begun = self.cloud.asked

    def __call__(self, about: str, ask: Callable[[], T], cost: int = 1) -> T | Unseen | None:
        """The answer; Unseen where there is none, None where it is not asked any more.

        ApiError where no other question would be answered either. `cost`: requests at most.
        """
        if self.calls is not None and self.cloud.asked - self._begun + cost > self.calls:
            self.unasked.append(about)
            return None
        from toolkit.clients.aws.errors import ended

        try:
            answer = ask()
        except ApiError as error:
            if ended(error) or self._is_lost(error):
                raise
            return Unseen(error.message, error.hint)
        self.checked.append(about)
        return answer

    def _is_lost(self, error: ApiError) -> bool:
        """One service may be out of reach; with the second it is AWS, or our way to it."""
        self._unreached += isinstance(error, UnreachableError)
        return self._unreached > 1


def _whose(stack: StackView | None, cluster: Cluster) -> Literal["none", "ours", "others"]:
    if stack is None or stack.status == "DELETE_COMPLETE":
        return "none"
    if stack.tags.get(CLUSTER_TAG) != cluster.name:
        return "others"
    return "none" if stack.status in EMPTY else "ours"


def _look(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """All questions, those first that matter most: of a new stack and of one that is there."""
    new = (
        _zones, _types, _domain, _certificate, _boundary, _addresses, _vpcs, _machines, _images,
        _records, _key, _groups, _roles, _interfaces,
    )  # fmt: skip
    old = (
        # Of interfaces its own cannot be told from others'.
        _zones, _types, _machines, _images, _certificate, _domain, _records, _addresses, _boundary,
        _key, _groups,
    )  # fmt: skip
    for question in old if seen.stack == "ours" else new:
        seen = question(cluster, ask, seen)
    return seen


def _zones(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
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


def _types(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    types = sorted({each.type for each in wanted(cluster)})
    return replace(seen, types=ask("instance types", lambda: Limits(ask.cloud).types(types)))


def _images(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
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


def _machines(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    if not isinstance(seen.types, Mapping):
        return seen
    of_one = {name: each.vcpus for name, each in seen.types.items()}
    about = "machine quotas"
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


def _addresses(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    need = address_need(cluster).most
    if not need:
        return seen
    used = ask("address quota", lambda: Limits(ask.cloud).addresses(but=cluster.name))
    return _beyond(ADDRESSES, need, "address quota", ask, replace(seen, addresses=used), used)


def _vpcs(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    used = ask("VPC quota", lambda: Limits(ask.cloud).vpcs(but=cluster.name))
    return _beyond(VPCS, 1, "VPC quota", ask, replace(seen, vpcs=used), used)


def _interfaces(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
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


def _boundary(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    arn = cluster.permission_boundary
    if arn is None or arn.split(":")[4] not in {"aws", seen.account}:
        return seen
    there = ask("permission boundary", lambda: Limits(ask.cloud).policy_exists(arn))
    return replace(seen, boundary=there)


def _domain(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    domain, own = cluster.public_domain, cluster.public_zone
    if domain is None:
        return seen

    def find() -> tuple[HostedZoneView, ...]:
        if own is None:
            return HostedZones(ask.cloud).by_domain(domain)
        zone = HostedZones(ask.cloud).by_id(own)
        return () if zone is None else (zone,)

    return replace(seen, hosted=ask("hosted zone", find))


def _records(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    names = cluster.edge.names
    if not names or isinstance(seen.hosted, Unseen):
        return seen
    zone = None if seen.hosted is None else public_zone(cluster, seen.hosted)
    if zone is None:
        if seen.hosted is None:
            ask.unasked.append("edge names")
        return seen
    at = zone.id
    records = ask("edge names", lambda: HostedZones(ask.cloud).records_at(at, names))
    return replace(seen, records=records)


def _certificate(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    arn = cluster.edge.certificate
    if arn is None or arn.split(":")[4] != seen.account:
        return seen

    def find() -> tuple[CertificateView, ...]:
        found = Limits(ask.cloud).certificate(arn)
        return () if found is None else (found,)

    return replace(seen, certificate=ask("certificate", find))


def _key(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    def find() -> tuple[KeyView, ...]:
        found = Keys(ask.cloud).find(alias(cluster))
        return () if found is None else (found,)

    return replace(seen, key=ask("key", find, cost=2))


def _groups(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    names = group_names(cluster)
    return replace(seen, groups=ask("group names", lambda: Limits(ask.cloud).groups(names)))


def _roles(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    names = role_names(cluster)

    def find() -> tuple[str, ...]:
        return tuple(name for name in names if Limits(ask.cloud).role_exists(name))

    return replace(seen, roles=ask("role names", find, cost=len(names)))


def _parameters(ask: Asking, names: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(names), TAKES):
        found |= Limits(ask.cloud).image_parameters(names[start : start + TAKES])
    return found
