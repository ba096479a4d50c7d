"""The server killed while eight clients write: nothing acknowledged is lost, nothing is left over.

The moment is drawn from a seed: so many answers after the start, and a few milliseconds more, which
falls anywhere between a request and its answer. On Route 53 the moment is chosen: the batch is held
before or after it was done, and its answer never comes.
"""

from __future__ import annotations

import http.client
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.services.kick.fakes.route53 import FakeRoute53, Route53State
from tests.services.kick.fakes.route53_plan import Kind
from tests.services.kick.lab import (
    AWS_KEYS,
    PATIENCE,
    PUBLIC,
    ZONE_ID,
    Client,
    Lab,
    Process,
    Said,
    faults_in,
    lab,
    on_route53,
    together,
    token_of,
)
from tests.services.kick.rig import CONFIG
from tests.services.running import until
from toolkit.clients.dns.route53 import Keys, Route53
from toolkit.dns.standing import Standing, standings
from toolkit.spec.dns import Zone
from toolkit.spec.kick import Route53Access
from toolkit.spec.target import Secret

CLIENTS = 8
NAMES_EACH = 4
LATEST = 0.006
"""Seconds after the chosen answer: longer than a write takes, so that every step of one is met."""
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

    def run(self, client: Client, answered: threading.Semaphore) -> None:
        """Change one name after the other until the server is gone."""
        while True:
            self.flight = self._next()
            try:
                said = self.flight.send(client)
            except BROKEN:
                return
            assert said.status in (200, 201), said.body
            self._told(self.flight)
            self.flight = None
            answered.release()

    def settle(self, client: Client, zone: dict[str, Standing]) -> str:
        """Ask again for what got no answer, with the same key; what had become of it."""
        asked = self.flight
        if asked is None:
            return "answered"
        was_done = address(zone, asked.name) == asked.wanted
        said = asked.send(client)
        assert said.status in (200, 201), said.body
        # Done before the kill: the very same answer again, and nothing is done twice.
        assert said.json["replayed"] == was_done, (asked, said.body)
        self._told(asked)
        self.flight = None
        return "done" if was_done else "not done"

    def check(self, zone: dict[str, Standing]) -> None:
        """What was acknowledged is there exactly so; what was not is there whole, or not at all."""
        for number in range(NAMES_EACH):
            name = self._name(number)
            may_be = {self.has.get(name)}
            if self.flight is not None and self.flight.name == name:
                may_be.add(self.flight.wanted)
            assert address(zone, name) in may_be, (name, self.flight)

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

    def _told(self, asked: Asked) -> None:
        if asked.wanted is None:
            self.has.pop(asked.name, None)
        else:
            self.has[asked.name] = asked.wanted


def address(zone: dict[str, Standing], name: str) -> str | None:
    """The one address of a name."""
    there = zone.get(name)
    if there is None or not there.records:
        return None
    ((record,), (value,)) = there.records, there.records[0].values
    assert record.ttl == 60
    return value


def check_audit(made: Lab) -> None:
    """The chain holds, and each intent has its one outcome."""
    entries = made.audit()
    intents = {entry.seq for entry in entries if entry.what.kind == "intent"}
    ends = Counter(entry.what.intent for entry in entries if entry.what.kind == "outcome")
    assert ends == Counter(intents)
    assert not [entry.seq for entry in entries if entry.what.result == "unknown"]


def kills(made: Lab, seed: int, times: int) -> Counter[str]:
    """Kill that often; what had become of the requests that were under way."""
    drawn = random.Random(seed)
    writers = [Writer(number, random.Random(drawn.random())) for number in range(CLIENTS)]
    token = token_of("shop")
    fates: Counter[str] = Counter()
    process = made.start()
    for _ in range(times):
        answered = threading.Semaphore(0)
        clients = [process.client(token) for _ in writers]
        after, late = drawn.randrange(1, 40), drawn.uniform(0, LATEST)

        def kill(process: Process = process, after: int = after, late: float = late) -> None:
            for _ in range(after):
                assert answered.acquire(timeout=PATIENCE)  # noqa: B023  joined before the next turn
            threading.Event().wait(late)
            process.kill()

        runs = [
            lambda writer=writer, client=client: writer.run(client, answered)  # noqa: B023
            for writer, client in zip(writers, clients, strict=True)
        ]
        together(kill, *runs)
        zone = made.zone()
        assert faults_in(zone) == []
        for writer in writers:
            writer.check(zone)
        process = made.start()
        for writer in writers:
            client = process.client(token)
            fates[writer.settle(client, zone)] += 1
            client.close()
    zone = made.zone()
    assert faults_in(zone) == []
    for writer in writers:
        writer.check(zone)
    assert process.stop() == 0
    check_audit(made)
    return fates


