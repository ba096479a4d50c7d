"""Checks that come and go: the record changes when it must, and no more often than the hold."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.dns.reconcile_hold import Holds, hold, next_change

HOLD = 30.0


def listed(holds: Holds) -> set[str]:
    return {key for key, shown in holds.items() if shown.listed}


def story(*turns: tuple[float, dict[str, bool]]) -> list[set[str]]:
    """What is listed after each turn."""
    holds: Holds = {}
    found = []
    for now, passing in turns:
        holds = hold(holds, passing, now, HOLD)
        found.append(listed(holds))
    return found


def test_nothing_runs() -> None:
    assert story((0, {})) == [set()]


def test_who_never_passed_is_not_listed() -> None:
    assert story((0, {"a": False}), (100, {"a": False, "b": True})) == [set(), {"b"}]


def test_who_passes_first_joins_at_once() -> None:
    assert story((0, {"a": True}), (1, {"a": True, "b": True})) == [{"a"}, {"a", "b"}]


def test_who_is_stopped_leaves_at_once() -> None:
    assert story((0, {"a": True, "b": True}), (1, {"b": True})) == [{"a", "b"}, {"b"}]


def test_who_fails_stays_for_the_hold() -> None:
    both = {"a": True, "b": True}
    sick = both | {"a": False}
    assert story((0, both), (10, sick), (29.9, sick), (30, sick)) == [
        {"a", "b"}, {"a", "b"}, {"a", "b"}, {"b"},
    ]  # fmt: skip


def test_a_pass_in_between_begins_the_hold_anew() -> None:
    both = {"a": True, "b": True}
    sick = both | {"a": False}
    assert story((0, both), (20, sick), (25, both), (54, sick), (55, sick))[-2:] == [
        {"a", "b"}, {"b"},
    ]  # fmt: skip


def test_who_left_comes_back_after_the_hold() -> None:
    both = {"a": True, "b": True}
    sick = both | {"a": False}
    assert story((0, both), (40, sick), (41, both), (69, both), (70, both))[1:] == [
        {"b"}, {"b"}, {"b"}, {"a", "b"},
    ]  # fmt: skip


def test_who_left_comes_back_at_once_when_nobody_else_answers() -> None:
    both = {"a": True, "b": True}
    assert story((0, both), (40, both | {"a": False}), (41, {"a": True}))[1:] == [{"b"}, {"a"}]


def test_after_a_restart_the_record_is_gone_on_from() -> None:
    holds = hold({}, {"a": False, "b": True}, 0.0, HOLD, listed={"a"})
    assert listed(holds) == {"a", "b"}
    assert listed(hold(holds, {"a": False, "b": True}, HOLD, HOLD)) == {"b"}


def test_without_news_the_next_change_is_known() -> None:
    passing = {"a": False, "b": True}
    holds = hold({}, passing, 5.0, HOLD, listed={"a"})
    due = next_change(holds, passing, HOLD)
    assert due == 35.0
    assert listed(hold(holds, passing, due - 0.001, HOLD)) == {"a", "b"}
    assert listed(hold(holds, passing, due, HOLD)) == {"b"}
    assert next_change(hold({}, {"a": True}, 0.0, HOLD), {"a": True}, HOLD) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_check_that_oscillates_changes_the_record_once_a_hold_at_most(seed: int) -> None:
    chance = random.Random(seed)
    holds: Holds = {}
    changes, now, before = [], 0.0, None
    for _ in range(600):
        now += chance.choice([0.5, 3.0, 11.0, 29.0, 31.0])
        holds = hold(holds, {"steady": True, "shaky": chance.random() < 0.5}, now, HOLD)
        if before is not None and listed(holds) != before:
            changes.append(now)
        before = listed(holds)
        assert "steady" in before
    assert len(changes) > 2
    # The first pass joins at once; from then on there is a hold between two changes.
    assert all(later - sooner >= HOLD for sooner, later in pairwise(changes))


@given(
    st.lists(
        st.tuples(st.floats(0.1, 100.0), st.dictionaries(st.sampled_from("abcd"), st.booleans())),
        max_size=30,
    )
)
def test_whoever_passes_is_reason_enough_for_a_record(
    turns: list[tuple[float, dict[str, bool]]],
) -> None:
    holds: Holds = {}
    now = 0.0
    for wait, passing in turns:
        now += wait
        holds = hold(holds, passing, now, HOLD)
        assert listed(holds) <= passing.keys()
        assert listed(holds) or not any(passing.values())
