"""A zone at one moment: what is at a name, and which names there are. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from toolkit.clients.dns.shared import Shared
from toolkit.spec.dns import Change, Record, Zone

APEX_TTL = 900
NS_TTL = 172800


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A zone that does not change any more; readers need no lock."""

    zone: Zone
    serial: int
    """Rises with every batch; the zone's SOA has it when it is served."""
    names: Shared[Mapping[str, Record]] = field(repr=False)
    """Name, then type."""
    below: Shared[int] = field(repr=False)
    """How many names lie below a name: those exist as well, though nothing is at them."""

    def at(self, name: str) -> tuple[Record, ...]:
        """Everything at a name."""
        return tuple(self.names.get(name, {}).values())

    def get(self, name: str, type_: str) -> Record | None:
        """The record of one type at a name."""
        return self.names.get(name, {}).get(type_)

    def exists(self, name: str) -> bool:
        """True when something is at the name or below it."""
        return name in self.names or name in self.below

    def records(self) -> Iterator[Record]:
        """Every record, by name with the labels reversed and then by type."""
        for name in sorted(self.names, key=sort_key):
            by_type = self.names[name]
            yield from (by_type[type_] for type_ in sorted(by_type))

    def changed(self, changes: Iterable[Change], serial: int) -> Snapshot:
        """The zone after a batch that was found to be right."""
        draft = Draft(self.zone, self)
        for change in changes:
            draft.do(change)
        return draft.snapshot(serial)


class Draft:
    """A zone that is being put together."""

    def __init__(self, zone: Zone, base: Snapshot | None = None) -> None:
        """Without `base`: the zone with nothing but its apex."""
        self.zone = zone
        self.names: Shared[Mapping[str, Record]] = Shared(base.names if base else None)
        self.below: Shared[int] = Shared(base.below if base else None)
        if base is None:
            for record in apex(zone):
                self.add(record)

    def do(self, change: Change) -> None:
        """One step of a batch, without a look at whether it is right."""
        if change.action == "CREATE":
            self.add(change.record)
        else:
            self.remove(change.record)

    def add(self, record: Record) -> None:
        """Put a record where it belongs; what is there of its type goes."""
        if record.name not in self.names:
            self._count(record.name, 1)
        # Never changed in place: a snapshot may hold the same mapping.
        self.names[record.name] = {**self.names.get(record.name, {}), record.type: record}

    def remove(self, record: Record) -> None:
        """Take a record away, if there is one of its name and type."""
        left = {
            type_: other
            for type_, other in self.names.get(record.name, {}).items()
            if type_ != record.type
        }
        if left:
            self.names[record.name] = left
        elif self.names.pop(record.name, None) is not None:
            self._count(record.name, -1)

    def snapshot(self, serial: int) -> Snapshot:
        """The zone as it is now; the draft must not be used any more."""
        return Snapshot(self.zone, serial, self.names, self.below)

    def _count(self, name: str, step: int) -> None:
        while name != self.zone.name and "." in name:
            name = name.partition(".")[2]
            count = self.below.get(name, 0) + step
            if count:
                self.below[name] = count
            else:
                self.below.pop(name, None)


def apex(zone: Zone) -> tuple[Record, Record]:
    """What every zone has at its top.

    The serial is always 1 here, as in Route 53: it would make a new record of the apex with every
    change anywhere in the zone.
    """
    name = zone.name
    soa = f"localhost hostmaster.{name} 1 7200 900 1209600 5"
    return (
        Record(name, "NS", NS_TTL, ("localhost",)),
        Record(name, "SOA", APEX_TTL, (soa,)),
    )


def sort_key(name: str) -> tuple[str, ...]:
    """Sorts names with their labels reversed, so that a zone reads from the top down."""
    return tuple(reversed(name.split(".")))
