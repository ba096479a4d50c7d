"""A provider in memory that does what a test tells it to: busy, away, or silent after the deed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Sequence

from toolkit.clients.dns.provider import BatchRefusedError, BusyError, ReplyLostError
from toolkit.errors import ApiError, UnreachableError
from toolkit.spec.dns import Change, ChangeState, Record, Submitted, Zone

Fault = Callable[["Shaky", Zone, Sequence[Change]], Submitted | None]
"""Raises, answers, or lets the batch be done as it should."""


class Shaky:
    """Batches are done whole or not at all, and a DELETE names exactly what is there."""

    def __init__(self, *, most_changes: int = 1000, blames: bool = True):
        """`blames`: its refusals name who is at fault."""
        self._most_changes = most_changes
        self._blames = blames
        self._lock = threading.Lock()
        self.zones: dict[Zone, dict[tuple[str, str], Record]] = {}
        self.batches: list[tuple[Change, ...]] = []
        """Every batch that came, refused ones too."""
        self.reads = 0
        self.faults: list[Fault | None] = []
        """One for each batch to come; then all goes well."""
        self.away: ApiError | None = None
        """Raised by everything."""
        self.bad: set[str] = set()
        """Names that are refused whatever is asked of them."""
        self.between: Callable[[], None] = lambda: None
        """Called when a batch has come and is not looked at yet."""
        self.pending: set[str] = set()
        self.spreads = False
        """Changes are PENDING until `pending` is emptied."""

    @property
    def most_changes(self) -> int:
        return self._most_changes

    def records(self, zone: Zone) -> Iterator[Record]:
        self._come()
        return iter(list(self.zones.get(zone, {}).values()))

    def at(self, zone: Zone, names: Collection[str]) -> tuple[Record, ...]:
        self._come()
        return tuple(r for r in list(self.zones.get(zone, {}).values()) if r.name in names)

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        self.batches.append(tuple(changes))
        self.between()
        if self.away is not None:
            raise self.away
        fault = self.faults.pop(0) if self.faults else None
        said = None if fault is None else fault(self, zone, changes)
        return self.do(zone, changes) if said is None else said

    def do(self, zone: Zone, changes: Sequence[Change]) -> Submitted:
        """Do a batch, or refuse it."""
        with self._lock:
            held = dict(self.zones.get(zone, {}))
            reasons: list[tuple[str, tuple[str, str]]] = []
            for change in changes:
                said = self._do(held, change)
                if said is not None:
                    reasons.append((said, change.record.key))
            if reasons:
                raise BatchRefusedError(
                    reasons[0][0],
                    system="Shaky",
                    reasons=[said for said, _ in reasons],
                    blamed=[key for _, key in reasons] if self._blames else (),
                )
            self.zones[zone] = held
            ident = f"C{len(self.batches)}"
            if self.spreads:
                self.pending.add(ident)
            return Submitted(ident, "PENDING" if self.spreads else "INSYNC")

    def state(self, change: str) -> ChangeState:
        self._come()
        return "PENDING" if change in self.pending else "INSYNC"

    def close(self) -> None:
        return

    def plant(self, zone: Zone, *records: Record) -> None:
        """Somebody else's doing."""
        with self._lock:
            self.zones[zone] = self.zones.get(zone, {}) | {r.key: r for r in records}

    def pull(self, zone: Zone, *records: Record) -> None:
        """Somebody else's undoing."""
        with self._lock:
            for record in records:
                del self.zones[zone][record.key]

    def _come(self) -> None:
        self.reads += 1
        if self.away is not None:
            raise self.away

    def _do(self, held: dict[tuple[str, str], Record], change: Change) -> str | None:
        record = change.record
        if record.name in self.bad:
            return f"{record.name} is invalid"
        if change.action == "DELETE":
            if held.get(record.key) != record:
                return f"tried to delete {record.name} {record.type}, but it is not there"
            del held[record.key]
            return None
        if record.key in held:
            return f"tried to create {record.name} {record.type}, but it already exists"
        types = {type_ for name, type_ in held if name == record.name}
        if types and ("CNAME" in types or record.type == "CNAME"):
            return f"{record.name} has a CNAME or would have one beside others"
        held[record.key] = record
        return None


def busy(_shaky: Shaky, _zone: Zone, _changes: Sequence[Change]) -> None:
    """Throttled, or the batch before is not done yet."""
    raise BusyError("rate exceeded", system="Shaky")


def away(_shaky: Shaky, _zone: Zone, _changes: Sequence[Change]) -> None:
    """Nothing was sent."""
    raise UnreachableError("nobody answers", system="Shaky")


def lost_before(_shaky: Shaky, _zone: Zone, _changes: Sequence[Change]) -> None:
    """No reply, and nothing was done."""
    raise ReplyLostError("no reply", system="Shaky")


def lost_after(shaky: Shaky, zone: Zone, changes: Sequence[Change]) -> None:
    """No reply, and it was done."""
    shaky.do(zone, changes)
    raise ReplyLostError("no reply", system="Shaky")


def dropped_after(shaky: Shaky, zone: Zone, changes: Sequence[Change]) -> None:
    """As a connection that was reset after the request says it."""
    shaky.do(zone, changes)
    error = UnreachableError("connection reset", system="Shaky")
    error.lost_reply = True
    raise error


def broken(_shaky: Shaky, _zone: Zone, _changes: Sequence[Change]) -> None:
    """A bug."""
    raise KeyError("a bug in the provider")
