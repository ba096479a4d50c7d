"""The writer over a provider that is busy, away, silent or wrong, and over a disk without room."""

from __future__ import annotations

import math
import os
import subprocess
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from kick.writer import Writer

from tests.services.kick import shaky as faults
from tests.services.kick.desk_of_writer import NAME, ZONE, Desk, a, unsound, workload
from tests.services.kick.shaky import Shaky
from toolkit.clients.dns.provider import BatchRefusedError, BusyError, ReplyLostError
from toolkit.errors import AuditError, DeniedError, ToolkitError, UnreachableError
from toolkit.spec.dns import Change, Order, Record, Written, Zone

SHOP = workload()
AWAY = UnreachableError("nobody answers", system="Shaky")


def names(shaky: Shaky) -> set[str]:
    return {record.name for record in shaky.zones.get(ZONE, {}).values() if record.type == "A"}


def many(desk: Desk, count: int) -> list[Order]:
    return [Order(desk.put(f"n{number}.example.com"), SHOP) for number in range(count)]


def outcomes(desk: Desk) -> list[tuple[str, str]]:
    entries = desk.entries()
    subjects = {entry.seq: entry.what.subject for entry in entries}
    told = [entry.what for entry in entries if entry.what.kind == "outcome"]
    assert sorted(what.intent for what in told) == sorted(
        entry.seq for entry in entries if entry.what.kind == "intent"
    )
    return [(subjects[what.intent], what.result) for what in told]


# --- one bad record ----------------------------------------------------------------------------


@pytest.mark.parametrize("blames", [True, False], ids=["the provider names it", "in halves"])
@pytest.mark.parametrize("count", [2, 3, 100])
def test_one_bad_record_does_not_stop_the_others(tmp_path: Path, blames: bool, count: int) -> None:
    shaky = Shaky(blames=blames)
    desk = Desk(tmp_path / "audit", shaky)
    bad = f"n{count // 2}.example.com"
    shaky.bad = {bad}
    with desk.opened() as writer:
        answers = writer.write_many(many(desk, count))
        wrong = [answer for answer in answers if not isinstance(answer, Written)]
        assert len(wrong) == 1
        assert isinstance(wrong[0], BatchRefusedError)
        assert bad in wrong[0].message
        assert writer.standing(ZONE, bad).records == ()
        assert writer.held(desk.owner()) == count - 1
    assert names(shaky) == {f"n{number}.example.com" for number in range(count)} - {bad}
    assert not unsound(list(shaky.zones[ZONE].values()))
    most = 3 if blames else 2 * math.ceil(math.log2(count)) + 1
    assert len(shaky.batches) <= most
    assert [subject for subject, result in outcomes(desk) if result != "done"] == [bad]


def test_several_bad_ones_and_several_outdated_ones(desk: Desk, shaky: Shaky) -> None:
    shaky.bad = {f"n{number}.example.com" for number in (3, 4, 40)}
    taken = {f"n{number}.example.com" for number in (7, 41)}
    with desk.opened() as writer:
        shaky.plant(ZONE, *(a(name) for name in taken))
        answers = writer.write_many(many(desk, 60))
    said = {f"n{number}.example.com": answer for number, answer in enumerate(answers)}
    assert {name for name, answer in said.items() if not isinstance(answer, Written)} == (
        shaky.bad | taken
    )
    assert names(shaky) == (set(said) - shaky.bad) | taken


def test_limits_of_a_batch_are_kept(tmp_path: Path) -> None:
    shaky = Shaky(most_changes=10)
    desk = Desk(tmp_path / "audit", shaky)
    with desk.opened() as writer:
        assert all(isinstance(answer, Written) for answer in writer.write_many(many(desk, 23)))
    assert [len(batch) for batch in shaky.batches] == [10, 10, 10, 10, 6]


# --- busy --------------------------------------------------------------------------------------


