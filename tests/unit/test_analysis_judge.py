"""Worse or no worse: the exact test, what it may spend on each look, and how often it errs."""

from __future__ import annotations

import random
from collections.abc import Callable
from math import comb

import pytest

from toolkit.rollout.analysis.fisher import more_often
from toolkit.rollout.analysis.judge import QUESTIONS, Side, chance, is_enough, worse
from toolkit.spec.analysis import AnalysisSettings, EdgeComparison, EdgeCount

SETTINGS = AnalysisSettings()
BLIND = EdgeComparison(unseen="nobody told")
LAST = chance(SETTINGS, None)


def side(
    requests: int, failed: int = 0, latencies: tuple[float, ...] = (), instances: int = 1
) -> Side:
    return Side(instances, requests, failed, latencies=sorted(latencies))


# The test itself.


def by_counting(mine: int, of_mine: int, others: int, of_others: int) -> float:
    """The same by its definition, with whole numbers."""
    failed = mine + others
    ways = sum(
        comb(failed, i) * comb(of_mine + of_others - failed, of_mine - i)
        for i in range(mine, min(failed, of_mine) + 1)
    )
    return ways / comb(of_mine + of_others, of_mine)


@pytest.mark.parametrize(
    ("counts", "known"),
    [
        ((3, 4, 1, 4), 17 / 70),  # the lady tasting tea
        ((4, 4, 0, 4), 1 / 70),
        ((8, 10, 1, 6), 0.024476),
        ((0, 200, 0, 200), 1.0),
        ((0, 10, 5, 10), 1.0),
        ((5, 0, 1, 10), 1.0),
    ],
)
def test_known_values(counts: tuple[int, int, int, int], known: float) -> None:
    assert more_often(*counts) == pytest.approx(known, abs=1e-6)


def test_any_table_is_counted_right() -> None:
    draw = random.Random(7)
    for _ in range(400):
        of_mine, of_others = draw.randint(1, 90), draw.randint(1, 90)
        table = draw.randint(0, of_mine), of_mine, draw.randint(0, of_others), of_others
        assert more_often(*table) == pytest.approx(by_counting(*table), abs=1e-9), table


def test_large_numbers_are_no_harder() -> None:
    assert more_often(5000, 100_000, 4800, 100_000) == pytest.approx(0.0196328, abs=1e-6)
    assert 0.0 <= more_often(90_000, 100_000, 0, 100_000) < 1e-300


# What each look may spend.


def test_all_looks_together_spend_no_more_than_is_allowed() -> None:
    allowed = 1 - SETTINGS.confidence
    spent = QUESTIONS * (LAST + sum(chance(SETTINGS, look) for look in range(1, 60)))
    assert spent <= allowed * (1 + 1e-9)
    assert spent > allowed * 0.99


def test_looks_need_twice_as_many_each_time() -> None:
    needed = [
        next(n for n in range(0, 5000, 50) if is_enough(SETTINGS, side(n), side(n), looks))
        for looks in range(4)
    ]
    assert needed == [200, 400, 800, 1600]


def test_the_side_with_fewer_counts() -> None:
    assert not is_enough(SETTINGS, side(5000), side(199))
    assert not is_enough(SETTINGS, side(199), side(5000))
    assert is_enough(SETTINGS, side(200), side(200))


def test_no_stable_instance_is_not_waited_for() -> None:
    assert is_enough(SETTINGS, side(200), side(0, instances=0))
    assert not is_enough(SETTINGS, side(0, instances=0), side(0, instances=0))


# Errors.


@pytest.mark.parametrize(
    ("canary", "stable", "bad"),
    [
        (side(400, 0), side(400, 0), False),
        (side(400, 9), side(400, 0), False),
        (side(400, 12), side(400, 0), True),
        (side(400, 400), side(400, 400), False),  # both alike: not the canary's fault
        (side(400, 40), side(400, 38), False),
        (side(400, 0), side(400, 400), False),  # it mends what was broken
        (side(400, 90), side(400, 40), True),
        (side(400, 12), side(0, 0, instances=0), True),  # beside nobody: beside no failure
        (side(400, 0), side(0, 0, instances=0), False),
    ],
)
def test_errors_are_compared(canary: Side, stable: Side, bad: bool) -> None:
    why = worse(SETTINGS, canary, stable, BLIND, LAST)
    assert (why is not None) == bad, why
    if why:
        assert f"{canary.failed} of {canary.requests} requests to the canaries failed" in why


def test_a_tolerated_difference_is_tolerated_however_sure_it_is() -> None:
    canary, stable = side(20_000, 300), side(20_000, 100)
    assert worse(SETTINGS, canary, stable, BLIND, LAST)
    patient = AnalysisSettings(errors=0.02)
    assert worse(patient, canary, stable, BLIND, LAST) is None
    assert worse(patient, side(20_000, 800), stable, BLIND, LAST)


# Latency.


