"""What zones answer to a name and a type: CNAMEs, aliases, wildcards, or nothing. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from toolkit.clients.dns.snapshot import Snapshot
from toolkit.spec.dns import Record

NOERROR, NXDOMAIN, REFUSED = 0, 3, 5
LONGEST_CHAIN = 8
"""CNAMEs or aliases that are followed for one answer."""
NEGATIVE_TTL = 5
"""Seconds for which it may be remembered that there is nothing: a name is soon set."""


@dataclass(frozen=True, slots=True)
class View:
    """The zones that an asker sees."""

    first: Mapping[str, Snapshot]
    """By name; whatever one of them covers, it alone answers."""
    then: Mapping[str, Snapshot]

    def zone_of(self, name: str) -> Snapshot | None:
        """The zone that answers for a name: the longest that covers it."""
        for zones in (self.first, self.then):
            suffix = name
            while suffix:
                if suffix in zones:
                    return zones[suffix]
                suffix = suffix.partition(".")[2]
        return None


@dataclass(frozen=True, slots=True)
class Found:
    """What an answer says."""

    code: int
    records: tuple[Record, ...] = ()
    """Their names as they were asked for: a wildcard's records have the name that it matched."""
    negative: Snapshot | None = None
    """The zone in which there is nothing, for its SOA."""
    further: tuple[Record, ...] = ()
    """Addresses that whoever asked will ask for next."""


def look_up(view: View, name: str, type_: str) -> Found:
    """Everything of one type at a name, `ANY` for all; names without a trailing dot."""
    chain: list[Record] = []
    passed: set[str] = set()
    while True:
        zone = view.zone_of(name)
        if zone is None:
            # What a CNAME points to elsewhere, the asker finds out by itself.
            return Found(NOERROR, tuple(chain)) if chain else Found(REFUSED)
        at = _at(zone, name)
        if at is None:
            return Found(NXDOMAIN, tuple(chain), zone)
        cname = at.get("CNAME")
        if cname is None or type_ in {"CNAME", "ANY"}:
            break
        passed.add(name)
        pointing = _plain(view, cname, name)
        if pointing is None:
            return Found(NOERROR, tuple(chain), zone)
        chain.append(pointing)
        name = pointing.values[0]
        if name in passed or len(chain) == LONGEST_CHAIN:
            return Found(NOERROR, tuple(chain))
    wanted = at.values() if type_ == "ANY" else (at[type_],) if type_ in at else ()
    plain = [_plain(view, record, name) for record in wanted]
    records = [record for record in plain if record is not None]
    found = (*chain, *records)
    if not records:
        return Found(NOERROR, found, zone)
    return Found(NOERROR, found, None, _further(view, records))


def serial_of(record: Record, zone: Snapshot) -> Record:
    """The SOA of a zone with the serial that it has come to."""
    if record.type != "SOA":
        return record
    parts = record.values[0].split(" ")
    return Record(
        record.name,
        record.type,
        record.ttl,
        (" ".join((*parts[:2], str(zone.serial % 2**32), *parts[3:])),),
    )


def _at(zone: Snapshot, name: str) -> Mapping[str, Record] | None:
    """What is at a name, by type; None where there is no such name (RFC 4592)."""
    if name in zone.names:
        return {type_: serial_of(record, zone) for type_, record in zone.names[name].items()}
    if zone.exists(name):
        return {}
    encloser = name
    while encloser != zone.zone.name and not zone.exists(encloser):
        encloser = encloser.partition(".")[2]
    return zone.names.get(f"*.{encloser}")


def _plain(view: View, record: Record, name: str) -> Record | None:
    """A record with values, under the name that was asked for; an alias as what it points to."""
    if record.alias is None:
        return Record(name, record.type, record.ttl, record.values)
    target = record.alias.target
    for _ in range(LONGEST_CHAIN):
        zone = view.zone_of(target)
        at = _at(zone, target) if zone is not None else None
        if not at:
            return None
        meant = at.get(record.type) or at.get("CNAME")
        if meant is None:
            return None
        if meant.alias is None and meant.type == record.type:
            return Record(name, record.type, meant.ttl, meant.values)
        target = meant.alias.target if meant.alias is not None else meant.values[0]
    return None


def _further(view: View, records: Collection[Record]) -> tuple[Record, ...]:
    targets = sorted(
        {
            value.split(" ")[3]
            for record in records
            if record.type == "SRV"
            for value in record.values
        }
    )
    return tuple(
        found
        for target in targets
        for type_ in ("A", "AAAA")
        for found in look_up(view, target, type_).records
        if found.type == type_ and found.name == target
    )