def test_a_busy_provider_is_asked_again_ever_more_rarely(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    shaky.faults = [faults.busy] * 4
    assert writer.write(desk.put(), caller=SHOP).changed
    assert len(shaky.batches) == 5
    assert desk.hands.naps == sorted(desk.hands.naps)
    assert len(set(desk.hands.naps)) == 4


def test_a_provider_that_stays_busy_is_given_up(desk: Desk, shaky: Shaky) -> None:
    with desk.opened() as writer:
        shaky.faults = [faults.busy] * 6
        with pytest.raises(BusyError):
            writer.write(desk.put(), caller=SHOP, key="k")
        assert len(shaky.batches) == 6
        assert sum(desk.hands.naps) < 15
        # Nothing was done, so that the key is free.
        assert not writer.write(desk.put(), caller=SHOP, key="k").replayed
    assert outcomes(desk) == [(NAME, "not done"), (NAME, "done")]


# --- away --------------------------------------------------------------------------------------


def test_a_provider_that_is_away_for_a_minute(desk: Desk, shaky: Shaky) -> None:
    with desk.opened() as writer:
        writer.write(desk.put("before.example.com"), caller=SHOP)
        shaky.away = AWAY
        for _ in range(30):
            with pytest.raises(UnreachableError):
                writer.write(desk.put("during.example.com"), caller=SHOP, key="k")
            with pytest.raises(UnreachableError):
                writer.refresh(ZONE)
            desk.hands.at += 2
        # What was last seen is still told, and nothing is refused on it.
        assert [standing.name for standing in writer.standings(ZONE)] == ["before.example.com"]
        with pytest.raises(UnreachableError):
            writer.write(desk.put("before.example.com", job="rival"), caller=SHOP)
        shaky.away = None
        assert writer.write(desk.put("during.example.com"), caller=SHOP, key="k").changed
    assert names(shaky) == {"before.example.com", "during.example.com"}
    # Once the look is old, the name is asked for first, and nothing is begun.
    told = [result for _, result in outcomes(desk)]
    assert told[0] == told[-1] == "done"
    assert set(told[1:-1]) == {"not done"}
    assert len(told) < 10


def test_a_start_without_the_provider_can_be_tried_again(desk: Desk, shaky: Shaky) -> None:
    with desk.opened() as writer:
        writer.write(desk.put(), caller=SHOP, key="k")
    shaky.away = AWAY
    audit = desk.audit()
    writer = desk.writer(audit)
    for _ in range(3):
        with pytest.raises(UnreachableError):
            writer.start()
        assert not writer.ready
    shaky.away = None
    writer.start()
    writer.start()
    assert writer.ready
    assert writer.write(desk.put(), caller=SHOP, key="k").replayed
    assert writer.close()
    audit.close()


def test_a_right_that_is_missing_is_said_and_nothing_is_done(desk: Desk, shaky: Shaky) -> None:
    with desk.opened() as writer:

        def denied(_shaky: Shaky, _zone: Zone, _changes: object) -> None:
            raise DeniedError("no right to change the zone", system="Shaky")

        shaky.faults = [denied]
        with pytest.raises(DeniedError):
            writer.write(desk.put(), caller=SHOP)
    assert outcomes(desk) == [(NAME, "not done")]


# --- no reply ----------------------------------------------------------------------------------


def test_a_bug_while_it_is_found_out_what_became_of_a_batch_ends_no_writing(
    desk: Desk, shaky: Shaky
) -> None:
    def lost(there: Shaky, zone: Zone, changes: Sequence[Change]) -> None:
        there.do(zone, changes)
        there.away = AWAY
        raise ReplyLostError("no reply", system="Shaky")

    desk.limits = replace(desk.limits, patience=5)
    with desk.opened() as writer:
        shaky.faults = [lost]
        with pytest.raises(ReplyLostError):
            writer.write(desk.put(), caller=SHOP)
        shaky.away = KeyError("a bug in the provider")  # type: ignore[assignment]
        desk.hands.at += 60
        with pytest.raises(KeyError):
            writer.write(desk.put("other.example.com"), caller=SHOP)
        shaky.away = None
        assert writer.write(desk.put("other.example.com"), caller=SHOP).changed
    assert desk.bugs
    assert outcomes(desk) == [(NAME, "done"), ("other.example.com", "done")]


@pytest.mark.parametrize("lost", [faults.lost_after, faults.dropped_after])
def test_a_lost_reply_to_what_was_done_is_found_out_by_reading(
    desk: Desk, shaky: Shaky, lost: faults.Fault
) -> None:
    with desk.opened() as writer:
        shaky.faults = [lost]
        answers = writer.write_many(many(desk, 20))
        assert all(isinstance(answer, Written) and answer.changed for answer in answers)
        assert len(shaky.batches) == 1, "it is never sent blindly again"
        # Without an id there is only time to tell by.
        assert writer.state(ZONE, "n1.example.com") == "PENDING"
        desk.hands.at += 180
        assert writer.state(ZONE, "n1.example.com") == "INSYNC"
    assert {result for _, result in outcomes(desk)} == {"done"}


@pytest.mark.parametrize("known", [True, False], ids=["then", "at the next start"])
def test_a_stranger_s_record_beside_does_not_hide_what_was_done(
    desk: Desk, shaky: Shaky, known: bool
) -> None:
    text = Record(NAME, "TXT", 60, ("theirs",))

    def done(shaky: Shaky, zone: Zone, changes: object) -> None:
        shaky.do(zone, changes)  # type: ignore[arg-type]
        shaky.plant(ZONE, text)
        shaky.away = None if known else AWAY
        raise ReplyLostError("no reply", system="Shaky")

    with desk.opened() as writer:
        writer.write(desk.put(), caller=SHOP)
        shaky.faults = [done]
        if known:
            gone = writer.write(desk.remove(), caller=SHOP)
            assert gone.changed
            assert gone.etag == writer.standing(ZONE, NAME).etag != ""
        else:
            with pytest.raises(ReplyLostError):
                writer.write(desk.remove(), caller=SHOP)
    shaky.away = None
    with desk.opened():
        pass
    assert outcomes(desk) == [(NAME, "done"), (NAME, "done")]
    assert list(shaky.zones[ZONE].values()) == [text]


def test_a_lost_reply_to_what_was_not_done_is_sent_again_after_reading(
    desk: Desk, shaky: Shaky
) -> None:
    with desk.opened() as writer:
        shaky.faults = [faults.lost_before]
        assert writer.write(desk.put(), caller=SHOP).changed
    assert len(shaky.batches) == 2
    assert outcomes(desk) == [(NAME, "not done"), (NAME, "done")]


def test_what_lands_after_it_was_read_as_not_done_is_not_done_twice(
    desk: Desk, writer: Writer, shaky: Shaky
) -> None:
    """The request was still on its way when we looked."""
    late: list[tuple[Change, ...]] = []

    def delayed(_shaky: Shaky, _zone: Zone, changes: object) -> None:
        late.append(tuple(changes))  # type: ignore[arg-type]
        raise ReplyLostError("no reply", system="Shaky")

    def overtaken(shaky: Shaky, zone: Zone, _changes: object) -> None:
        shaky.do(zone, late.pop())

    shaky.faults = [delayed, overtaken]
    made = writer.write(desk.put(), caller=SHOP)
    assert made.record == a()
    assert writer.standing(ZONE, NAME).records == (a(),)
    assert not unsound(list(shaky.zones[ZONE].values()))


def test_what_cannot_be_read_is_not_known_and_found_out_later(desk: Desk, shaky: Shaky) -> None:
    def vanish(shaky: Shaky, zone: Zone, changes: object) -> None:
        shaky.do(zone, changes)  # type: ignore[arg-type]
        shaky.away = AWAY
        raise ReplyLostError("no reply", system="Shaky")

    with desk.opened() as writer:
        shaky.faults = [vanish]
        with pytest.raises(ReplyLostError):
            writer.write(desk.put(), caller=SHOP, key="k")
        # Nothing is decided on a name of which it is not known what became of it.
        for wish in (desk.put(job="rival"), desk.put(), desk.put(NAME, "10.0.0.2")):
            with pytest.raises(UnreachableError):
                writer.write(wish, caller=SHOP)
        shaky.away = None
        desk.hands.at += 3
        again = writer.write(desk.put(), caller=SHOP, key="k")
        assert not again.changed
        assert again.record == a()
        writer.write(desk.put("other.example.com"), caller=SHOP)
    assert outcomes(desk)[0] == (NAME, "done")
    assert [len(batch) for batch in shaky.batches] == [2, 2]


@pytest.mark.parametrize("done", [True, False])
def test_what_was_not_known_when_it_ended_is_found_out_at_the_next_start(
    desk: Desk, shaky: Shaky, done: bool
) -> None:
    def vanish(shaky: Shaky, zone: Zone, changes: object) -> None:
        if done:
            shaky.do(zone, changes)  # type: ignore[arg-type]
        shaky.away = AWAY
        raise ReplyLostError("no reply", system="Shaky")

    with desk.opened() as writer:
        shaky.faults = [vanish]
        with pytest.raises(ReplyLostError):
            writer.write(desk.put(), caller=SHOP, key="k")
    shaky.away = None
    with desk.opened() as writer:
        assert writer.write(desk.put(), caller=SHOP, key="k").replayed == done
    told = outcomes(desk)
    assert told[0] == (NAME, "done" if done else "not done")
    assert len(shaky.batches) == (1 if done else 2)


def test_a_name_that_somebody_changed_since_is_told_as_not_known(desk: Desk, shaky: Shaky) -> None:
    def vanish(shaky: Shaky, zone: Zone, changes: object) -> None:
        shaky.do(zone, changes)  # type: ignore[arg-type]
        shaky.away = AWAY
        raise ReplyLostError("no reply", system="Shaky")

    with desk.opened() as writer:
        shaky.faults = [vanish]
        with pytest.raises(ReplyLostError):
            writer.write(desk.put(), caller=SHOP)
    shaky.away = None
    shaky.plant(ZONE, a(NAME, "10.6.6.6"))
    with desk.opened():
        pass
    assert outcomes(desk) == [(NAME, "unknown")]


# --- bugs and disks ----------------------------------------------------------------------------


def test_a_bug_ends_one_turn_and_not_the_writing(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    shaky.faults = [faults.broken]
    with pytest.raises(KeyError):
        writer.write(desk.put(), caller=SHOP, key="k")
    assert [type(bug) for bug in desk.bugs] == [KeyError]
    assert writer.write(desk.put(), caller=SHOP, key="k").changed


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_without_room_for_the_audit_nothing_is_sent(tmp_path: Path, shaky: Shaky) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    try:
        desk = Desk(disk / "audit", shaky)
        with desk.opened() as writer:
            writer.write(desk.put(), caller=SHOP)
            ballast = disk / "ballast"
            _fill(ballast, writer)
            ran: list[int] = []
            for _ in range(3):
                with pytest.raises(AuditError, match="No space left on device"):
                    writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP, key="k")
                answers = writer.write_many(many(desk, 20))
                assert all(isinstance(answer, AuditError) for answer in answers)
                with pytest.raises(AuditError):
                    writer.perform("x", SHOP, None, "x" * 5000, lambda: ran.append(1))
            assert ran == []
            assert len(shaky.batches) == 1
            # What needs no change still is answered.
            assert not writer.write(desk.put(), caller=SHOP).changed
            ballast.unlink()
            assert writer.write(desk.put(NAME, "10.0.0.2"), caller=SHOP, key="k").changed
        assert [told for told in outcomes(desk) if told[0]] == [(NAME, "done")] * 2
    finally:
        subprocess.run(["umount", disk], check=True)


@pytest.mark.root
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_disk_that_fills_up_between_deed_and_outcome(tmp_path: Path, shaky: Shaky) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk], check=True)
    try:
        desk = Desk(disk / "audit", shaky)
        with desk.opened() as writer:
            shaky.between = lambda: _fill(disk / "ballast", writer)
            # It was done, and that is what is answered.
            assert writer.write(desk.put(), caller=SHOP).changed
            shaky.between = lambda: None
            with pytest.raises(AuditError):
                writer.write(desk.put("other.example.com"), caller=SHOP)
            assert len(shaky.batches) == 1
            (disk / "ballast").unlink()
            assert writer.write(desk.put("other.example.com"), caller=SHOP).changed
        told = [told for told in outcomes(desk) if told[0]]
        assert told == [(NAME, "done"), ("other.example.com", "done")]
    finally:
        subprocess.run(["umount", disk], check=True)


