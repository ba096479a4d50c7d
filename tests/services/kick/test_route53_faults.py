"""Route 53 when something goes wrong: what may have been done, what is tried again, what is said.

The fake does what goes wrong; moto cannot.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.services.kick.fakes.route53 import RRSet
from tests.services.kick.fakes.route53_plan import Kind
from tests.services.kick.zones import KEYS, NAME, FakeZones, Place, fake_zones, route53
from toolkit.clients.dns.provider import BusyError, ReplyLostError
from toolkit.clients.dns.route53 import Route53
from toolkit.errors import (
    ApiError,
    DeniedError,
    NotFoundError,
    ServerError,
    TlsError,
    UnreachableError,
)
from toolkit.spec.dns import Change, Record, Zone
from toolkit.spec.kick import Route53Access

SHOP = f"shop.{NAME}"
A = Record(SHOP, "A", 60, ("203.0.113.7",))
CREATE = [Change("CREATE", A)]


@pytest.fixture(scope="module")
def zones() -> Iterator[FakeZones]:
    with fake_zones(read_attempts=2) as made:
        yield made


@pytest.fixture
def place(zones: FakeZones) -> Iterator[Place]:
    yield zones.make()
    assert zones.fake.plan.faults == []


def asked(zones: FakeZones, place: Place, operation: str) -> list[str]:
    """How the calls for a zone ended."""
    calls = zones.fake.state.calls
    return [
        each.outcome for each in calls if (each.zone, each.operation) == (place.zone.id, operation)
    ]


def error_of(place: Place) -> ApiError:
    with pytest.raises(ApiError) as caught:
        place.provider.apply(place.zone, CREATE)
    return caught.value


@pytest.mark.parametrize(
    ("fault", "done"),
    [
        ("lost-before", False),
        ("lost-after", True),
        ("reset-after", True),
        ("error-before", False),
        ("error-after", True),
        ("garbled", True),
    ],
)
def test_a_write_whose_reply_is_lost_is_sent_once_and_said_to_be_open(
    zones: FakeZones, place: Place, fault: Kind, done: bool
) -> None:
    zones.fake.plan.add(fault)
    error = error_of(place)
    assert type(error) is ReplyLostError
    assert error.hint is not None and "look" in error.hint
    assert len(asked(zones, place, "change")) == 1
    assert place.stored() == ({A} if done else set())


@pytest.mark.parametrize("fault", ["throttle", "prior"])
def test_a_busy_route53_has_done_nothing(zones: FakeZones, place: Place, fault: Kind) -> None:
    zones.fake.plan.add(fault)
    assert type(error_of(place)) is BusyError
    assert len(asked(zones, place, "change")) == 1
    place.create(A)


def test_two_writers_of_one_zone_at_a_time(zones: FakeZones, place: Place) -> None:
    plan = zones.fake.plan
    plan.hold_next("held-before")
    other = Record(f"other.{NAME}", "A", 60, ("203.0.113.8",))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(place.create, A)
        assert plan.reached.wait(10)
        with pytest.raises(BusyError, match="prior request"):
            place.create(other)
        plan.release()
        first.result(10)
    assert place.stored() == {A}


def test_a_write_that_takes_too_long_is_open(zones: FakeZones, place: Place) -> None:
    plan = zones.fake.plan
    plan.hold_next("held-after")
    with route53(zones.fake.address, keys=KEYS, read_seconds=0.2) as hasty:
        with pytest.raises(ReplyLostError, match="did not answer in time"):
            hasty.apply(place.zone, CREATE)
        plan.release()
        assert place.stored() == {A}


@pytest.mark.parametrize("fault", ["throttle", "lost-before", "lost-after", "error-before"])
def test_a_read_is_tried_again(zones: FakeZones, place: Place, fault: Kind) -> None:
    place.create(A)
    zones.fake.plan.add(fault, "list")
    assert place.provider.at(place.zone, [SHOP]) == (A,)
    assert len(asked(zones, place, "list")) == 2


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("throttle", BusyError), ("error-before", ServerError), ("lost-before", UnreachableError)],
)
def test_a_read_that_keeps_failing_fails(
    zones: FakeZones, place: Place, fault: Kind, kind: type[ApiError]
) -> None:
    zones.fake.plan.add(fault, "list", times=2)
    with pytest.raises(kind):
        list(place.provider.records(place.zone))


def test_a_page_that_is_lost_is_asked_for_again(zones: FakeZones, place: Place) -> None:
    records = [Record(f"s{index}.{NAME}", "A", 60, ("203.0.113.7",)) for index in range(20)]
    place.create(*records)
    with route53(zones.fake.address, keys=KEYS, page=7) as small:
        zones.fake.plan.add("lost-after", "list", skip=1)
        found = [each for each in small.records(place.zone) if each.type == "A"]
    assert sorted(found, key=lambda each: each.name) == sorted(records, key=lambda each: each.name)


def test_a_missing_right_is_named(zones: FakeZones, place: Place) -> None:
    zones.fake.plan.add("denied")
    error = error_of(place)
    assert type(error) is DeniedError
    assert "route53:ChangeResourceRecordSets" in error.message
    assert str(place.zone) in error.message
    assert error.hint is not None and "allow route53:ChangeResourceRecordSets" in error.hint
    zones.fake.plan.add("denied", "list")
    with pytest.raises(DeniedError, match="route53:ListResourceRecordSets"):
        place.stored()
    zones.fake.plan.add("denied", "get")
    with pytest.raises(DeniedError, match="route53:GetChange"):
        place.provider.state("C1")


@pytest.mark.parametrize(
    ("fault", "said"), [("expired", "expired"), ("unknown-key", "does not know the credentials")]
)
def test_credentials_that_are_no_good(
    zones: FakeZones, place: Place, fault: Kind, said: str
) -> None:
    zones.fake.plan.add(fault)
    error = error_of(place)
    assert type(error) is DeniedError
    assert said in error.message
    assert error.hint


def test_a_zone_that_is_not_there(zones: FakeZones) -> None:
    zone = Zone(NAME, "public", "route53", "ZNOWHERE")
    with pytest.raises(NotFoundError, match="no hosted zone ZNOWHERE") as caught:
        list(zones.provider.records(zone))
    assert caught.value.hint is not None and "kick.toml" in caught.value.hint
    with pytest.raises(NotFoundError):
        zones.provider.apply(zone, CREATE)


def test_a_change_gets_in_sync_when_all_servers_have_it(zones: FakeZones, place: Place) -> None:
    zones.fake.state.pending_polls = 2
    submitted = place.provider.apply(place.zone, CREATE)
    assert submitted.state == "PENDING"
    states = [place.provider.state(submitted.id) for _ in range(4)]
    assert states == ["PENDING", "PENDING", "INSYNC", "INSYNC"]
    # What is listed is what was taken, in sync or not.
    assert place.stored() == {A}
    zones.fake.state.pending_polls = 0


def test_a_change_that_nobody_knows(zones: FakeZones) -> None:
    with pytest.raises(NotFoundError):
        zones.provider.state("CNOBODY")


def test_sets_that_are_routed_are_somebody_elses(zones: FakeZones, place: Place) -> None:
    weighted = [
        RRSet(f"{SHOP}.", "A", 60, (f"203.0.113.{index}",), None, name, (("Weight", "1"),))
        for index, name in enumerate(("blue", "green"))
    ]
    failover = RRSet(
        f"b.{NAME}.", "A", 60, ("203.0.113.9",), None, "one", (("Failover", "PRIMARY"),)
    )
    for sent in (*weighted, failover):
        zones.fake.state.put(place.zone.id, sent)
    found = place.provider.at(place.zone, [SHOP, f"b.{NAME}"])
    types = {each.type for each in found}
    assert types == {"A (weighted: blue)", "A (weighted: green)", "A (failover: one)"}
    assert len({each.key for each in found}) == 3
    before = zones.fake.state.sets(place.zone.id)
    for each in found:
        with pytest.raises(ApiError):
            place.provider.apply(place.zone, [Change("DELETE", each)])
    with pytest.raises(ApiError):
        place.provider.apply(
            place.zone, [Change("DELETE", Record(SHOP, "A", 60, ("203.0.113.0",)))]
        )
    with pytest.raises(ApiError) as caught:
        place.create(A)
    assert "non-matching set" in caught.value.message
    assert zones.fake.state.sets(place.zone.id) == before


def test_more_sets_at_one_name_than_a_page_has(zones: FakeZones, place: Place) -> None:
    for index in range(20):
        routing = (("Weight", "1"),)
        sent = RRSet(f"{SHOP}.", "A", 60, ("203.0.113.1",), None, f"n{index:02d}", routing)
        zones.fake.state.put(place.zone.id, sent)
    place.create(Record(f"_toolkit.{SHOP}", "TXT", 60, ("mine",)))
    with route53(zones.fake.address, keys=KEYS, page=3) as small:
        found = small.at(place.zone, [SHOP, f"_toolkit.{SHOP}"])
    assert len(found) == 21


@pytest.mark.parametrize("page", [1, 2, 300])
def test_names_are_found_wherever_the_pages_end(zones: FakeZones, place: Place, page: int) -> None:
    names = ["a", "a-b", "a.b", "*.a", "b", "_toolkit.a", "_toolkit._wildcard.a", "a0", "_a.b.a"]
    records = [Record(f"{name}.{NAME}", "A", 60, ("203.0.113.7",)) for name in names]
    place.create(*records)
    with route53(zones.fake.address, keys=KEYS, page=page) as provider:
        for name, record in zip(names, records, strict=True):
            assert provider.at(place.zone, [record.name]) == (record,)
            absent = f"{name.replace('a', 'c')}x.{NAME}"
            assert provider.at(place.zone, [absent]) == ()
        assert set(provider.at(place.zone, [each.name for each in records])) == set(records)


def test_names_that_lie_together_cost_one_call(zones: FakeZones, place: Place) -> None:
    place.create(A, Record(f"_toolkit.{SHOP}", "TXT", 60, ("mine",)))
    place.provider.at(place.zone, [SHOP, f"_toolkit.{SHOP}", f"none.{SHOP}"])
    assert len(asked(zones, place, "list")) == 1


def test_nobody_answers(place: Place) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with route53(address, keys=KEYS, read_attempts=1) as nobody:
            with pytest.raises(UnreachableError, match="cannot be reached"):
                nobody.apply(place.zone, CREATE)
            with pytest.raises(UnreachableError):
                nobody.at(place.zone, [SHOP])


def test_tls_to_a_plain_port_has_done_nothing(zones: FakeZones, place: Place) -> None:
    address = zones.fake.address.replace("http:", "https:")
    with route53(address, keys=KEYS, read_attempts=1) as provider:
        with pytest.raises(TlsError, match="speaks plain HTTP"):
            provider.at(place.zone, [SHOP])
        with pytest.raises(TlsError, match="speaks plain HTTP"):
            provider.apply(place.zone, CREATE)
    assert place.stored() == set()


def test_what_a_killed_client_got_done_stays(zones: FakeZones, place: Place) -> None:
    plan = zones.fake.plan
    plan.hold_next("held-after")
    code = f"""
