"""What every provider does alike: zones in files, Route 53 on the fake, and Route 53 on moto.

Where moto does not do as AWS does, the test says so and is run on the others: what AWS refuses is
then known from its documentation, or from what its users quote.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.services.kick.fakes.route53 import Route53State
from tests.services.kick.zones import NAME, FakeZones, Place, fake_zones, moto_zones, zone_files
from toolkit.clients.dns.provider import BatchRefusedError
from toolkit.errors import ApiError, InvalidRequestError
from toolkit.spec.dns import Alias, Change, Record

SHOP = f"shop.{NAME}"
A = Record(SHOP, "A", 60, ("203.0.113.7",))
OTHER = Record(SHOP, "A", 60, ("203.0.113.8",))
OWNER = Record(f"_toolkit.{SHOP}", "TXT", 60, ("heritage=toolkit,cluster=dev",))


@pytest.fixture(scope="module")
def moto() -> Iterator[Callable[[], Place]]:
    with moto_zones() as make:
        yield make


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeZones]:
    with fake_zones() as zones:
        yield zones


@pytest.fixture(scope="module")
def documented() -> Iterator[FakeZones]:
    with fake_zones(Route53State(listed_reasons=True)) as zones:
        yield zones


@contextmanager
def place_of(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[Place]:
    if kind == "moto":
        yield request.getfixturevalue("moto")()
    elif kind == "zonefile":
        with zone_files(folder) as found:
            yield found
    else:
        zones: FakeZones = request.getfixturevalue(kind)
        yield zones.make(kind)


@pytest.fixture(params=["zonefile", "fake", "moto"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A zone of every provider."""
    with place_of(request.param, request, tmp_path) as found:
        yield found


