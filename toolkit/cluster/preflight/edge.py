"""The public domain, the names in it that lead to the balancer, and the balancer's certificate."""

from __future__ import annotations

from datetime import UTC, datetime

from toolkit.cluster.preflight.saying import Findings, listed
from toolkit.config.hostnames import is_in
from toolkit.spec.aws import CertificateView, HostedZoneView, ZoneRecord
from toolkit.spec.cluster import Cluster
from toolkit.spec.preflight import Seen, Unseen

DAYS = 30
"""A certificate that ends sooner is spoken of."""
DAY = 86_400.0
DOMAIN = ("domain", "public")
ZONE_ID = ("domain", "public_zone")
NAMES = ("edge", "names")
CERTIFICATE = ("edge", "certificate")
_BLOCKS = ("A", "CNAME")
"""Types of records beside which ours cannot be made."""


def public_zone(cluster: Cluster, hosted: tuple[HostedZoneView, ...]) -> HostedZoneView | None:
    """The hosted zone that the edge's names are made in; None where it is not certain."""
    public = [zone for zone in hosted if not zone.private]
    if cluster.public_zone is not None:
        public = [zone for zone in public if zone.id == cluster.public_zone]
    return public[0] if len(public) == 1 else None


def judge_domain(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """The zone of the public domain is this account's, public, and the only one that is meant."""
    if cluster.public_domain is None or seen.hosted is None:
        return
    if isinstance(seen.hosted, Unseen):
        found.unchecked("domain", f"the hosted zone of {cluster.public_domain}", seen.hosted)
        return
    domain, own = cluster.public_domain, cluster.public_zone
    if own is not None:
        _judge_given(domain, own, seen.hosted, seen.account, found)
        return
    public = [zone for zone in seen.hosted if not zone.private]
    if len(public) > 1:
        ids = listed(sorted(zone.id for zone in public))
        message = f"account {seen.account} has {len(public)} public hosted zones {domain}: {ids}"
        found.stops("domain", message, 'say which: domain.public_zone = "Z…"', DOMAIN)
    elif not public:
        only = "only a private" if seen.hosted else "no"
        message = f"account {seen.account} has {only} hosted zone {domain}"
        hint = "make it in Route 53 and delegate to it, or leave domain.public out"
        found.stops("domain", message, hint, DOMAIN)


def judge_records(cluster: Cluster, seen: Seen, found: Findings) -> None:
    """Nobody has the edge's names; what a stack of ours made before may stay."""
    if not cluster.edge.names:
        return
    unseen = seen.hosted if isinstance(seen.hosted, Unseen) else seen.records
    if isinstance(unseen, Unseen):
        found.unchecked("names", "whether the edge's names are free", unseen)
        return
    if not isinstance(seen.records, tuple):
        return
    for record in seen.records:
        if record.name not in cluster.edge.names:
            continue
        if seen.stack == "ours" and _may_be_its_own(record, cluster):
            continue
        what = f"{record.name} is there already, {record.type} {_leads(record)}"
        if record.type in _BLOCKS or record.identifier:
            hint = "toolkit takes over no record: remove it, or choose another name"
            found.stops("names", what, hint, NAMES)
        elif record.type == "AAAA":
            message = f"{what}: whoever asks for IPv6 is led there, not here"
            found.warns("names", message, "remove it", NAMES)


def judge_certificate(cluster: Cluster, seen: Seen, found: Findings, *, now: float) -> None:
    """It is there, issued, not about to end, and for every name of the edge."""
    arn = cluster.edge.certificate
    if arn is None:
        return
    owner = arn.split(":")[4]
    if owner != seen.account:
        message = f"the certificate is of account {owner}, the credentials are of {seen.account}"
        found.stops("certificate", message, "a balancer takes those of its own", CERTIFICATE)
        return
    if isinstance(seen.certificate, Unseen):
        found.unchecked("certificate", "the certificate", seen.certificate)
        return
    if seen.certificate is None:
        return
    if not seen.certificate:
        message = f"there is no such certificate in {cluster.region}"
        hint = f"aws acm list-certificates --region {cluster.region} shows those there are"
        found.stops("certificate", message, hint, CERTIFICATE)
        return
    _judge_certificate(seen.certificate[0], cluster, found, now)


def covers(names: tuple[str, ...], host: str) -> bool:
    """A certificate of these names is for the host: a wildcard stands for just one label."""
    _, _, parent = host.partition(".")
    return host in names or (not host.startswith("*.") and f"*.{parent}" in names)


def _judge_given(
    domain: str, own: str, hosted: tuple[HostedZoneView, ...], account: str, found: Findings
) -> None:
    zone = next((each for each in hosted if each.id == own), None)
    if zone is None:
        message = f"account {account} has no hosted zone {own}"
        hint = f"aws route53 list-hosted-zones-by-name --dns-name {domain} shows those there are"
        found.stops("domain", message, hint, ZONE_ID)
    elif zone.private:
        message = f"the hosted zone {own} ({zone.name}) is private: nobody outside sees its names"
        found.stops("domain", message, "name a public one", ZONE_ID)
    elif domain != zone.name and not is_in(domain, zone.name):
        message = f"the hosted zone {own} is {zone.name}, and {domain} is not in it"
        found.stops("domain", message, "name the zone of domain.public", ZONE_ID)


def _may_be_its_own(record: ZoneRecord, cluster: Cluster) -> bool:
    """An alias to a balancer of the region; whose it is, CloudFormation knows and sees to."""
    own = f".{cluster.region}.elb.amazonaws.com", f".elb.{cluster.region}.amazonaws.com"
    return record.alias and record.type == "A" and any(
        value.removesuffix(".cn").endswith(own) for value in record.values
    )  # fmt: skip


def _leads(record: ZoneRecord) -> str:
    return f"{'alias of' if record.alias else 'to'} {listed(record.values)}"


def _judge_certificate(is_: CertificateView, cluster: Cluster, found: Findings, now: float) -> None:
    if is_.status != "ISSUED":
        message = f"the certificate is {is_.status.replace('_', ' ').lower()}, not issued"
        pending = is_.status == "PENDING_VALIDATION"
        hint = "make the record in DNS that ACM asks for" if pending else "name another"
        found.stops("certificate", message, hint, CERTIFICATE)
    elif is_.ends is not None:
        _judge_end(is_.ends, found, now)
    bare = [name for name in cluster.edge.names if not covers(is_.names, name)]
    if bare:
        message = f"the certificate is for {listed(is_.names)}, and not for {listed(bare, 'or')}"
        found.stops("certificate", message, "ask ACM for one with all of edge.names", CERTIFICATE)


def _judge_end(ends: datetime, found: Findings, now: float) -> None:
    moment = ends if ends.tzinfo else ends.replace(tzinfo=UTC)
    days = (moment.timestamp() - now) / DAY
    if days <= 0:
        message = f"the certificate ended on {moment:%Y-%m-%d}"
        found.stops("certificate", message, "name another", CERTIFICATE)
    elif days < DAYS:
        left = f"{days:.0f} days" if days >= 2 else f"{days * 24:.0f} hours"
        message = f"the certificate ends in {left}, on {moment:%Y-%m-%d}"
        hint = "ACM renews its own while its record in DNS is there; an imported one is yours to"
        found.warns("certificate", message, hint, CERTIFICATE)
