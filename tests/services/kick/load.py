"""Clients that write names of their own and know what they were told: the oracle of the faults.

What was acknowledged has to be there exactly so; what got no answer has to be there whole, or not
at all, and asked again with its key it is answered as if it had been asked once.
"""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tests.services.kick.lab import Client, Lab, Said
from toolkit.dns.standing import Standing
from toolkit.spec.audit import Entry

NAMES_EACH = 4
BROKEN = (OSError, http.client.HTTPException)


@dataclass(frozen=True)
class Asked:
    """A change that got no answer, or none yet."""

    name: str
    wanted: str | None
    """An address; None for a removal."""
    key: str

    def send(self, client: Client) -> Said:
        """Ask for it, now or again."""
        path = f"/record/{self.name}?zone=public&type=A"
        if self.wanted is None:
            return client.ask("DELETE", path, Idempotency_Key=self.key)
        return client.ask("PUT", path, {"ip_address": self.wanted}, Idempotency_Key=self.key)


@dataclass
class Writer:
    """A client with names of its own, and what it was told about them."""

    number: int
    drawn: random.Random
    has: dict[str, str] = field(default_factory=dict)
    flight: Asked | None = None
    sent: int = 0
    refused: list[str] = field(default_factory=list)
    """Kinds of problems; nothing was done, but for `outcome-unknown`."""

    def run(
        self,
        client: Client,
        answered: Callable[[], object] = lambda: None,
        *,
        most: int = 1_000_000,
    ) -> None:
        """Change one name after the other until the server is gone, says no, or enough is done."""
        for _ in range(most):
            self.flight = self._next()
            try:
                said = self.flight.send(client)
            except BROKEN:
                return
            if said.status not in (200, 201):
                assert said.status in (502, 503), said.body
                self.refused.append(said.slug)
                if said.slug != "outcome-unknown":
                    self.flight = None
                return
            self.told(self.flight)
            answered()

    def settle(self, client: Client, zone: Mapping[str, Standing]) -> str:
        """Ask again for what got no answer, with the same key; what had become of it."""
        asked = self.flight
        if asked is None:
            return "answered"
        was_done = address(zone, asked.name) == asked.wanted
        said = asked.send(client)
        assert said.status in (200, 201), said.body
        # Done before: the very same answer again, and nothing is done twice.
        assert said.json["replayed"] == was_done, (asked, said.body)
        self.told(asked)
        return "done" if was_done else "not done"

    def check(self, zone: Mapping[str, Standing]) -> None:
        """Each name is as its last answer said, or as what got no answer wanted it."""
        for number in range(NAMES_EACH):
            name = self._name(number)
            may_be = {self.has.get(name)}
            if self.flight is not None and self.flight.name == name:
                may_be.add(self.flight.wanted)
            assert address(zone, name) in may_be, (name, self.flight, may_be)

    def _name(self, number: int) -> str:
        return f"k{self.number}-{number}.shop.apps.example.com"

    def _next(self) -> Asked:
        self.sent += 1
        name = self._name(self.drawn.randrange(NAMES_EACH))
        key = f"{self.number}-{self.sent}"
        if name in self.has and self.drawn.random() < 0.4:
            return Asked(name, None, key)
        others = [f"203.0.113.{low}" for low in range(1, 250)]
        return Asked(name, self.drawn.choice([o for o in others if o != self.has.get(name)]), key)

    def told(self, asked: Asked) -> None:
        """It was answered that this is done."""
        self.flight = None
        if asked.wanted is None:
            self.has.pop(asked.name, None)
        else:
            self.has[asked.name] = asked.wanted


def writers(seed: int, number: int = 8) -> list[Writer]:
    """Writers that draw from a seed."""
    drawn = random.Random(seed)
    return [Writer(each, random.Random(drawn.random())) for each in range(number)]


class Answers:
    """Counts answers of all clients, for who waits for so many."""

    def __init__(self) -> None:
        self._answered = threading.Semaphore(0)

    def __call__(self) -> None:
        self._answered.release()

    def wait_for(self, number: int, patience: float) -> None:
        """Return when that many more have come."""
        for _ in range(number):
            assert self._answered.acquire(timeout=patience), "too few answers"


def address(zone: Mapping[str, Standing], name: str) -> str | None:
    """The one address of a name."""
    there = zone.get(name)
    if there is None or not there.records:
        return None
    ((record,), (value,)) = there.records, there.records[0].values
    assert record.ttl == 60
    return value


def faults_in(zone: Mapping[str, Standing]) -> list[str]:
    """Orphans: names with records and no owner record that speaks of them, and the reverse."""
    found = []
    for name, there in zone.items():
        claim = there.claim
        types = tuple(sorted({record.type for record in there.records}))
        if claim is None:
            found.append(f"{name} has {types} and no owner record")
        elif claim.types != types:
            found.append(f"the owner record of {name} says {claim.types}, and {types} are there")
    return found


def check_zone(all_writers: list[Writer], zone: Mapping[str, Standing]) -> None:
    """Nothing lost, nothing left over."""
    assert faults_in(zone) == []
    for writer in all_writers:
        writer.check(zone)


def ends_of(made: Lab) -> list[tuple[Entry, Entry | None]]:
    """Each intent of the audit, in order, with its outcome; the chain holds."""
    entries = made.audit()
    ends = {entry.what.intent: entry for entry in entries if entry.what.kind == "outcome"}
    assert len(ends) == sum(entry.what.kind == "outcome" for entry in entries), "two of one intent"
    return [(entry, ends.get(entry.seq)) for entry in entries if entry.what.kind == "intent"]


def check_audit(made: Lab) -> None:
    """The chain holds, and each intent has its one outcome, which is known."""
    results = {end.what.result if end else "open" for _, end in ends_of(made)}
    assert results <= {"done", "not done"}
