"""Writers beside others: strangers in the zone, rivals for a name, a second cluster."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from kick.writer import Writer

from tests.services.kick.desk_of_writer import (
    NAME,
    ZONE,
    Desk,
    a,
    attempt,
    unsound,
    workload,
)
from tests.services.kick.shaky import Shaky
from toolkit.errors import (
    TakenError,
    UnavailableError,
)
from toolkit.spec.dns import Record, SetRecord, Written, Zone

SHOP, RIVAL = workload(), workload("rival")


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
