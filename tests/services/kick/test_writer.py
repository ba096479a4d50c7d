"""The writer over a provider that does as it should: who wins, what is kept, what it costs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from kick.writer import Writer

from tests.services.kick.desk_of_writer import (
    INNER,
    NAME,
    ZONE,
    Desk,
    a,
    unsound,
    workload,
)
from tests.services.kick.shaky import Shaky
from toolkit.errors import (
    AbsentError,
    ChangedError,
    ForbiddenError,
    KeyReusedError,
    TakenError,
    ToolkitError,
    UnavailableError,
)
from toolkit.spec.dns import Order, Record, SetRecord, Wish, Written, Zone
from toolkit.spec.identity import Caller, Person

SHOP, RIVAL = workload(), workload("rival")


@pytest.fixture
def shaky() -> Shaky:
    return Shaky()


@pytest.fixture
def desk(tmp_path: Path, shaky: Shaky) -> Desk:
    return Desk(tmp_path / "audit", shaky)


@pytest.fixture
def writer(desk: Desk) -> Iterator[Writer]:
    with desk.opened() as opened:
        yield opened


def most(count: int) -> Callable[[Caller, Zone, Record, int], None]:
    """A policy of a number of records."""

    def permit(caller: Caller, zone: Zone, record: Record, held: int) -> None:
        if held >= count:
            raise ForbiddenError(f"{caller} has {held} records")

    return permit


# --- refused -----------------------------------------------------------------------------------


def test_what_is_refused_is_never_sent_and_leaves_no_entry(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    writer.write(desk.put(), caller=SHOP)
    shaky.plant(ZONE, a("theirs.example.com"))
    writer.refresh(ZONE)
    refused: list[tuple[Wish, type[ToolkitError]]] = [
        (desk.put(job="rival"), TakenError),
        (desk.remove(job="rival"), TakenError),
        (desk.put("theirs.example.com"), TakenError),
        (desk.remove("nothing.example.com"), AbsentError),
        (desk.put(NAME, "10.0.0.2", expected="other"), ChangedError),
        (desk.put(absent=True), ChangedError),
    ]
    for wish, error in refused:
        with pytest.raises(error):
            writer.write(wish, caller=SHOP)
    assert len(shaky.batches) == 1
    assert writer._audit.head.seq == 2


def test_before_it_has_read_the_zones_it_writes_nothing(desk: Desk, shaky: Shaky) -> None:
    audit = desk.audit()
    writer = desk.writer(audit)
    assert not writer.ready
    for act in (
        lambda: writer.write(desk.put(), caller=SHOP),
        lambda: writer.standing(ZONE, NAME),
        lambda: writer.standings(ZONE),
    ):
        with pytest.raises(UnavailableError):
            act()
    (answer,) = writer.write_many([Order(desk.put(), SHOP)])
    assert isinstance(answer, UnavailableError)
    assert shaky.batches == []
    assert writer.close()
    audit.close()


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


def attempt(writer: Writer, wish: SetRecord, caller: Caller = SHOP) -> Written | ToolkitError:
    try:
        return writer.write(wish, caller=caller)
    except ToolkitError as error:
        return error


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


class Gate:
    """Holds the writer's thread inside the provider."""

    def __init__(self) -> None:
        self._arrived = threading.Event()
        self._opened = threading.Event()

    def closed(self, shaky: Shaky) -> Gate:
        shaky.between = self._pass
        return self

    def __enter__(self) -> Gate:
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def reached(self) -> None:
        assert self._arrived.wait(20)

    def open(self) -> None:
        self._opened.set()

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for what another thread does; it needs no event of the writer's own."""
        for _ in range(2000):
            if holds():
                return
            self._opened.wait(0.01)
        raise AssertionError("it never came to be")

    def _pass(self) -> None:
        self._arrived.set()
        assert self._opened.wait(20)


@pytest.fixture
def gate() -> Gate:
    return Gate()


# --- granted -----------------------------------------------------------------------------------


