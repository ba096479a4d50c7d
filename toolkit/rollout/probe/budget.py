"""Is the budget of a probe spent, by what was seen so far? Pure.

A share above 0 is taken of `FEWEST` requests at least, and allows one whatever it is: one of 5
requests is a fifth, and says nothing about a hundredth. A share of 0 allows none: the first failure
is over it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from toolkit.spec.probe import ProbeBudget

FEWEST = 20
"""Requests of which a share above 0 is taken at least."""


@dataclass(frozen=True, slots=True)
class Figures:
    """What was seen so far; durations in seconds."""

    requests: int = 0
    failed: int = 0
    answered: int = 0
    """Good answers."""
    slow: int = 0
    """Good answers that took longer than the budget's latency."""
    gap: float = 0.0
    """The longest time without a good answer, one that is not over yet included."""


def allowed(share: float, requests: int) -> int:
    """How many of `requests` may fall into a share, by the rule above."""
    if share <= 0:
        return 0
    return max(math.floor(share * max(requests, FEWEST) + 1e-9), 1)


def spent(seen: Figures, budget: ProbeBudget) -> str | None:
    """Why the budget is spent, in half a sentence; None while it is not."""
    if seen.failed > (may := allowed(budget.failed, seen.requests)):
        share = f" ({100 * budget.failed:g}%)" if budget.failed else ""
        return f"{seen.failed} of {seen.requests} requests failed, {may} may{share}"
    if budget.gap is not None and seen.gap > budget.gap:
        return f"no good answer for {seconds(seen.gap)}, {seconds(budget.gap)} may pass"
    if budget.latency is None:
        return None
    if seen.slow > (may := allowed(1 - budget.percentile / 100, seen.answered)):
        limit = seconds(budget.latency)
        return (
            f"{seen.slow} of {seen.answered} answers took longer than {limit}, {may} may "
            f"(percentile {budget.percentile:g})"
        )
    return None


def seconds(value: float) -> str:
    """`1.2 s`, `340 ms`."""
    return f"{value:.3g} s" if value >= 1 else f"{value * 1000:.3g} ms"
