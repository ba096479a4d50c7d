"""Questions about names: the domain and what is in it, and what has a name of ours already."""

from __future__ import annotations

from dataclasses import replace

from toolkit.clients.aws.hosted import HostedZones
from toolkit.clients.aws.keys import Keys
from toolkit.clients.aws.limits import Limits
from toolkit.cluster.preflight.edge import public_zone
from toolkit.cluster.preflight.names import group_names, role_names
from toolkit.cluster.template.key import alias
from toolkit.spec.aws import CertificateView, HostedZoneView, KeyView
from toolkit.spec.cluster import Cluster
from toolkit.spec.preflight import Seen, Unseen
from toolkit.workflows.cluster.preflight.asking import Asking


def ask_domain(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """The hosted zones that can be meant."""
    domain, own = cluster.public_domain, cluster.public_zone
    if domain is None:
        return seen

    def find() -> tuple[HostedZoneView, ...]:
        if own is None:
            return HostedZones(ask.cloud).by_domain(domain)
        zone = HostedZones(ask.cloud).by_id(own)
        return () if zone is None else (zone,)

    return replace(seen, hosted=ask("hosted zone", find))


def ask_records(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """What is at the edge's names, where their zone is certain."""
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


def ask_certificate(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """The certificate, where it can be of this account."""
    arn = cluster.edge.certificate
    if arn is None or arn.split(":")[4] != seen.account:
        return seen

    def find() -> tuple[CertificateView, ...]:
        found = Limits(ask.cloud).certificate(arn)
        return () if found is None else (found,)

    return replace(seen, certificate=ask("certificate", find))


def ask_boundary(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """Whether the policy is there, where it can be of this account."""
    arn = cluster.permission_boundary
    if arn is None or arn.split(":")[4] not in {"aws", seen.account}:
        return seen
    there = ask("permission boundary", lambda: Limits(ask.cloud).policy_exists(arn))
    return replace(seen, boundary=there)


def ask_key(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """The key behind our alias."""

    def find() -> tuple[KeyView, ...]:
        found = Keys(ask.cloud).find(alias(cluster))
        return () if found is None else (found,)

    return replace(seen, key=ask("key", find, cost=2))


def ask_groups(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """The autoscaling groups that have a name of ours."""
    names = group_names(cluster)
    return replace(seen, groups=ask("group names", lambda: Limits(ask.cloud).groups(names)))


def ask_roles(cluster: Cluster, ask: Asking, seen: Seen) -> Seen:
    """The roles that have a name of ours."""
    names = role_names(cluster)

    def find() -> tuple[str, ...]:
        return tuple(name for name in names if Limits(ask.cloud).role_exists(name))

    return replace(seen, roles=ask("role names", find, cost=len(names)))