def test_a_record_and_its_owner_record_come_and_go_together(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    made = writer.write(desk.put(), caller=SHOP, request="r1")
    assert (made.changed, made.created, made.seq, made.state) == (True, True, 1, "INSYNC")
    assert made.etag == writer.standing(ZONE, NAME).etag
    assert len(shaky.batches[0]) == 2
    changed = writer.write(desk.put(NAME, "10.0.0.2", expected=made.etag), caller=SHOP)
    assert (changed.changed, changed.created) == (True, False)
    same = writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP)
    assert (same.changed, same.seq, same.etag) == (False, 0, changed.etag)
    gone = writer.write(desk.remove(), caller=SHOP)
    assert (gone.record, gone.etag, gone.changed) == (None, "", True)
    assert shaky.zones[ZONE] == {}
    assert len(shaky.batches) == 3


def test_the_intent_is_on_the_disk_before_the_provider_is_asked(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    seen: list[str] = []

    def look() -> None:
        seen.append("".join(path.read_text() for path in desk.folder.glob("audit-*.jsonl")))

    shaky.between = look
    writer.write(desk.put(), caller=SHOP, key="k", request="r1")
    assert '"kind":"intent"' in seen[0]
    assert '"kind":"outcome"' not in seen[0]
    assert '"10.0.0.1"' in seen[0]


def test_what_the_audit_says_of_a_change(desk: Desk) -> None:
    with desk.opened() as writer:
        writer.write(desk.put(), caller=SHOP, request="r1", key="k1")
        person = Person("accessor-of-alice", "alice")
        order = Order(desk.put(NAME, "10.0.0.2"), person, request="r2", via="discovery")
        writer.write_many([order])
    first, first_done, second, second_done = (entry.what for entry in desk.entries())
    assert (first.action, first.subject, first.zone) == ("dns.set", NAME, str(ZONE))
    assert (first.actor.namespace, first.actor.job, first.actor.task) == ("default", "shop", "app")
    assert first.before == {"records": [], "marks": []}
    assert (first_done.intent, first_done.result, first_done.key) == (1, "done", "k1")
    assert (second.actor.kind, second.actor.name, second.via) == ("person", "alice", "discovery")
    assert values_in(second.before) == [["10.0.0.1"]]
    assert values_in(second.after) == [["10.0.0.2"]]
    assert (second_done.intent, second_done.request) == (3, "r2")


def values_in(said: Any) -> list[list[str]]:
    return [record["values"] for record in said["records"]]


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


def test_zones_do_not_mix(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    inner = SetRecord(INNER, a("shop.example.internal"), desk.owner())
    answers = writer.write_many([Order(desk.put(), SHOP), Order(inner, SHOP)])
    assert [answer.zone for answer in answers if isinstance(answer, Written)] == [ZONE, INNER]
    assert [standing.name for standing in writer.standings(INNER)] == ["shop.example.internal"]
    assert writer.held(desk.owner()) == 2


# --- keys --------------------------------------------------------------------------------------


def test_the_same_question_is_answered_once(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    first = writer.write(desk.put(), caller=SHOP, key="k")
    again = writer.write(desk.put(), caller=SHOP, key="k")
    assert again == replace(first, replayed=True)
    # However much happened in between: it is the answer to the first question.
    writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP)
    assert writer.write(desk.put(), caller=SHOP, key="k") == replace(first, replayed=True)
    assert writer.standing(ZONE, NAME).records == (a(NAME, "10.0.0.2"),)
    with pytest.raises(KeyReusedError):
        writer.write(desk.put(NAME, "10.0.0.3"), caller=SHOP, key="k")
    with pytest.raises(KeyReusedError):
        writer.write(desk.remove(), caller=SHOP, key="k")
    assert len(shaky.batches) == 2


def test_a_key_is_its_caller_s_own(desk: Desk, writer: Writer) -> None:
    writer.write(desk.put(), caller=SHOP, key="k")
    # Another instance of the job is the same caller, another job is not.
    other = replace(SHOP, allocation="another", task="sidecar")
    assert writer.write(desk.put(), caller=other, key="k").replayed
    with pytest.raises(TakenError):
        writer.write(desk.put(job="rival"), caller=RIVAL, key="k")
    assert not writer.write(desk.put("r.example.com", job="rival"), caller=RIVAL, key="k").replayed


def test_two_at_once_with_one_key_are_one_write(desk: Desk, shaky: Shaky, gate: Gate) -> None:
    with desk.opened() as writer, ThreadPoolExecutor(4) as pool, gate.closed(shaky):
        first = pool.submit(writer.write, desk.put(), caller=SHOP, key="k")
        gate.reached()
        others = [pool.submit(writer.write, desk.put(), caller=SHOP, key="k") for _ in range(3)]
        gate.open()
        assert not first.result().replayed
        assert all(other.result() == replace(first.result(), replayed=True) for other in others)
    assert len(shaky.batches) == 1


def test_what_was_refused_may_be_asked_again(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    shaky.plant(ZONE, a())
    writer.refresh(ZONE)
    with pytest.raises(TakenError):
        writer.write(desk.put(), caller=SHOP, key="k")
    shaky.pull(ZONE, a())
    writer.refresh(ZONE)
    assert not writer.write(desk.put(), caller=SHOP, key="k").replayed


def test_keys_outlive_a_restart_and_end_after_a_day(desk: Desk, shaky: Shaky) -> None:
    with desk.opened() as writer:
        first = writer.write(desk.put(), caller=SHOP, key="k")
        gone = writer.write(desk.remove(), caller=SHOP, key="l")
    with desk.opened() as writer:
        assert writer.write(desk.put(), caller=SHOP, key="k") == replace(first, replayed=True)
        assert writer.write(desk.remove(), caller=SHOP, key="l") == replace(gone, replayed=True)
        with pytest.raises(KeyReusedError):
            writer.write(desk.put(NAME, "10.0.0.9"), caller=SHOP, key="k")
        assert len(shaky.batches) == 2
        desk.hands.at += 24 * 3600 + 1
        assert not writer.write(desk.put(), caller=SHOP, key="k").replayed


def test_only_so_many_keys_are_remembered(desk: Desk) -> None:
    desk.limits = replace(desk.limits, keys=3)
    with desk.opened() as writer:
        for number in range(5):
            writer.write(desk.put(f"n{number}.example.com"), caller=SHOP, key=f"k{number}")
        replayed = [
            writer.write(desk.put(f"n{number}.example.com"), caller=SHOP, key=f"k{number}").replayed
            for number in (4, 3, 2, 0)
        ]
    assert replayed == [True, True, True, False]


# --- what others do ----------------------------------------------------------------------------


def test_a_stranger_s_change_is_noticed_before_ours_is_done(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    shaky.between = lambda: shaky.plant(ZONE, a())
    with pytest.raises(TakenError, match="not made by toolkit"):
        writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP)
    assert list(shaky.zones[ZONE].values()) == [a()]
    assert len(shaky.batches) == 1


def test_a_name_that_somebody_took_with_another_type_is_not_claimed(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    """The provider would do the batch: nothing in it meets what stands there."""
    text = SetRecord(ZONE, Record(NAME, "TXT", 60, ("x",)), desk.owner())
    shaky.plant(ZONE, a())
    desk.hands.at += 11
    with pytest.raises(TakenError, match="not made by toolkit"):
        writer.write(text, caller=SHOP)
    assert shaky.batches == []


def test_our_record_changed_by_hand_is_changed_from_what_it_is(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    writer.write(desk.put(), caller=SHOP)
    shaky.plant(ZONE, a(NAME, "10.6.6.6"))
    assert writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP).changed
    assert shaky.zones[ZONE][NAME, "A"] == a(NAME, "10.0.0.2")
    assert [len(batch) for batch in shaky.batches] == [2, 4, 4]


def test_a_name_that_is_changed_all_the_time_is_given_up(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    writer.write(desk.put(), caller=SHOP)
    values = (f"10.6.6.{number}" for number in range(99))
    shaky.between = lambda: shaky.plant(ZONE, a(NAME, next(values)))
    with pytest.raises(UnavailableError, match="the name had changed, every time"):
        writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP)
    assert len(shaky.batches) == 4


def test_no_refusal_is_older_than_a_few_seconds(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    shaky.plant(ZONE, a())
    writer.refresh(ZONE)
    with pytest.raises(TakenError):
        writer.write(desk.put(), caller=SHOP)
    shaky.pull(ZONE, a())
    desk.hands.at += 5
    with pytest.raises(TakenError):
        writer.write(desk.put(), caller=SHOP)
    reads = shaky.reads
    desk.hands.at += 6
    assert writer.write(desk.put(), caller=SHOP).changed
    assert shaky.reads == reads + 1


def test_unchanged_is_not_said_of_what_somebody_removed(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    writer.write(desk.put(), caller=SHOP)
    shaky.pull(ZONE, a())
    desk.hands.at += 11
    made = writer.write(desk.put(), caller=SHOP)
    assert (made.changed, made.created) == (True, True)
    assert shaky.zones[ZONE][NAME, "A"] == a()


def test_a_listing_forgets_nothing_that_was_written_meanwhile(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    """A zone of thousands of records takes seconds to list; writes go on."""
    writer.write(desk.put("kept.example.com"), caller=SHOP)
    writer.write(desk.put("gone.example.com"), caller=SHOP)
    listing = shaky.records

    def slowly(zone: Zone) -> Iterator[Record]:
        old = list(listing(zone))
        writer.write(desk.put("new.example.com"), caller=SHOP)
        writer.write(desk.put("kept.example.com", "10.0.0.2"), caller=SHOP)
        writer.write(desk.remove("gone.example.com"), caller=SHOP)
        return iter(old)

    shaky.records = slowly  # type: ignore[method-assign]
    shaky.plant(ZONE, a("planted.example.com"))
    writer.refresh(ZONE)
    assert [(s.name, s.records[0].values) for s in writer.standings(ZONE)] == [
        ("kept.example.com", ("10.0.0.2",)),
        ("new.example.com", ("10.0.0.1",)),
        ("planted.example.com", ("10.0.0.1",)),
    ]
    assert writer.held(desk.owner()) == 2


# --- two who want the same ---------------------------------------------------------------------


def test_two_jobs_fight_for_a_name_and_the_first_keeps_it(desk: Desk, writer: Writer) -> None:
    owners: set[str] = set()
    shaky = desk.provider
    assert isinstance(shaky, Shaky)
    for turn in range(40):
        with ThreadPoolExecutor(2) as pool:
            ours = pool.submit(attempt, writer, desk.put(NAME, f"10.0.0.{turn}"), SHOP)
            theirs = pool.submit(
                attempt, writer, desk.put(NAME, f"10.0.1.{turn}", job="rival"), RIVAL
            )
        loser = [each for each in (ours.result(), theirs.result()) if isinstance(each, TakenError)]
        assert len(loser) == 1
        owners.add(str(writer.standing(ZONE, NAME).owner))
        assert loser[0].owner in owners
    assert len(owners) == 1
    assert not unsound(list(shaky.zones[ZONE].values()))


def test_two_clusters_on_one_zone_never_lose_each_other_s(tmp_path: Path, shaky: Shaky) -> None:
    desks = [Desk(tmp_path / cluster, shaky, cluster) for cluster in ("blue", "green")]
    names = [f"n{number}.example.com" for number in range(6)]
    won: list[dict[str, str]] = [{}, {}]

    def play(number: int) -> None:
        desk = desks[number]
        with desk.opened() as writer:
            for turn in range(60):
                name = names[(turn * (number + 1)) % len(names)]
                answer = attempt(writer, desk.put(name, f"10.{number}.0.{turn}"))
                if isinstance(answer, Written):
                    won[number][name] = f"10.{number}.0.{turn}"
                else:
                    assert isinstance(answer, TakenError), answer
                desk.hands.at += 4

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(play, (0, 1)))
    records = list(shaky.zones[ZONE].values())
    assert not unsound(records)
    assert won[0].keys() & won[1].keys() == set()
    assert won[0].keys() | won[1].keys() == set(names)
    assert {r.name: r.values[0] for r in records if r.type == "A"} == won[0] | won[1]


def test_a_name_that_changed_hands_and_looks_the_same_is_not_ours(
    tmp_path: Path, shaky: Shaky
) -> None:
    """The owner record is part of every batch: the same value is not the same record."""
    blue, green = Desk(tmp_path / "blue", shaky, "blue"), Desk(tmp_path / "green", shaky, "green")
    with blue.opened() as ours, green.opened() as theirs:
        ours.write(blue.put(), caller=SHOP)
        # Elsewhere in our cluster it was removed, and the other cluster took it: the same value.
        shaky.zones[ZONE].clear()
        theirs.refresh(ZONE)
        theirs.write(green.put(), caller=SHOP)
        with pytest.raises(TakenError, match="cluster green"):
            ours.write(blue.put(NAME, "10.0.0.2"), caller=SHOP)
        with pytest.raises(TakenError, match="cluster green"):
            ours.write(blue.remove(), caller=SHOP)
    assert shaky.zones[ZONE][NAME, "A"] == a()


# --- states and other actions ------------------------------------------------------------------


def test_a_change_is_pending_until_the_provider_says_otherwise(desk: Desk, shaky: Shaky) -> None:
    shaky.spreads = True
    with desk.opened() as writer:
        assert writer.write(desk.put(), caller=SHOP).state == "PENDING"
        assert writer.state(ZONE, NAME) == "PENDING"
        asked = shaky.reads
        assert writer.state(ZONE, NAME) == "PENDING"
        # Nothing had to be sent, and what was sent before is still on its way.
        same = writer.write(desk.put(), caller=SHOP)
        assert (same.changed, same.state) == (False, "PENDING")
        assert shaky.reads == asked
    with desk.opened() as writer:
        assert writer.state(ZONE, NAME) == "PENDING"
        shaky.pending.clear()
        desk.hands.at += 3
        assert writer.state(ZONE, NAME) == "INSYNC"
        asked = shaky.reads
        assert writer.state(ZONE, NAME) == "INSYNC"
        assert writer.state(ZONE, "other.example.com") == "INSYNC"
        assert shaky.reads == asked


def test_another_action_has_the_audit_around_it(desk: Desk) -> None:
    audit = desk.audit()
    writer = desk.writer(audit)

    def effect() -> str:
        assert [entry.what.kind for entry in audit.entries(1)] == ["intent"]
        return "said"

    before, after = {"was": 1}, {"is": 2}
    assert writer.perform("note.add", SHOP, before, after, effect, request="r") == "said"

    def fail() -> None:
        raise TakenError("no")

    with pytest.raises(TakenError):
        writer.perform("note.add", SHOP, None, None, fail)
    with pytest.raises(ZeroDivisionError):
        writer.perform("note.add", SHOP, None, None, lambda: 1 / 0)
    audit.close()
    ran: list[int] = []
    with pytest.raises(ToolkitError, match="closed"):
        writer.perform("note.add", SHOP, None, None, lambda: ran.append(1))
    assert ran == []
    entries = [entry.what for entry in desk.entries()]
    assert [(what.kind, what.result, what.detail) for what in entries] == [
        ("intent", "", ""),
        ("outcome", "done", ""),
        ("intent", "", ""),
        ("outcome", "failed", "no"),
        ("intent", "", ""),
        ("outcome", "failed", "it broke off"),
    ]
    assert (entries[0].before, entries[0].after, entries[0].request) == (before, after, "r")


def test_what_begins_before_the_zones_are_read_is_not_taken_for_an_older_life_s(
    desk: Desk,
) -> None:
    audit = desk.audit()
    writer = desk.writer(audit)
    writer.perform("note.add", SHOP, None, None, writer.start)
    assert writer.close()
    audit.close()
    told = [entry.what.result for entry in desk.entries()]
    assert told == ["", "done"]


def test_an_action_that_a_kill_cut_short_is_told_as_unknown(desk: Desk) -> None:
    audit = desk.audit()
    writer = desk.writer(audit)
    held = threading.Event()
    entered = threading.Event()

    def effect() -> None:
        entered.set()
        held.wait(20)

    thread = threading.Thread(target=writer.perform, args=("note.add", SHOP, None, None, effect))
    thread.start()
    assert entered.wait(20)
    # As a kill would: nothing is written any more.
    audit.close()
    held.set()
    thread.join()
    with desk.opened():
        pass
    last = desk.entries()[-1].what
    assert (last.action, last.result, last.intent) == ("note.add", "unknown", 1)
