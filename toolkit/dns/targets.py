"""What a record may lead to: this cluster, and names of others that kick.toml allows."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from toolkit.config.ranges import LOOPBACK, Network, is_within, never, parse_ip
from toolkit.dns.names import is_in, show
from toolkit.spec.dns import Record, Zone
from toolkit.spec.policy import Edge, Policy

_NOWHERE = Edge()


def bad_target(
    policy: Policy, zone: Zone, record: Record, edge: Collection[str] = ()
) -> tuple[str, str | None] | None:
    """Why the record may not lead where it leads, as sentence and hint; None when it may.

    `edge`: normalised addresses that the edge of the zone has besides those of kick.toml.
    """
    return next(_wrongs(policy, zone, record, edge), None)


def _wrongs(
    policy: Policy, zone: Zone, record: Record, edge: Collection[str]
) -> Iterator[tuple[str, str | None]]:
    if record.alias is not None:
        known = policy.edges.get(zone.visibility, _NOWHERE).alias
        asked = record.alias.target, record.alias.zone
        if known is None or asked != (known.target, known.zone):
            hint = f"an alias leads to [edge.{zone.visibility}] only"
            yield f"{show(record.alias.target)} is not the cluster's {zone.visibility} edge", hint
        return
    if not record.values:
        yield "it leads nowhere", None
    for value in record.values:
        if record.type in {"A", "AAAA"}:
            wrong = _bad_address(policy, zone, value, edge)
        elif record.type == "CNAME":
            wrong = _bad_name(policy, zone, value)
        elif record.type == "SRV":
            wrong = _bad_name(policy, zone, value.rpartition(" ")[2])
        else:
            wrong = None
        if wrong is not None:
            yield wrong


def _bad_address(
    policy: Policy, zone: Zone, value: str, edge: Collection[str]
) -> tuple[str, str | None] | None:
    try:
        address = parse_ip(value)
    except ValueError as error:
        return f"{show(value)} {error}", None
    loopback = policy.targets.loopback and zone.provider == "local"
    if why := never(address, loopback=loopback):
        return f"{address} can be no target: {why}", None
    if loopback and is_within(address, LOOPBACK):
        return None
    entrance = policy.edges.get(zone.visibility, _NOWHERE).addresses
    if is_within(address, networks(policy, zone)) or {*entrance, *edge} & {str(address)}:
        return None
    name = f"[targets] {zone.visibility}"
    return f"{address} is no address of this cluster", f"{name} has its networks"


def networks(policy: Policy, zone: Zone) -> tuple[Network, ...]:
    """The networks whose addresses may be in the zone."""
    return policy.targets.public if zone.visibility == "public" else policy.targets.private


def _bad_name(policy: Policy, zone: Zone, name: str) -> tuple[str, str | None] | None:
    """A name of the cluster's own zones, or one that kick.toml allows.

    Names of private zones mean nothing to readers of public ones, and tell of the inside.
    """
    own = (
        each.name
        for each in policy.zones
        if zone.visibility == "private" or each.visibility == "public"
    )
    if any(is_in(name, suffix) for suffix in (*own, *policy.targets.cnames)):
        return None
    return f"{show(name)} is a name of others", "[targets] cnames has those that are allowed"