def spread(around: float, number: int = 400, seed: int = 1) -> tuple[float, ...]:
    draw = random.Random(seed)
    return tuple(around * draw.uniform(0.7, 1.3) for _ in range(number))


@pytest.mark.parametrize(
    ("canary", "stable", "bad"),
    [
        (spread(0.01), spread(0.01, seed=2), False),
        (spread(0.03), spread(0.01), False),  # three times as slow, and nobody notices 20 ms
        (spread(0.2), spread(0.01), True),
        (spread(0.7), spread(0.6), False),  # 100 ms more, and not much of 600
        (spread(1.2), spread(0.6), True),
        ((*spread(0.01, 390), *[3.0] * 10), spread(0.01), False),  # a few that hung
        (spread(0.2), (*spread(0.01, 390), *[3.0] * 10), True),  # do not hide a slow release
        (spread(0.01), spread(0.5), False),
    ],
)
def test_latency_is_compared_at_the_percentile(
    canary: tuple[float, ...], stable: tuple[float, ...], bad: bool
) -> None:
    why = worse(SETTINGS, side(400, 0, canary), side(400, 0, stable), BLIND, LAST)
    assert (why is not None) == bad, why
    if why:
        assert "at the 95th percentile" in why


def test_without_good_answers_there_is_no_latency() -> None:
    assert side(10, 10).at(95) is None
    assert worse(SETTINGS, side(400, 400, ()), side(400, 400, ()), BLIND, LAST) is None


@pytest.mark.parametrize(("percentile", "known"), [(50, 2.0), (75, 3.0), (95, 4.0), (1, 1.0)])
def test_the_percentile_is_a_latency_that_was_seen(percentile: float, known: float) -> None:
    assert side(4, 0, (4.0, 1.0, 3.0, 2.0)).at(percentile) == known


# The edge.


@pytest.mark.parametrize(
    ("edge", "bad"),
    [
        (EdgeComparison(EdgeCount(500, 0, 0), EdgeCount(500, 0, 0), 0.1), False),
        (EdgeComparison(EdgeCount(500, 0, 0), EdgeCount(500, 20, 0), 0.1), True),
        (EdgeComparison(EdgeCount(500, 0, 0), EdgeCount(500, 20, 0), 0.1, "too few"), False),
        (EdgeComparison(EdgeCount(500, 20, 0), EdgeCount(500, 20, 0), 0.1), False),
        (EdgeComparison(EdgeCount(500, 0, 2), EdgeCount(500, 0, 90), 0.1), True),
        (EdgeComparison(EdgeCount(500, 0, 2), EdgeCount(500, 0, 20), 0.1), False),
        (EdgeComparison(EdgeCount(500, 0, 2), EdgeCount(500, 0, 90), None), False),
        (BLIND, False),
    ],
)
def test_what_traefik_counted(edge: EdgeComparison, bad: bool) -> None:
    good = side(400, 0, spread(0.01))
    why = worse(SETTINGS, good, good, edge, LAST)
    assert (why is not None) == bad, why
    if why:
        assert why.startswith("Traefik counts ")


# How often it errs, looked at as often as an analysis looks.


def alarms(canary: Callable[[], float | None], stable: Callable[[], float | None]) -> float:
    """The share of analyses that find canaries worse: an answer is its seconds, None a failure."""
    runs = 400
    return sum(_alarm(canary, stable) for _ in range(runs)) / runs


def _alarm(canary: Callable[[], float | None], stable: Callable[[], float | None]) -> bool:
    mine: list[float | None] = []
    theirs: list[float | None] = []
    for number, look in ((200, 1), (400, 2), (400, None)):
        while len(mine) < number:
            mine.append(canary())
            theirs.append(stable())
        if worse(SETTINGS, _side(mine), _side(theirs), BLIND, chance(SETTINGS, look)):
            return True
    return False


def _side(answers: list[float | None]) -> Side:
    good = sorted(seconds for seconds in answers if seconds is not None)
    return Side(1, len(answers), len(answers) - len(good), latencies=good)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.1, 0.5])
def test_canaries_that_are_no_worse_are_failed_less_often_than_is_allowed(share: float) -> None:
    draw = random.Random(f"equal {share}")

    def answer() -> float | None:
        return None if draw.random() < share else draw.lognormvariate(-3, 1.2)

    # Of 400 analyses 4 are allowed; 10 or more would happen once in 100 such tests.
    assert alarms(answer, answer) * 400 < 10


@pytest.mark.parametrize(("share", "least"), [(0.05, 0.97), (0.1, 0.99)])
def test_canaries_that_fail_are_found(share: float, least: float) -> None:
    draw = random.Random(f"worse {share}")
    assert alarms(lambda: None if draw.random() < share else 0.01, lambda: 0.01) >= least


def test_canaries_that_are_slow_are_found() -> None:
    draw = random.Random("slow")

    def usual() -> float:
        return draw.lognormvariate(-4.5, 0.8)

    assert alarms(lambda: usual() + 0.1, usual) >= 0.99