def _fill(ballast: Path, writer: Writer) -> None:
    """Leave no byte on the disk, and less than a line in the last page of the audit."""
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 1):
            while True:
                try:
                    file.write(b"x" * size)
                except OSError:
                    break
    with pytest.raises(AuditError):
        for _ in range(100):
            writer.perform("note.add", SHOP, None, None, lambda: None)


# --- all of it at once -------------------------------------------------------------------------


def test_a_storm_of_faults_loses_nothing_that_was_answered(desk: Desk, shaky: Shaky) -> None:
    """Sixteen threads, and every kind of fault in turn: what was granted is there, once."""
    storm = [
        faults.lost_after, None, faults.busy, faults.away, faults.lost_before, None,
        faults.dropped_after, faults.busy, faults.busy, None,
    ] * 12  # fmt: skip
    lock = threading.Lock()
    truth: dict[str, set[str]] = {}

    def play(writer: Writer, number: int) -> None:
        name = f"n{number}.example.com"
        for turn in range(12):
            value = f"10.0.{number}.{turn}"
            try:
                granted = writer.write(desk.put(name, value), caller=SHOP)
            except ToolkitError as error:
                assert isinstance(error, UnreachableError | BusyError), error
            else:
                assert granted.record is not None
                with lock:
                    truth[name] = set(granted.record.values)

    with desk.opened() as writer:
        shaky.faults = list(storm)
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda number: play(writer, number), range(16)))
        records: list[Record] = list(shaky.zones[ZONE].values())
        assert {s.name: s.records for s in writer.standings(ZONE)} == {
            r.name: (r,) for r in records if r.type == "A"
        }
    assert not unsound(records)
    assert {r.name: set(r.values) for r in records if r.type == "A"} == truth
    outcomes(desk)
