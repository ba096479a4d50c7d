"""What a turn does: nothing of others', nothing early, nothing empty."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.dns.discovering import (
    CONFIG,
    NAME,
    NOW,
    PRIVATE,
    SITE,
    declared,
    instance,
    job,
    kick_config,
    owned,
    owner,
    reasons,
    record,
    steps,
    turn,
    view,
    zones,
)
from toolkit.dns.plan import NEVER, Known
from toolkit.spec.discovery import SeenJob, Turn
from toolkit.spec.dns import Owner, Record, RemoveRecord
from toolkit.spec.identity import Workload

GRACE = CONFIG.reconcile.grace
MINE = owned(owner(), record(NAME, "10.0.0.1"))
MARK = (PRIVATE, NAME, owner())
RUNNING = view([job("shop", declared())], [instance(1), instance(2)])
UPSERT = kick_config(policy="upsert-only")


def gone(since: float | None, *, config: object = CONFIG, jobs: tuple[SeenJob, ...] = ()) -> Turn:
    """A turn after the shop's end, that was first noted so long ago."""
    known = Known(since={} if since is None else {MARK: NOW - since})
    return turn(view([job("web"), *jobs]), zones(MINE), config, known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "there",
    [
        [record(NAME, "10.9.9.9")],
        [
            record(NAME, "10.9.9.9"),
            record(f"_toolkit.{NAME}", "heritage=external-dns", type_="TXT"),
        ],
        [record(f"_toolkit.{NAME}", "garbage", type_="TXT")],
        owned(owner("web"), record(NAME, "10.9.9.9")),
        owned(owner(cluster="green"), record(NAME, "10.9.9.9")),
        owned(Owner("blue", "people"), record(NAME, "10.9.9.9")),
    ],
    ids=["nobody's", "external-dns", "garbage", "another job's", "another cluster's", "people's"],
)
def test_what_is_somebody_elses_is_left_alone(there: list[Record]) -> None:
    found = turn(RUNNING, zones(there))
    assert found.steps == ()
    assert reasons(found) == [(NAME, "taken")]


@pytest.mark.parametrize("cluster", ["green", "blu", "bluee"])
def test_the_leftovers_of_another_cluster_are_its_own(cluster: str) -> None:
    there = zones(owned(owner(cluster=cluster), record(NAME, "10.9.9.9")))
    found = turn(view([job("web")]), there, known=Known(since={MARK: 0.0}))
    assert (found.steps, found.leftovers) == ((), ())


def test_what_people_set_is_nobodys_leftover() -> None:
    there = zones(owned(Owner("blue", "people"), record(NAME, "10.9.9.9")))
    found = turn(view([job("web")]), there, known=Known(since={MARK: 0.0}))
    assert (found.steps, found.leftovers) == ((), ())


@pytest.mark.parametrize("since", [None, 0.0, GRACE - 0.001])
def test_a_leftover_stays_for_the_grace(since: float | None) -> None:
    found = gone(since)
    assert found.steps == ()
    (leftover,) = found.leftovers
    assert (leftover.zone, leftover.name, leftover.owner) == MARK
    assert leftover.due == NOW + GRACE - (since or 0.0)
    assert leftover.why == "its job is gone"


@pytest.mark.parametrize("since", [GRACE, GRACE + 1e6])
def test_after_the_grace_it_goes_with_all_its_types(since: float) -> None:
    text = record(NAME, "hello", type_="TXT")
    there = zones(owned(owner(), record(NAME, "10.0.0.1"), text))
    found = turn(view([job("web")]), there, known=Known(since={MARK: NOW - since}))
    (step,) = found.steps
    wish = step.order.wish
    assert isinstance(wish, RemoveRecord)
    assert (wish.zone, wish.name, wish.type, wish.owner) == (PRIVATE, NAME, "*", owner())
    assert step.order.via == "discovery"
    assert step.order.caller == Workload("default", "shop", "", "", 0.0)


def test_a_job_that_is_dead_is_as_good_as_gone() -> None:
    dead = job("shop", declared(), alive=False)
    assert gone(1.0, jobs=(dead,)).leftovers[0].why == "its job is stopped or dead"
    assert steps(gone(GRACE, jobs=(dead,))) == [(NAME, None)]


def test_without_the_right_to_delete_a_leftover_stays_for_ever() -> None:
    found = gone(1e9, config=UPSERT)
    assert found.steps == ()
    assert found.leftovers[0].due == NEVER


def test_a_leftover_that_was_never_noted_does_not_go_even_without_a_grace() -> None:
    assert gone(None, config=kick_config(grace=0.0)).steps == ()


def test_what_a_living_job_asks_for_is_no_leftover_while_nothing_passes() -> None:
    seen = view([job("shop", declared())], [instance(1)], failing=(1,))
    found = turn(seen, zones(MINE), known=Known({(PRIVATE, NAME): {"A"}}, {MARK: 0.0}))
    assert (found.steps, found.leftovers) == ((), ())
    assert reasons(found) == [(NAME, "no-instance")]