@pytest.fixture(params=["zonefile", "fake", "documented"])
def strict(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """Where refusals are AWS's, which moto's are not: in the words that users quote, in its
    documentation's form, and our own."""
    with place_of(request.param, request, tmp_path) as found:
        yield found


def refusal(place: Place, *changes: Change) -> BatchRefusedError:
    before = place.stored()
    with pytest.raises(BatchRefusedError) as caught:
        place.provider.apply(place.zone, changes)
    assert place.stored() == before
    return caught.value


EVERYTHING = (
    Record(NAME, "A", 300, ("198.51.100.1",)),
    Record(NAME, "TXT", 300, ("v=spf1 -all",)),
    Record(SHOP, "A", 60, ("203.0.113.7", "203.0.113.8")),
    Record(SHOP, "AAAA", 60, ("2001:db8::7",)),
    Record(f"www.{SHOP}", "CNAME", 0, (SHOP,)),
    Record(f"*.{SHOP}", "A", 60, ("203.0.113.9",)),
    Record(f"_http._tcp.{SHOP}", "SRV", 60, (f"1 1 8080 {SHOP}", "2 1 8081 elsewhere.example.org")),
    Record(f"long.{NAME}", "TXT", 60, ("x" * 600,)),
    Record(f"odd.{NAME}", "TXT", 60, ('say "hé" \\ and \t be done; 100%', "second")),
    OWNER,
)


def test_every_kind_of_record_comes_back_as_it_went(place: Place) -> None:
    place.create(*EVERYTHING)
    assert place.stored() == set(EVERYTHING)
    names = [record.name for record in EVERYTHING] + [f"none.{NAME}"]
    there = {
        each for each in place.provider.at(place.zone, names) if each.type not in {"NS", "SOA"}
    }
    assert there == set(EVERYTHING)


def test_the_top_of_a_zone_is_not_empty(place: Place) -> None:
    types = {record.type for record in place.provider.at(place.zone, [NAME])}
    assert types == {"NS", "SOA"}
    assert {record.type for record in place.provider.records(place.zone)} == types


def test_an_alias_comes_back_as_it_went(place: Place) -> None:
    alias = Record(f"www.{NAME}", "A", None, alias=Alias(SHOP, place.zone.id, healthy=False))
    place.create(A)
    place.create(alias)
    assert place.stored() == {A, alias}
    place.provider.apply(place.zone, [Change("DELETE", alias)])
    assert place.stored() == {A}


def test_a_batch_is_done_in_one_go_and_gets_in_sync(place: Place) -> None:
    place.create(A, OWNER)
    changes = [Change("CREATE", OTHER), Change("DELETE", A)]
    submitted = place.provider.apply(place.zone, changes, comment="a" * 300)
    assert place.stored() == {OTHER, OWNER}
    assert place.provider.state(submitted.id) == "INSYNC"


def test_one_type_gives_way_to_another_whatever_the_order(place: Place) -> None:
    place.create(A)
    cname = Record(SHOP, "CNAME", 60, ("elsewhere.example.org",))
    place.provider.apply(place.zone, [Change("CREATE", cname), Change("DELETE", A)])
    assert place.stored() == {cname}


def test_the_same_record_is_not_created_twice(place: Place) -> None:
    place.create(A)
    said = refusal(place, Change("CREATE", A))
    assert said.blamed == (A.key,)
    assert "already exists" in said.reasons[0]


def test_a_record_is_not_created_over_another(strict: Place) -> None:
    strict.create(A)
    assert refusal(strict, Change("CREATE", OTHER)).blamed == (A.key,)


@pytest.mark.parametrize(
    "stale",
    [
        OTHER,
        Record(SHOP, "A", 61, A.values),
        Record(SHOP, "A", 60, ("203.0.113.7", "203.0.113.8")),
        Record(SHOP, "AAAA", 60, ("2001:db8::7",)),
        Record(f"x{SHOP}", "A", 60, A.values),
        Record(SHOP, "A", None, alias=Alias(f"lb.{NAME}", "ZPUBLIC")),
    ],
    ids=["values", "ttl", "more", "type", "name", "alias"],
)
def test_what_is_deleted_must_be_there_just_so(strict: Place, stale: Record) -> None:
    strict.create(A)
    said = refusal(strict, Change("DELETE", stale))
    assert said.blamed == (stale.key,)
    wanted = "was not found" if stale.key != A.key else "do not match the current values"
    assert wanted in said.reasons[0]


def test_of_two_that_change_the_same_one_comes_too_late(strict: Place) -> None:
    strict.create(A)
    third = Record(SHOP, "A", 60, ("203.0.113.9",))
    strict.provider.apply(strict.zone, [Change("DELETE", A), Change("CREATE", OTHER)])
    said = refusal(strict, Change("DELETE", A), Change("CREATE", third))
    assert A.key in said.blamed


def test_one_bad_change_stops_its_batch_and_is_named(strict: Place) -> None:
    bad = Record(f"bad.{NAME}", "A", 60, ("203.0.113.300",))
    said = refusal(strict, Change("CREATE", A), Change("CREATE", bad), Change("CREATE", OWNER))
    assert said.blamed == (bad.key,)
    assert "203.0.113.300" in said.message


def test_every_bad_change_is_named(strict: Place) -> None:
    strict.create(A)
    bad = Record(f"bad.{NAME}", "AAAA", 60, ("203.0.113.7",))
    said = refusal(strict, Change("CREATE", bad), Change("CREATE", OTHER), Change("CREATE", OWNER))
    if strict.kind == "documented":
        # Of several messages in this form botocore keeps none: the batch has to be halved.
        assert said.blamed == ()
        return
    assert set(said.blamed) == {bad.key, OTHER.key}
    assert len(said.reasons) == 2


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (A, Record(SHOP, "CNAME", 60, ("elsewhere.example.org",))),
        (Record(SHOP, "CNAME", 60, ("elsewhere.example.org",)), A),
        (A, Record(NAME, "CNAME", 60, (SHOP,))),
    ],
    ids=["over-others", "beside-one", "at-the-top"],
)
def test_a_cname_stands_alone(strict: Place, there: Record, asked: Record) -> None:
    strict.create(there)
    assert refusal(strict, Change("CREATE", asked)).blamed == (asked.key,)