def test_ten_kills(tmp_path: Path) -> None:
    with lab(tmp_path) as made:
        fates = kills(made, seed=7, times=10)
    # Otherwise it was killed while nothing was under way, and the test has shown nothing.
    assert fates["done"] + fates["not done"] >= 10, fates


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_two_hundred_kills(tmp_path: Path, seed: int) -> None:
    with lab(tmp_path) as made:
        fates = kills(made, seed=seed, times=20)
    print(f"seed {seed}: {dict(fates)}")
    assert fates["done"] >= 1, "no kill fell between commit and reply"


# --- between the commit of Route 53 and its reply ------------------------------------------------


@pytest.fixture
def aws() -> Iterator[Route53State]:
    state = Route53State()
    state.add_zone(ZONE_ID, PUBLIC.name)
    yield state


def on_aws(fake: FakeRoute53) -> dict[str, Standing]:
    """What the hosted zone has."""
    keys = Keys("AKIA1111111111111111", Secret("secret"))
    provider = Route53(Route53Access(endpoint=fake.address), keys=keys)
    try:
        records = list(provider.records(Zone(PUBLIC.name, "public", "route53", ZONE_ID)))
    finally:
        provider.close()
    return {s.name: s for s in standings(r for r in records if r.type not in ("NS", "SOA"))}


def values(state: Route53State, name: str) -> tuple[str, ...]:
    """What the hosted zone has at a name."""
    found = [each for each in state.sets(ZONE_ID) if each.name == f"{name}." and each.type == "A"]
    return found[0].values if found else ()


@dataclass
class Killed:
    """A server that was killed while Route 53 had its second batch, and what it was asked."""

    made: Lab
    fake: FakeRoute53
    asked: Asked

    def start(self) -> Process:
        """The next server."""
        return self.made.start()


@contextmanager
def killed_while(held: Kind, aws: Route53State, folder: Path) -> Iterator[Killed]:
    """One record, `.1`, and a change to `.2` that is held."""
    name = "a.shop.apps.example.com"
    with FakeRoute53(aws) as fake, lab(folder, config=on_route53(CONFIG, fake.address)) as made:
        made.environ |= AWS_KEYS
        first = made.start()
        assert Asked(name, "203.0.113.1", "1").send(first.client(token_of("shop"))).status == 201
        fake.plan.add(held)
        asked = Asked(name, "203.0.113.2", "2")

        def ask() -> None:
            with pytest.raises(BROKEN):
                asked.send(first.client(token_of("shop")))

        def kill() -> None:
            until(lambda: not fake.plan.faults, "the batch arrives")
            if held == "held-after":
                until(lambda: values(aws, name) == ("203.0.113.2",), "the batch is done")
            first.kill()

        together(ask, kill)
        yield Killed(made, fake, asked)


def test_a_kill_after_route_53_did_the_batch(aws: Route53State, tmp_path: Path) -> None:
    with killed_while("held-after", aws, tmp_path) as there:
        there.fake.plan.release()
        second = there.start()
        said = there.asked.send(second.client(token_of("shop")))
        assert (said.status, said.json["replayed"]) == (200, True)
        check_aws(there)
        assert second.stop() == 0
        check_audit(there.made)


def test_a_batch_that_lands_when_the_next_server_is_there_already(
    aws: Route53State, tmp_path: Path
) -> None:
    with killed_while("held-before", aws, tmp_path) as there:
        second = there.start()
        assert values(aws, there.asked.name) == ("203.0.113.1",)
        there.fake.plan.release()
        until(lambda: values(aws, there.asked.name) == ("203.0.113.2",), "the batch lands")
        said = there.asked.send(second.client(token_of("shop")))
        assert (said.status, said.json["replayed"]) == (200, False)
        check_aws(there)
        assert second.stop() == 0
        check_audit(there.made)


def check_aws(there: Killed) -> None:
    """The hosted zone has what was asked for, once, with its owner record."""
    zone = on_aws(there.fake)
    assert (faults_in(zone), address(zone, there.asked.name)) == ([], "203.0.113.2")
