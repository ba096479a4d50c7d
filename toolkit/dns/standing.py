"""What there is at a name, and what a batch says that lets it become something else."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from toolkit.dns.ownership import owned_name, owner_name, read_claim
from toolkit.spec.dns import Alias, Change, Claim, Owner, Record

OF_THE_ZONE = frozenset({"NS", "SOA"})
"""At the top of a zone they are the zone itself, and nobody's."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One name of one zone: its records of every type, and what is at its owner name."""

    name: str
    records: tuple[Record, ...] = ()
    """Sorted by type."""
    marks: tuple[Record, ...] = ()
    """Whatever is at the owner name; ours is exactly one TXT record that says a claim."""

    @property
    def claim(self) -> Claim | None:
        """What our owner record says; None where there is none, or something else is there."""
        if len(self.marks) != 1 or self.marks[0].type != "TXT" or len(self.marks[0].values) != 1:
            return None
        return read_claim(self.marks[0].values[0])

    @property
    def owner(self) -> Owner | None:
        """Whose the name is."""
        claim = self.claim
        return None if claim is None else claim.owner

    @property
    def owned(self) -> tuple[Record, ...]:
        """The records that the owner record speaks of; others at the name are somebody else's."""
        claim = self.claim
        return () if claim is None else tuple(r for r in self.records if r.type in claim.types)

    @property
    def etag(self) -> str:
        """A digest of all that is there; empty when there is nothing."""
        if not self.records and not self.marks:
            return ""
        return hashlib.sha256(json.dumps(self.document(), sort_keys=True).encode()).hexdigest()[:32]

    def of(self, type_: str) -> tuple[Record, ...]:
        """The records of one type, with those that others route by weight and the like."""
        return tuple(record for record in self.records if kind_of(record) == type_)

    def document(self) -> dict[str, object]:
        """The same as JSON, for the audit."""
        return {
            "records": [record_document(record) for record in self.records],
            "marks": [record_document(record) for record in self.marks],
        }


def kind_of(record: Record) -> str:
    """The type without what a provider says of routing, as in `A (weighted: blue)`."""
    return record.type.partition(" ")[0]


def record_document(record: Record) -> dict[str, object]:
    """A record as JSON; what it does not have is left out."""
    said: dict[str, object] = {"name": record.name, "type": record.type}
    if record.ttl is not None:
        said["ttl"] = record.ttl
    if record.alias is None:
        said["values"] = list(record.values)
    else:
        alias = record.alias
        said["alias"] = {"target": alias.target, "zone": alias.zone, "healthy": alias.healthy}
    return said


def read_record(said: Mapping[str, Any]) -> Record:
    """The record of a document that `record_document` made."""
    alias = Alias(**said["alias"]) if "alias" in said else None
    values = tuple(said.get("values", ()))
    return Record(said["name"], said["type"], said.get("ttl"), values, alias)


def read_standing(name: str, said: Mapping[str, Any]) -> Standing:
    """The standing of a document; its other keys are left alone."""
    return standing_of(name, map(read_record, said["records"]), map(read_record, said["marks"]))


def standing_of(name: str, records: Iterable[Record], marks: Iterable[Record]) -> Standing:
    """A standing with its records in the order that makes equal ones equal."""
    return Standing(name, _sorted(records), _sorted(marks))


def names_of(names: Iterable[str]) -> tuple[str, ...]:
    """What to read of a provider to know these names: they, and where their owner records are."""
    return tuple(at for name in names for at in (name, owner_name(name)))


def standings(records: Iterable[Record], asked: Collection[str] | None = None) -> list[Standing]:
    """Records of a zone, name by name; of the names `asked` for, also those with nothing."""
    found: dict[str, tuple[list[Record], list[Record]]] = {n: ([], []) for n in asked or ()}
    for record in records:
        owned = owned_name(record.name)
        name = record.name if owned is None else owned
        if asked is None or name in found:
            found.setdefault(name, ([], []))[owned is not None].append(record)
    return [standing_of(name, *there) for name, there in found.items()]


def changes_between(before: Standing, after: Standing) -> tuple[Change, ...]:
    """The batch that makes one of the other, or does nothing when `before` is no longer so.

    The owner record is deleted and created even when it stays as it is: so a batch that was
    thought out over an old look fails, although the record itself looks the same again.
    """
    if before == after:
        return ()
    stays = set(before.records) & set(after.records)
    return (
        *(Change("DELETE", mark) for mark in before.marks),
        *(Change("DELETE", record) for record in before.records if record not in stays),
        *(Change("CREATE", record) for record in after.records if record not in stays),
        *(Change("CREATE", mark) for mark in after.marks),
    )


def agree(one: Standing, other: Standing, changes: Iterable[Change]) -> bool:
    """Whether two looks at a name agree on all that a batch touches, whatever else is there."""
    keys = {change.record.key for change in changes}
    touched = [
        {record for record in (*each.records, *each.marks) if record.key in keys}
        for each in (one, other)
    ]
    return touched[0] == touched[1]


def without_zone(standing: Standing, zone: str) -> Standing:
    """The standing without what makes the zone a zone, at its top."""
    if standing.name != zone:
        return standing
    kept = tuple(record for record in standing.records if record.type not in OF_THE_ZONE)
    return replace(standing, records=kept)


def _sorted(records: Iterable[Record]) -> tuple[Record, ...]:
    return tuple(sorted(records, key=lambda r: (r.type, r.ttl or 0, r.values, str(r.alias))))