@pytest.mark.parametrize("asks", [(), (declared("shop", "a.shop.apps.internal"),)])
def test_what_a_living_job_set_by_request_stays(asks: tuple[object, ...]) -> None:
    found = turn(view([job("shop", *asks)]), zones(MINE), known=Known(since={MARK: 0.0}))  # type: ignore[arg-type]
    assert (found.steps, found.leftovers) == ((), ())


def test_what_a_living_job_no_longer_asks_for_goes_but_not_its_other_records() -> None:
    text = record(NAME, "hello", type_="TXT")
    there = zones(owned(owner(), record(NAME, "10.0.0.1"), text))
    known = Known({(PRIVATE, NAME): {"A"}}, {MARK: NOW - GRACE})
    (step,) = turn(view([job("shop")]), there, known=known).steps
    assert isinstance(step.order.wish, RemoveRecord)
    assert step.order.wish.type == "A"
    assert step.why == "its job no longer asks for it"


def test_a_job_that_cannot_be_read_has_no_leftovers() -> None:
    unread = replace(job("shop"), unread="denied")
    known = Known({(PRIVATE, NAME): {"A"}}, {MARK: 0.0})
    found = turn(view([unread]), zones(MINE), known=known)
    assert (found.steps, found.leftovers) == ((), ())


def test_one_wrong_declaration_keeps_all_of_its_job() -> None:
    """What it meant is not known: a typo in a key must not take the record away."""
    wrong = declared(wrong="there is no meta key toolkit_dns_hostnam")
    known = Known({(PRIVATE, NAME): {"A"}}, {MARK: 0.0})
    assert turn(view([job("shop", wrong)]), zones(MINE), known=known).steps == ()


def test_a_name_is_set_once() -> None:
    found = turn(RUNNING)
    assert steps(found) == [(NAME, ("10.0.0.1", "10.0.0.2"))]
    assert found.steps[0].before is None
    there = zones(owned(owner(), record(NAME, "10.0.0.1", "10.0.0.2")))
    again = turn(RUNNING, there)
    assert (again.steps, again.unchanged) == ((), 1)


def test_a_name_follows() -> None:
    found = turn(RUNNING, zones(MINE))
    assert steps(found) == [(NAME, ("10.0.0.1", "10.0.0.2"))]
    assert found.steps[0].before == record(NAME, "10.0.0.1")


def test_what_a_job_set_by_request_is_taken_over_by_what_it_declares() -> None:
    assert steps(turn(RUNNING, zones(owned(owner(), record(NAME, "10.7.7.7"))))) == [
        (NAME, ("10.0.0.1", "10.0.0.2"))
    ]


def test_another_type_takes_the_place_of_the_old_one() -> None:
    there = zones(owned(owner(), record(NAME, "fd00::1", type_="AAAA"), record(NAME, "10.0.0.1")))
    found = turn(RUNNING, there)
    assert steps(found) == [(NAME, ("10.0.0.1", "10.0.0.2")), (NAME, None)]


def test_a_cname_makes_room_first() -> None:
    there = zones(owned(owner(), record(NAME, "other.apps.internal", type_="CNAME")))
    assert steps(turn(RUNNING, there)) == [(NAME, None), (NAME, ("10.0.0.1", "10.0.0.2"))]


def test_other_types_of_the_job_stay_beside_it() -> None:
    there = zones(owned(owner(), record(NAME, "10.0.0.1"), record(NAME, "hello", type_="TXT")))
    assert steps(turn(RUNNING, there)) == [(NAME, ("10.0.0.1", "10.0.0.2"))]


def test_one_refused_name_does_not_stop_the_others() -> None:
    asks = declared("shop", NAME, "web.apps.internal", "a.shop.apps.internal")
    found = turn(view([job("shop", asks)], [instance(1)]))
    assert steps(found) == [(NAME, ("10.0.0.1",)), ("a.shop.apps.internal", ("10.0.0.1",))]
    assert reasons(found) == [("web.apps.internal", "policy")]


def test_the_edge_takes_the_place_of_instances() -> None:
    edge = declared("shop", SITE, visibility="public", target="edge", type="A")
    there = zones(public=owned(owner(), record(SITE, "203.0.113.9")))
    found = turn(view([job("shop", edge)], [instance(1)]), there)
    assert steps(found) == [(SITE, ("203.0.113.1",))]


def test_the_name_of_a_leftover_goes_to_who_asks_for_it_after_it_went() -> None:
    """The first owner keeps it, dead as it is, until the grace is over."""
    seen = view([job("rival", declared("rival"), created=9)], [instance(2, "rival")])
    early = turn(seen, zones(MINE), known=Known(since={MARK: NOW - 1.0}))
    assert (early.steps, reasons(early)) == ((), [(NAME, "taken")])
    late = turn(seen, zones(MINE), known=Known(since={MARK: NOW - GRACE}))
    assert steps(late) == [(NAME, None)]
    assert steps(turn(seen, zones())) == [(NAME, ("10.0.0.2",))]
