"""Public names that lead to a cluster: those that its kick server owns go before its machines do.

A name is the cluster's only by the owner record beside it, which names the cluster. Both go in one
batch that says what was read, so that nothing goes that somebody has changed in between.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from toolkit.clients.dns.provider import BatchRefusedError, BusyError, Provider, ReplyLostError
from toolkit.dns.ownership import owned_name, read_claim
from toolkit.errors import NotFoundError
from toolkit.spec.dns import Change, Record, Zone
from toolkit.workflows.cluster.down.work import Work

TRIES = 5
"""Batches that somebody else's change, or a lost answer, may spoil in one zone."""
MOST = 30
"""Names of one batch: Route 53 takes 1,000 values, and 32,000 characters."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A name of the cluster: its owner record, and what is claimed by it and is there."""

    name: str
    records: tuple[Record, ...]
    """The owner record last: while it stands, the name is found again."""


def zones_of(work: Work) -> tuple[Zone, ...]:
    """Every hosted zone in which the cluster's kick server may have names, but its private one."""
    cluster = work.cluster
    found: dict[str, Zone] = {}
    for zone in () if work.kick is None else work.kick.zones:
        if zone.provider == "route53" and zone.name != cluster.private_domain:
            found[zone.id] = zone
    if cluster.public_domain is not None:
        ids = [cluster.public_zone] if cluster.public_zone else []
        if not ids:
            listed = work.zones.by_domain(cluster.public_domain)
            ids = [each.id for each in listed if not each.private]
        for each in ids:
            found.setdefault(each, Zone(cluster.public_domain, "public", "route53", each))
    return tuple(found.values())


def owned(records: Iterable[Record], owner: str) -> tuple[Owned, ...]:
    """The names that the cluster `owner` claims in a zone, with what stands there; pure."""
    listed = list(records)
    at: dict[str, list[Record]] = {}
    for each in listed:
        at.setdefault(each.name, []).append(each)
    return tuple(
        Owned(name, (*(each for each in at.get(name, ()) if each.type in types), record))
        for record, name, types in _claims(listed, owner)
    )


def _claims(records: Iterable[Record], owner: str) -> Iterator[tuple[Record, str, frozenset[str]]]:
    for record in records:
        name = owned_name(record.name) if record.type == "TXT" else None
        # Two values are two owners, or somebody's hand: nobody's to delete.
        claim = read_claim(record.values[0]) if name and len(record.values) == 1 else None
        if name is not None and claim is not None and claim.owner.cluster == owner:
            yield record, name, frozenset(claim.types)


def find_names(work: Work) -> tuple[str, ...]:
    """The names that there are to remove."""
    found = (_read(work.records, zone, _owner(work)) for zone in zones_of(work))
    return tuple(each.name for names in found for each in names)


def remove_names(work: Work) -> int:
    """Remove every name that the cluster owns, and wait until Route 53 answers so; how many."""
    removed, changes = 0, list[str]()
    for zone in zones_of(work):
        gone, ids = _empty(work, zone)
        removed += gone
        changes += ids
    for change in changes:
        work.until(partial(_pending, work.records, change))
    return removed


def _owner(work: Work) -> str:
    """As whom the cluster's kick server signs."""
    return work.name if work.kick is None else work.kick.cluster


def _read(provider: Provider, zone: Zone, owner: str) -> tuple[Owned, ...]:
    try:
        return owned(provider.records(zone), owner)
    except NotFoundError:
        return ()


def _empty(work: Work, zone: Zone) -> tuple[int, list[str]]:
    removed, changes, tries, most = set[str](), list[str](), 0, MOST
    while found := _read(work.records, zone, _owner(work)):
        some = found[:most]
        batch = [Change("DELETE", record) for each in some for record in each.records]
        try:
            done = work.records.apply(zone, batch, comment=f"cluster {work.name} ends")
            changes.append(done.id)
        except (BatchRefusedError, BusyError, ReplyLostError) as error:
            tries += 1
            if tries == TRIES:
                raise
            # One that somebody changed meanwhile must not keep the others.
            most = 1 if isinstance(error, BatchRefusedError) else most
            work.check()
            work.tools.sleep(tries * 0.5)
        removed |= {each.name for each in some}
    return len(removed), changes


def _pending(provider: Provider, change: str) -> str:
    try:
        done = provider.state(change) == "INSYNC"
    except NotFoundError:
        return ""
    except BusyError as error:
        return error.message
    return "" if done else "not all of Route 53's servers know that names are gone"
