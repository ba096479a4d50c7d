"""Many who write at once: who is the last one, who waits, what goes together, what it costs."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from kick.writer import Writer

from tests.services.kick.desk_of_writer import (
    NAME,
    ZONE,
    Desk,
    Gate,
    attempt,
    workload,
)
from tests.services.kick.shaky import Shaky
from toolkit.errors import (
    AbsentError,
    ForbiddenError,
    ToolkitError,
    UnavailableError,
)
from toolkit.spec.dns import Order, Record, SetRecord, Written, Zone
from toolkit.spec.identity import Caller

SHOP, RIVAL = workload(), workload("rival")


def most(count: int) -> Callable[[Caller, Zone, Record, int], None]:
    """A policy of a number of records."""

    def permit(caller: Caller, zone: Zone, record: Record, held: int) -> None:
        if held >= count:
            raise ForbiddenError(f"{caller} has {held} records")

    return permit


def test_two_writes_at_once_are_not_both_the_last_one(desk: Desk, writer: Writer) -> None:
    desk.permit = most(1)
    for turn in range(10):
        names = [f"n{turn}x{number}.example.com" for number in range(4)]
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda name: attempt(writer, desk.put(name)), names))
        granted = [answer for answer in answers if isinstance(answer, Written)]
        assert len(granted) == 1
        assert writer.held(desk.owner()) == 1
        assert sum(isinstance(answer, ForbiddenError) for answer in answers) == 3
        writer.write(desk.remove(granted[0].name), caller=SHOP)


def test_a_count_that_failed_does_not_count(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    desk.permit = most(1)
    shaky.bad = {"bad.example.com"}
    orders = [Order(desk.put(name), SHOP) for name in ("bad.example.com", "good.example.com")]
    bad, good = writer.write_many(orders)
    assert isinstance(bad, ToolkitError)
    assert isinstance(good, Written)


def test_what_goes_at_the_same_time_makes_room(desk: Desk, writer: Writer) -> None:
    desk.permit = most(1)
    writer.write(desk.put("old.example.com"), caller=SHOP)
    answers = writer.write_many(
        [Order(desk.remove("old.example.com"), SHOP), Order(desk.put("new.example.com"), SHOP)]
    )
    assert [type(answer) for answer in answers] == [Written, Written]
    # A change of what is there already does not count against it.
    assert writer.write(desk.put("new.example.com", "10.0.0.2"), caller=SHOP).changed


def test_a_full_queue_refuses_and_an_accepted_write_is_done(
    desk: Desk, shaky: Shaky, gate: Gate
) -> None:
    desk.limits = replace(desk.limits, waiting=2)
    with desk.opened() as writer, ThreadPoolExecutor(3) as pool, gate.closed(shaky):
        first = pool.submit(writer.write, desk.put("n0.example.com"), caller=SHOP)
        gate.reached()
        rest = [
            pool.submit(writer.write, desk.put(f"n{number}.example.com"), caller=SHOP)
            for number in (1, 2)
        ]
        gate.until(lambda: writer.waiting == 2)
        with pytest.raises(UnavailableError, match="2 writes wait already"):
            writer.write(desk.put("n3.example.com"), caller=SHOP)
        gate.open()
        assert all(each.result().changed for each in (first, *rest))
    assert len(shaky.batches) == 2


def test_ending_finishes_what_was_accepted_and_refuses_the_rest(
    desk: Desk, shaky: Shaky, gate: Gate
) -> None:
    audit = desk.audit()
    writer = desk.writer(audit)
    writer.start()
    with ThreadPoolExecutor(4) as pool, gate.closed(shaky):
        accepted = [pool.submit(writer.write, desk.put("n0.example.com"), caller=SHOP)]
        gate.reached()
        accepted.append(pool.submit(writer.write, desk.put("n1.example.com"), caller=SHOP))
        gate.until(lambda: writer.waiting == 1)
        closing = pool.submit(writer.close, 20)
        gate.until(lambda: not writer.ready)
        for act in (
            lambda: writer.write(desk.put("late.example.com"), caller=SHOP),
            lambda: writer.perform("x", SHOP, None, None, lambda: None),
        ):
            with pytest.raises(UnavailableError, match="is stopping"):
                act()
        gate.open()
        assert closing.result()
        assert all(each.result().changed for each in accepted)
    audit.close()
    assert {entry.what.result for entry in desk.entries()} == {"", "done"}


def test_who_waits_too_long_is_told_what_is_known(desk: Desk, shaky: Shaky, gate: Gate) -> None:
    desk.limits = replace(desk.limits, patience=0.05)
    with desk.opened() as writer, ThreadPoolExecutor(2) as pool, gate.closed(shaky):
        first = pool.submit(writer.write, desk.put("n0.example.com"), caller=SHOP, key="k")
        gate.reached()
        with pytest.raises(ToolkitError, match="it is still being done"):
            first.result()
        with pytest.raises(UnavailableError, match="did not get its turn in time"):
            writer.write(desk.put("n1.example.com"), caller=SHOP, key="l")
        gate.open()
    assert [record.name for record in shaky.zones[ZONE].values() if record.type == "A"] == [
        "n0.example.com"
    ]


def test_who_waits_goes_in_one_batch_with_one_sync(desk: Desk, shaky: Shaky, gate: Gate) -> None:
    with desk.opened() as writer, ThreadPoolExecutor(31) as pool, gate.closed(shaky):
        answers = [pool.submit(writer.write, desk.put("n.example.com"), caller=SHOP)]
        gate.reached()
        answers += [
            pool.submit(writer.write, desk.put(f"n{number}.example.com"), caller=SHOP)
            for number in range(30)
        ]
        gate.until(lambda: writer.waiting == 30)
        gate.open()
        assert all(answer.result().changed for answer in answers)
    assert [len(batch) for batch in shaky.batches] == [2, 60]
    times = [entry.time for entry in desk.entries()]
    assert len(times) == 62


def test_who_waits_for_the_same_name_comes_one_after_the_other(
    desk: Desk, shaky: Shaky, gate: Gate
) -> None:
    with desk.opened() as writer, ThreadPoolExecutor(6) as pool, gate.closed(shaky):
        first = pool.submit(writer.write, desk.put("n.example.com"), caller=SHOP)
        gate.reached()
        rest = [
            pool.submit(writer.write, desk.put(NAME, f"10.0.0.{number}"), caller=SHOP)
            for number in range(2, 6)
        ]
        gate.until(lambda: writer.waiting == 4)
        gate.open()
        assert all(answer.result().changed for answer in (first, *rest))
    assert len(shaky.batches) == 5
    assert {entry.what.result for entry in desk.entries()} == {"", "done"}


def test_a_thousand_cost_few_batches(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    orders = [Order(desk.put(f"n{number}.example.com"), SHOP) for number in range(1000)]
    assert all(isinstance(answer, Written) for answer in writer.write_many(orders))
    assert len(shaky.batches) <= 10
    assert all(len(batch) <= 1000 for batch in shaky.batches)
    changed = [Order(desk.put(f"n{n}.example.com", "10.0.0.2"), SHOP) for n in range(1000)]
    assert all(isinstance(answer, Written) for answer in writer.write_many(changed))
    assert len(shaky.batches) <= 20
    assert writer.held(desk.owner()) == 1000


def test_orders_for_one_name_are_done_together(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    """So a name never stands empty while one type takes the place of another."""
    writer.write(desk.put(), caller=SHOP)
    cname = SetRecord(ZONE, Record(NAME, "CNAME", 60, ("edge.example.com",)), desk.owner())
    answers = writer.write_many([Order(desk.remove(), SHOP), Order(cname, SHOP)])
    assert [type(answer) for answer in answers] == [Written, Written]
    assert len(shaky.batches) == 2
    assert {record.type for record in writer.standing(ZONE, NAME).owned} == {"CNAME"}
    # One that is refused holds back the other.
    answers = writer.write_many(
        [Order(desk.remove(NAME, "CNAME"), SHOP), Order(desk.remove(NAME, "TXT"), SHOP)]
    )
    assert all(isinstance(answer, AbsentError) for answer in answers)
    assert writer.standing(ZONE, NAME).owned
