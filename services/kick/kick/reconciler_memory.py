"""What the reconciler remembers, all of it in the audit: a restart forgets nothing.

Whose work a record was, discovery's or a request's, the audit says of each change. When a leftover
was first noted is an entry of its own: the grace counts from there, however often the server
begins anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Protocol, cast

from toolkit.dns.plan import Known, Mark
from toolkit.serving.chain import Head
from toolkit.spec.audit import Entry
from toolkit.spec.discovery import Leftover, Place
from toolkit.spec.dns import Owner, Zone
from toolkit.spec.identity import Workload

NOTE = "dns.leftovers"
"""Action of the entries that note what is leaving, and what stays after all."""


class Audited(Protocol):
    """The audit, as far as it is read here."""

    @property
    def head(self) -> Head:
        """The newest entry."""

    def entries(self, first: int, last: int | None = None) -> Iterable[Entry]:
        """Entries from one number to another, oldest first."""


Perform = Callable[..., Any]
"""`Writer.perform`."""


class Memory:
    """What earlier turns, and earlier processes, left in the audit; for one thread at a time."""

    def __init__(self, audit: Audited, zones: Iterable[Zone], cluster: str):
        self._audit = audit
        self._zones = {str(zone): zone for zone in zones}
        self._cluster = cluster
        self._seen = 0
        self._open: dict[int, Entry] = {}
        self._found: dict[Place, set[str]] = {}
        self._since: dict[Mark, float] = {}

    def known(self) -> Known:
        """What is known by now; reads what was written since the last time."""
        last = self._audit.head.seq
        if last > self._seen:
            for entry in self._audit.entries(self._seen + 1, last):
                self._take(entry)
            self._seen = last
        found = {place: frozenset(types) for place, types in self._found.items()}
        return Known(found, dict(self._since))

    def note(self, leftovers: Iterable[Leftover], perform: Perform) -> None:
        """Write down what is newly leaving, and what stays after all, an entry for each owner."""
        now = {(each.zone, each.name, each.owner) for each in leftovers}
        leaving = now - self._since.keys()
        staying = self._since.keys() - now
        for owner in sorted({mark[2] for mark in leaving | staying}, key=str):
            said = {
                word: [
                    [str(zone), name] for zone, name, of in sorted(marks, key=str) if of == owner
                ]
                for word, marks in (("leaving", leaving), ("staying", staying))
            }
            caller = Workload(owner.namespace, owner.job, "", "", 0.0)
            perform(NOTE, caller, None, said, lambda: None, subject=str(owner), via="discovery")

    def _take(self, entry: Entry) -> None:
        what = entry.what
        if what.kind == "intent":
            if what.action in {"dns.set", "dns.remove", NOTE}:
                self._open[entry.seq] = entry
            return
        intent = self._open.pop(what.intent, None)
        if intent is None or what.result != "done":
            return
        if intent.what.action == NOTE:
            self._noted(intent)
        else:
            self._changed(intent)

    def _noted(self, intent: Entry) -> None:
        actor = intent.what.actor
        owner = Owner(self._cluster, "job", actor.namespace, actor.job)
        said = cast("Mapping[str, list[list[str]]]", intent.what.after or {})
        since = datetime.fromisoformat(intent.time).timestamp()
        for text, name in said.get("leaving", ()):
            if text in self._zones:
                self._since.setdefault((self._zones[text], name, owner), since)
        for text, name in said.get("staying", ()):
            if text in self._zones:
                self._since.pop((self._zones[text], name, owner), None)

    def _changed(self, intent: Entry) -> None:
        """Note whose work each type of the name is now."""
        what = intent.what
        zone = self._zones.get(what.zone)
        if zone is None:
            return
        before, after = _records(what.before), _records(what.after)
        types = self._found.setdefault((zone, what.subject), set())
        types.intersection_update(after)
        for type_, record in after.items():
            if before.get(type_) != record:
                (types.add if what.via == "discovery" else types.discard)(type_)
        if not types:
            del self._found[zone, what.subject]
        if not after:
            for mark in [m for m in self._since if m[:2] == (zone, what.subject)]:
                del self._since[mark]


def _records(document: Any) -> dict[str, Any]:
    """By type, the records of a name as the audit has them."""
    said = cast("Mapping[str, Any]", document or {})
    return {str(record["type"]): record for record in said.get("records", ())}
