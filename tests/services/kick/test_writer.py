"""The writer over a provider that does as it should: what is refused, kept, said and shown."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from kick.writer import Writer

from tests.services.kick.desk_of_writer import (
    INNER,
    NAME,
    ZONE,
    Desk,
    a,
    workload,
)
from tests.services.kick.shaky import Shaky
from toolkit.errors import (
    AbsentError,
    ChangedError,
    TakenError,
    ToolkitError,
    UnavailableError,
)
from toolkit.spec.dns import Order, SetRecord, Wish, Written
from toolkit.spec.identity import Person

SHOP, RIVAL = workload(), workload("rival")


def values_in(said: Any) -> list[list[str]]:
    return [record["values"] for record in said["records"]]


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


def test_zones_do_not_mix(desk: Desk, writer: Writer, shaky: Shaky) -> None:
    inner = SetRecord(INNER, a("shop.example.internal"), desk.owner())
    answers = writer.write_many([Order(desk.put(), SHOP), Order(inner, SHOP)])
    assert [answer.zone for answer in answers if isinstance(answer, Written)] == [ZONE, INNER]
    assert [standing.name for standing in writer.standings(INNER)] == ["shop.example.internal"]
    assert writer.held(desk.owner()) == 2


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
