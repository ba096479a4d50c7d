"""The whole server on a Route 53 that fails: what it answers is true, and in the end all is there.

A Route 53 that is away for a minute is told by the writer's own clock in `test_faults_writer`; here
it is away until the test says otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.services.kick.fakes.route53 import FakeRoute53, Route53State, RRSet
from tests.services.kick.fakes.route53_plan import Kind, Operation, Plan
from tests.services.kick.lab import (
    AWS_KEYS,
    PUBLIC,
    ZONE_ID,
    Lab,
    Process,
    Said,
    lab,
    on_aws,
    on_route53,
    together,
    token_of,
)
from tests.services.kick.load import (
    Writer,
    address,
    check_audit,
    check_zone,
    ends_of,
    faults_in,
    writers,
)
from tests.services.kick.rig import CONFIG
from tests.services.running import until

NAME = "a.shop.apps.example.com"
PATH = f"/record/{NAME}"


class Cloud:
    """A server and its Route 53."""

    def __init__(self, made: Lab, fake: FakeRoute53):
        self.made, self.fake = made, fake
        self.server: Process = made.start()
        self.client = self.server.client(token_of("shop"))

    def put(self, low: int, name: str = NAME, **headers: str) -> Said:
        """Let a name have an address."""
        return self.client.ask(
            "PUT", f"/record/{name}", {"ip_address": f"203.0.113.{low}"}, **headers
        )

    def has(self, name: str = NAME) -> str | None:
        """What Route 53 says of it, where all is well."""
        zone = on_aws(self.fake.address)
        assert faults_in(zone) == []
        return address(zone, name)


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Cloud]:
    state = Route53State()
    state.add_zone(ZONE_ID, PUBLIC.name)
    with FakeRoute53(state) as fake, lab(tmp_path, config=on_route53(CONFIG, fake.address)) as made:
        made.environ |= AWS_KEYS
        there = Cloud(made, fake)
        yield there
        for server in made.running:
            assert server.stop() == 0
            assert server.errors == []
            assert server.said("bug") == []
        # What was still open is found out by the next one.
        assert made.start().stop() == 0
        check_audit(made)


ANSWERS: dict[Kind, tuple[int, str]] = {
    "throttle": (200, ""),
    "prior": (200, ""),
    "error-before": (200, ""),
    "error-after": (200, ""),
    "lost-before": (200, ""),
    "lost-after": (200, ""),
    "reset-after": (200, ""),
    "garbled": (200, ""),
    "denied": (503, "unavailable"),
    "expired": (503, "unavailable"),
}
"""What a caller is told whose batch meets this once."""


def test_one_failure_of_each_kind(cloud: Cloud) -> None:
    assert cloud.put(1).status == 201
    told: dict[Kind, tuple[int, str]] = {}
    low = 1
    for kind in ANSWERS:
        cloud.fake.plan.add(kind)
        said = cloud.put(low + 1, Idempotency_Key=kind)
        told[kind] = said.status, said.slug if said.status >= 400 else ""
        # The answer is true at once, whatever it is.
        low = low + 1 if said.status == 200 else low
        assert cloud.has() == f"203.0.113.{low}", kind
        assert cloud.client.ask("GET", PATH).json["values"] == [f"203.0.113.{low}"], kind
    assert told == ANSWERS


def test_route_53_away_and_back(cloud: Cloud) -> None:
    assert cloud.put(1).status == 201
    away: tuple[Operation, ...] = ("change", "list", "get")
    for operation in away:
        cloud.fake.plan.add("error-before", operation, times=10_000)
    all_writers = writers(5)
    together(*(partial(each.run, cloud.server.client(token_of("shop"))) for each in all_writers))
    # Of a batch that Route 53 answered with a 500 nobody knows whether it was done.
    assert {kind for each in all_writers for kind in each.refused} == {"outcome-unknown"}
    assert all(len(each.refused) == 1 for each in all_writers)
    # What it read before is still told, and it is not taken out.
    assert cloud.client.ask("GET", PATH).json["values"] == ["203.0.113.1"]
    assert cloud.client.ask("GET", "/healthz").status == 200
    cloud.fake.plan.faults.clear()
    zone = on_aws(cloud.fake.address)
    assert [name for name in zone if name != NAME] == []
    assert {each.settle(cloud.client, zone) for each in all_writers} == {"not done"}
    together(
        *(partial(each.run, cloud.server.client(token_of("shop")), most=4) for each in all_writers)
    )
    assert all(len(each.refused) == 1 for each in all_writers)
    check_zone(all_writers, on_aws(cloud.fake.address))
    # The audit tells the first attempt from the second, which did it.
    assert cloud.server.stop() == 0
    assert {key: fates for key, fates in fates_by_key(cloud.made).items() if len(fates) > 1} == {
        f"{each.number}-1": ["not done", "done"] for each in all_writers
    }


def fates_by_key(made: Lab) -> dict[str, list[str]]:
    """What the audit says became of each intent, by the key it came with."""
    fates: dict[str, list[str]] = {}
    for intent, end in ends_of(made):
        if intent.what.key:
            fates.setdefault(intent.what.key, []).append(end.what.result if end else "open")
    return fates


def test_a_storm(cloud: Cloud) -> None:
    """Everything at once, drawn from a seed; then it clears up, and each asks again."""
    storm(cloud, seed=11, most=6)


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(8))
def test_long_storms(cloud: Cloud, seed: int) -> None:
    storm(cloud, seed=seed, most=60)


RATES: dict[Kind, float] = {
    "throttle": 0.1,
    "prior": 0.1,
    "error-before": 0.05,
    "error-after": 0.1,
    "lost-before": 0.1,
    "lost-after": 0.1,
    "reset-after": 0.1,
    "garbled": 0.1,
}


def storm(cloud: Cloud, *, seed: int, most: int) -> None:
    all_writers = writers(seed)
    cloud.fake.state.plan = Plan(seed, RATES)

    def stubborn(writer: Writer) -> None:
        client = cloud.server.client(token_of("shop"))
        while writer.sent < most and writer.flight is None:
            writer.run(client, most=most - writer.sent)

    together(*(partial(stubborn, each) for each in all_writers))
    cloud.fake.state.plan = Plan()
    check_zone(all_writers, on_aws(cloud.fake.address))
    for writer in all_writers:
        asked = writer.flight
        if asked is not None:
            said = asked.send(cloud.client)
            assert said.status in (200, 201) or (said.status, asked.wanted) == (404, None)
            writer.told(asked)
    check_zone(all_writers, on_aws(cloud.fake.address))


def under_way(cloud: Cloud) -> int:
    """Requests that have no answer yet."""
    page = cloud.server.client().ask("GET", "/metrics").body.decode()
    return int(float(page.partition("\nkick_requests_in_progress ")[2].split()[0]))


def test_one_bad_record_in_a_batch_stops_nobody_else(cloud: Cloud) -> None:
    """Somebody else has put a CNAME there since the zone was read: Route 53 refuses the batch."""
    foreign = RRSet("bad.shop.apps.example.com.", "CNAME", 60, ("elsewhere.example.net.",))
    cloud.fake.state.put(ZONE_ID, foreign)
    names = [f"{each}.shop.apps.example.com" for each in ("bad", *"bcdefgh")]
    # While the first is held, the others wait: they go together in the next batch.
    cloud.fake.plan.add("held-before")
    said: dict[str, Said] = {}

    def put(name: str) -> None:
        client = cloud.server.client(token_of("shop"))
        said[name] = client.ask("PUT", f"/record/{name}", {"ip_address": "203.0.113.9"})

    def first() -> None:
        assert cloud.put(1).status == 201

    def release() -> None:
        until(lambda: under_way(cloud) > len(names), "all have asked")
        cloud.fake.plan.release()

    together(first, release, *(partial(put, name) for name in names))
    assert {name: each.status for name, each in said.items()} == {
        name: 409 if name.startswith("bad.") else 201 for name in names
    }
    zone = on_aws(cloud.fake.address)
    assert [record.type for record in zone.pop(names[0]).records] == ["CNAME"]
    assert faults_in(zone) == []
    assert all(address(zone, name) == "203.0.113.9" for name in names[1:])
    calls = [call for call in cloud.fake.state.calls if call.operation == "change"]
    assert len(calls) < len(names), "they did not go together"


@pytest.mark.soak
def test_the_end_while_route_53_hangs(cloud: Cloud) -> None:
    assert cloud.put(1).status == 201
    cloud.fake.plan.add("held-after", times=100)
    all_writers = writers(9)

    def end() -> None:
        until(lambda: under_way(cloud) == len(all_writers), "all have asked")
        assert cloud.server.stop() == 0

    clients = [cloud.server.client(token_of("shop")) for _ in all_writers]
    together(end, *(partial(w.run, c) for w, c in zip(all_writers, clients, strict=True)))
    assert {kind for each in all_writers for kind in each.refused} == {"outcome-unknown"}
    cloud.fake.plan.faults.clear()
    cloud.fake.plan.release()
    held = cloud.fake.state.calls
    until(lambda: any(call.outcome == "held-after" for call in held), "what was held has landed")
    following = cloud.made.start()
    client = following.client(token_of("shop"))
    check_zone(all_writers, on_aws(cloud.fake.address))
    for each in all_writers:
        if each.flight is not None:
            assert each.flight.send(client).status in (200, 201)
            each.told(each.flight)
    check_zone(all_writers, on_aws(cloud.fake.address))
