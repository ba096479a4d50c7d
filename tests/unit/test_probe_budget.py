"""When a probe's budget is spent, by what was seen so far."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from toolkit.rollout.probe.budget import FEWEST, Figures, allowed, spent
from toolkit.spec.probe import ProbeBudget

WELL = Figures(requests=412, failed=0, answered=412)


def test_all_is_well() -> None:
    assert spent(WELL, ProbeBudget()) is None
    assert spent(Figures(), ProbeBudget()) is None


@pytest.mark.parametrize("requests", [1, 2, 412, 100_000])
def test_a_share_of_0_allows_no_failure_however_few_were_asked(requests: int) -> None:
    seen = Figures(requests=requests, failed=1, answered=requests - 1)
    assert spent(seen, ProbeBudget()) == f"1 of {requests} requests failed, 0 may"


@pytest.mark.parametrize(
    ("share", "requests", "may"),
    [
        # Fewer than it takes to show that share are no proof of more.
        (0.01, 1, 1), (0.01, 100, 1), (0.01, 199, 1), (0.01, 200, 2), (0.001, 5, 1),
        (0.5, 1, FEWEST // 2), (0.5, 20, 10), (0.5, 41, 20), (1.0, 3, FEWEST), (1.0, 412, 412),
        (0.0, 412, 0), (0.29, 100, 29),
    ],
)  # fmt: skip
def test_how_many_may_fail(share: float, requests: int, may: int) -> None:
    assert allowed(share, requests) == may


def test_a_share_is_named_with_what_it_comes_to() -> None:
    seen = Figures(requests=412, failed=5, answered=407)
    assert spent(seen, ProbeBudget(failed=0.01)) == "5 of 412 requests failed, 4 may (1%)"
    assert spent(replace(seen, failed=4), ProbeBudget(failed=0.01)) is None


def test_a_gap() -> None:
    budget = ProbeBudget(gap=1.0)
    assert spent(replace(WELL, gap=1.0), budget) is None
    assert spent(replace(WELL, gap=1.25), budget) == "no good answer for 1.25 s, 1 s may pass"
    assert spent(replace(WELL, gap=60), replace(budget, gap=None)) is None


def test_latency_at_a_percentile() -> None:
    budget = ProbeBudget(latency=0.5, percentile=99)
    assert spent(replace(WELL, slow=4), budget) is None
    assert spent(replace(WELL, slow=5), budget) == (
        "5 of 412 answers took longer than 500 ms, 4 may (percentile 99)"
    )
    assert spent(replace(WELL, slow=412), replace(budget, latency=None)) is None
    assert spent(replace(WELL, slow=1), replace(budget, percentile=100)) is not None


@given(st.floats(0, 1), st.integers(0, 100_000))
def test_never_fewer_than_the_share_and_never_spent_by_one_within_it(
    share: float, requests: int
) -> None:
    may = allowed(share, requests)
    assert may >= int(share * requests)
    assert may >= 1 or share == 0
