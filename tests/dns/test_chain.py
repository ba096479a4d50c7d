"""The chain of an audit: what was changed in it is found, and named."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from toolkit.errors import AuditError
from toolkit.serving.chain import (
    FIRST,
    Glance,
    Head,
    document,
    fault_of,
    follow,
    glance,
    line,
    read_entry,
    read_line,
    seal,
)
from toolkit.spec.audit import Actor, Draft, Entry

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | WORDS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=4,
)
DRAFTS = st.builds(
    Draft,
    st.sampled_from(["intent", "outcome"]),
    st.sampled_from(["dns.set", "statuses.add"]),
    st.builds(Actor, st.just("workload"), WORDS, WORDS, WORDS)
    | st.just(Actor("person", accessor="5b2c90aa")),
    subject=WORDS,
    key=WORDS | st.sampled_from(['"', "\\", '\\"', '","kind":"outcome"']),
    before=VALUES,
    after=VALUES,
    intent=st.integers(0, 99),
    result=st.sampled_from(["", "done", "not done"]),
)


def chain_of(drafts: list[Draft]) -> list[Entry]:
    entries: list[Entry] = []
    head = Head()
    for number, draft in enumerate(drafts):
        # The clock goes backwards: only the numbers tell the order.
        entry = seal(draft, head, f"2026-01-{28 - number:02d}T00:00:00.000+00:00")
        entries.append(entry)
        head = Head(entry.seq, entry.hash)
    return entries


def stories(count: int = 6) -> list[Entry]:
    who = Actor("workload", "default", "shop")
    return chain_of([Draft("intent", "dns.set", who, subject=f"n{n}") for n in range(count)])


@given(st.lists(DRAFTS, min_size=1, max_size=5))
def test_what_is_written_is_read(drafts: list[Draft]) -> None:
    entries = chain_of(drafts)
    lines = [line(entry) for entry in entries]
    assert all(text.endswith(b"\n") and text.count(b"\n") == 1 for text in lines)
    read = [read_line(text) for text in lines]
    assert [document(entry) for entry in read] == [document(entry) for entry in entries]
    assert follow(read, Head()) == Head(len(drafts), entries[-1].hash)


@given(DRAFTS)
def test_a_glance_sees_what_reading_sees(draft: Draft) -> None:
    (entry,) = chain_of([draft])
    seen = glance(line(entry))
    assert seen == Glance(1, FIRST, entry.hash, draft.intent, has_key=bool(draft.key))


@given(DRAFTS, st.data())
def test_a_glance_takes_no_changed_line(draft: Draft, data: st.DataObject) -> None:
    text = line(chain_of([draft])[0])
    place = data.draw(st.integers(0, len(text) - 2))
    changed = bytearray(text)
    changed[place] ^= data.draw(st.integers(1, 127))
    assert glance(bytes(changed)) is None
    assert glance(text[:place] + text[place + 1 :]) is None


@given(DRAFTS)
def test_lines_hold_no_control_characters(draft: Draft) -> None:
    assert line(chain_of([draft])[0]).decode().strip("\n").isprintable()


def test_numbers_begin_at_one_and_rise_by_one() -> None:
    entries = stories()
    assert [entry.seq for entry in entries] == [1, 2, 3, 4, 5, 6]
    assert entries[0].prev == FIRST
    assert [entry.prev for entry in entries[1:]] == [entry.hash for entry in entries[:-1]]


@given(st.data())
def test_any_changed_value_is_found(data: st.DataObject) -> None:
    said = document(stories()[3])
    key = data.draw(st.sampled_from(sorted(set(said) - {"actor"})))
    value = data.draw(st.integers() | WORDS.filter(lambda word: word != said[key]))
    assume(value != said[key])
    with pytest.raises(AuditError, match="the line was changed after it was written"):
        read_entry(said | {key: value})


@pytest.mark.parametrize(
    "change",
    [{"seq": "4"}, {"seq": 4.0}, {"detail": ""}, {"intent": 0}, {"actor": {"kind": "kick"}}],
    ids=["as a text", "as a fraction", "an empty text", "a zero", "another actor"],
)
def test_a_change_that_means_nothing_is_found_too(change: dict[str, Any]) -> None:
    with pytest.raises(AuditError, match="the line was changed after it was written"):
        read_entry(document(stories()[3]) | change)


def sealed(said: dict[str, Any]) -> dict[str, Any]:
    """A forged line with a hash that fits it."""
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return said | {"hash": hashlib.sha256(text.encode()).hexdigest()}


@pytest.mark.parametrize(
    ("order", "fault"),
    [
        ([0, 2, 3], None),
        ([0, 1, 1], "entry 2: entry 3 should be here, and 2 is"),
        ([0, 2, 1], "entry 2: entry 4 should be here, and 2 is"),
    ],
    ids=["a choice is fine", "twice", "out of order"],
)
def test_a_choice_of_a_chain(order: list[int], fault: str | None) -> None:
    entries = [stories()[number] for number in order]
    if fault is None:
        assert follow(entries) is not None
    else:
        with pytest.raises(AuditError, match=fault):
            follow(entries)


def test_a_missing_line_is_found_where_all_should_be() -> None:
    first, _, third = stories(3)
    assert fault_of(third, Head(first.seq, first.hash)) == "entry 2 should be here, and 3 is"


def test_a_line_that_was_written_anew_does_not_fit_what_follows() -> None:
    first, second, third = stories(3)
    forged = seal(Draft("intent", "dns.remove", second.what.actor), Head(1, first.hash), "then")
    with pytest.raises(AuditError, match="entry 3: it does not follow the entry 2"):
        follow([first, forged, third], Head())


@pytest.mark.parametrize(
    "text",
    [b"", b"\0\0\0", b"{", b"[]", b"7", b"{}", b'{"seq":1}', b"\xff\xfe", b"[" * 5000],
)
def test_what_is_no_entry(text: bytes) -> None:
    with pytest.raises(AuditError):
        read_line(text)


def test_a_key_that_no_entry_has() -> None:
    said = document(stories(1)[0])
    del said["hash"]
    assert read_entry(sealed(said)) == stories(1)[0]
    with pytest.raises(AuditError, match="keys that no entry has"):
        read_entry(sealed(said | {"note": "x"}))
    with pytest.raises(AuditError, match="keys that no entry has"):
        read_entry(sealed(said | {"actor": said["actor"] | {"token": "x"}}))
