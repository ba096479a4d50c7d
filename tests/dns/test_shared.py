"""A zone's names are copied with every batch: a copy is its own, and costs what it changes."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from toolkit.clients.dns.shared import PARTS, Shared

NAMES = st.sampled_from([f"n{number}.example.com" for number in range(40)])
STEPS = st.lists(st.tuples(NAMES, st.one_of(st.none(), st.integers())))


def done(there: Shared[int], steps: Sequence[tuple[str, int | None]]) -> dict[str, int]:
    """Let a mapping go through steps, None takes away; what a dict has after the same."""
    model = dict(there)
    for name, value in steps:
        if value is None:
            assert there.pop(name, None) == model.pop(name, None)
        else:
            there[name] = model[name] = value
    return model


@given(STEPS, STEPS)
def test_a_copy_changes_alone(first: list[tuple[str, int]], second: list[tuple[str, int]]) -> None:
    base: Shared[int] = Shared()
    before = done(base, first)
    copy = Shared(base)
    after = done(copy, second)
    assert (dict(base), len(base)) == (before, len(before))
    assert (dict(copy), len(copy)) == (after, len(after))
    assert all(name in copy for name in after)
    assert all(copy.get(name) == after.get(name) for name in before)


def test_a_copy_has_all_parts_in_common_but_those_it_changed() -> None:
    base: Shared[int] = Shared()
    for number in range(PARTS * 20):
        base[f"r{number}.example.com"] = number
    copy = Shared(base)
    copy["r1.example.com"] = 0
    del copy["r2.example.com"]
    own = [mine is not theirs for mine, theirs in zip(copy._parts, base._parts, strict=True)]
    assert 1 <= sum(own) <= 2