import sys
from toolkit.clients.dns.route53 import Keys, Route53
from toolkit.spec.dns import Change, Record, Zone
from toolkit.spec.kick import Route53Access
from toolkit.spec.target import Secret
provider = Route53(Route53Access(endpoint={zones.fake.address!r}), keys=Keys("AKIAX", Secret("x")))
zone = Zone({NAME!r}, "public", "route53", {place.zone.id!r})
list(provider.records(zone))
print("ready", flush=True)
provider.apply(zone, [Change("CREATE", Record({SHOP!r}, "A", 60, ("203.0.113.7",)))])
"""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    with child, child.stdout:
        assert child.stdout.readline() == "ready\n"
        assert plan.reached.wait(30)
        os.kill(child.pid, signal.SIGKILL)
    plan.release()
    assert place.stored() == {A}


def test_many_threads_share_a_provider(zones: FakeZones, place: Place) -> None:
    def one(index: int) -> None:
        record = Record(f"t{index}.{NAME}", "A", 60, ("203.0.113.7",))
        while True:
            try:
                place.create(record)
            except BusyError:
                continue
            return

    fresh = Route53(Route53Access(endpoint=zones.fake.address), keys=KEYS)
    shared = Place("fake", fresh, place.zone)
    try:
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(one, range(40)))
        assert len(shared.stored()) == 40
    finally:
        fresh.close()