@pytest.mark.parametrize(
    "bad",
    [
        Record(SHOP, "A", 60, ("203.0.113.7", "203.0.113.7")),
        Record(SHOP, "A", 60, ("not an address",)),
        Record(SHOP, "AAAA", 60, ("2001:db8::7::",)),
        Record(SHOP, "CNAME", 60, ("one.example.org", "two.example.org")),
        Record(SHOP, "SRV", 60, ("1 1 8080",)),
        Record("shop.example.org", "A", 60, ("203.0.113.7",)),
        Record(f"shop{NAME}", "A", 60, ("203.0.113.7",)),
        Record(SHOP, "TXT", 60, ("x" * 4100,)),
        Record(SHOP, "A", 2**31, ("203.0.113.7",)),
        Record(SHOP, "A", 60, ()),
    ],
    ids=["twice", "a", "aaaa", "cnames", "srv", "elsewhere", "evil", "long", "ttl", "nothing"],
)
def test_what_no_zone_takes(strict: Place, bad: Record) -> None:
    said = refusal(strict, Change("CREATE", OWNER), Change("CREATE", bad))
    assert OWNER.key not in said.blamed


def test_moto_too_refuses_a_name_of_another_zone(place: Place) -> None:
    with pytest.raises(ApiError):
        place.create(Record("shop.example.org", "A", 60, ("203.0.113.7",)))


@pytest.mark.parametrize(
    "foreign",
    [
        Record(SHOP, "MX", 60, ("10 mail.example.org",)),
        Record(NAME, "NS", 172800, ("ns.example.org",)),
        Record(SHOP, "A (weighted: blue)", 60, ("203.0.113.7",)),
    ],
    ids=["mx", "ns", "weighted"],
)
@pytest.mark.parametrize("action", ["CREATE", "DELETE"])
def test_what_is_not_ours_is_not_even_asked_for(place: Place, foreign: Record, action: str) -> None:
    change = Change("CREATE" if action == "CREATE" else "DELETE", foreign)
    assert refusal(place, change, Change("CREATE", A)).blamed[0] == foreign.key


def test_a_batch_has_something_in_it(place: Place) -> None:
    with pytest.raises(InvalidRequestError):
        place.provider.apply(place.zone, [])


def many(count: int) -> list[Record]:
    return [Record(f"s{index}.{NAME}", "A", 60, ("203.0.113.7",)) for index in range(count)]


def test_the_largest_batch_and_the_pages_of_a_large_zone(place: Place) -> None:
    records = many(place.provider.most_changes)
    place.create(*records)
    assert place.stored() == set(records)
    some = [records[index].name for index in (0, 1, 10, 299, 300, 301, 999)]
    there = place.provider.at(place.zone, [*some, f"s.{NAME}", f"s1000.{NAME}", f"zz.{NAME}"])
    assert {record.name for record in there} == set(some)


def test_a_batch_larger_than_that_is_refused(strict: Place) -> None:
    records = many(strict.provider.most_changes + 1)
    assert not refusal(strict, *(Change("CREATE", record) for record in records)).blamed


def test_a_batch_with_too_many_characters_is_refused(strict: Place) -> None:
    texts = [Record(f"t{index}.{NAME}", "TXT", 60, ("x" * 1100,)) for index in range(30)]
    refusal(strict, *(Change("CREATE", each) for each in texts))


@pytest.mark.parametrize(
    ("there", "asked"),
    [
        (A, [Change("CREATE", OTHER)]),
        (A, [Change("CREATE", Record(SHOP, "CNAME", 60, ("elsewhere.example.org",)))]),
        (A, [Change("CREATE", Record(f"bad.{NAME}", "A", 60, ("203.0.113.300",)))]),
    ],
    ids=["over-another", "cname", "address"],
)
def test_what_moto_takes_and_aws_does_not(
    moto: Callable[[], Place], there: Record, asked: list[Change]
) -> None:
    """Why the refusals are not tested on moto; should this fail, moto has learned them."""
    place = moto()
    place.create(there)
    place.provider.apply(place.zone, asked)
