"""Worse, or no worse? An exact test over all that was counted; pure.

Four questions: do canaries fail more often, are they slow more often, and both again of Traefik's
own counts. Each is Fisher's exact test, one-sided. Who looks again and again finds something in
the end, so every look may spend only a part of the allowed chance of a false alarm: half of it is
kept for the last look, and of the rest each look before that spends half of what is left. By
adding up, no number of looks can raise more false alarms than `confidence` leaves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

from toolkit.rollout.analysis.fisher import more_often
from toolkit.spec.analysis import AnalysisSettings, EdgeComparison, EdgeCount

QUESTIONS = 4
"""Errors and latency, asked directly and of the edge."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one side answered."""

    instances: int = 0
    requests: int = 0
    failed: int = 0
    unanswered: int = 0
    """Of the failed ones, those that brought no answer at all."""
    latencies: Sequence[float] = field(default=(), repr=False)
    """Seconds of the good answers, in order of size."""

    def at(self, percentile: float) -> float | None:
        """The latency at a percentile, nearest rank; None without a good answer."""
        if not self.latencies:
            return None
        rank = ceil(percentile / 100 * len(self.latencies))
        return self.latencies[max(rank, 1) - 1]

    def slower_than(self, seconds: float) -> int:
        """Good answers that took longer."""
        return sum(latency > seconds for latency in self.latencies)


def chance(settings: AnalysisSettings, look: int | None) -> float:
    """The chance of a false alarm that one question of one look may spend.

    `look` counts from 1; None is the last one.
    """
    each = (1.0 - settings.confidence) / QUESTIONS / 2
    return each if look is None else each * 0.5**look


def is_enough(settings: AnalysisSettings, canary: Side, stable: Side, looks: int = 0) -> bool:
    """True with enough requests to each side for the look after `looks`: they double each time."""
    asked = [side.requests for side in (canary, stable) if side.instances or side.requests]
    return bool(asked) and min(asked) >= settings.samples * 2**looks


def worse(
    settings: AnalysisSettings, canary: Side, stable: Side, edge: EdgeComparison, spend: float
) -> str | None:
    """Why the canaries are worse, half a sentence; None: no difference that counts."""
    if not stable.instances and not stable.requests:
        # Nothing to compare with: as if it had answered as often, and never failed.
        stable = Side(requests=canary.requests)
    return (
        _fails(settings, canary, stable, spend)
        or _is_slow(settings, canary, stable, spend)
        or _edge_fails(settings, edge, spend)
        or _edge_is_slow(settings, edge, spend)
    )


def _fails(settings: AnalysisSettings, canary: Side, stable: Side, spend: float) -> str | None:
    if not _differs(
        canary.failed, canary.requests, stable.failed, stable.requests, settings.errors, spend
    ):
        return None
    return (
        f"{canary.failed} of {canary.requests} requests to the canaries failed, "
        f"{stable.failed} of {stable.requests} to stable instances"
    )


def _is_slow(settings: AnalysisSettings, canary: Side, stable: Side, spend: float) -> str | None:
    """Slow answers are counted like failed ones: slower than what stable ones are allowed."""
    usual, found = stable.at(settings.percentile), canary.at(settings.percentile)
    if usual is None or found is None:
        return None
    limit = max(usual * settings.latency, usual + settings.latency_least)
    # A few answers that took long are no slow release: the percentile itself has to be beyond.
    if found <= limit:
        return None
    if not _differs(
        canary.slower_than(limit), len(canary.latencies),
        stable.slower_than(limit), len(stable.latencies), 0.0, spend,
    ):  # fmt: skip
        return None
    return (
        f"canaries answer in {milliseconds(found)} at the {settings.percentile:g}th percentile, "
        f"stable instances in {milliseconds(usual)}"
    )


def _edge_fails(settings: AnalysisSettings, edge: EdgeComparison, spend: float) -> str | None:
    before, since = edge.before, edge.since
    if edge.unseen or before is None or since is None:
        return None
    if not _differs(
        since.failed, since.requests, before.failed, before.requests, settings.errors, spend
    ):
        return None
    return (
        f"Traefik counts {since.failed} of {since.requests} requests failed since the canaries "
        f"take part, {before.failed} of {before.requests} before"
    )


def _edge_is_slow(settings: AnalysisSettings, edge: EdgeComparison, spend: float) -> str | None:
    before, since, limit = edge.before, edge.since, edge.slow_above
    if edge.unseen or before is None or since is None or limit is None:
        return None
    if since.slow <= since.requests * (1 - settings.percentile / 100):
        return None
    if not _differs(since.slow, since.requests, before.slow, before.requests, 0.0, spend):
        return None
    return (
        f"Traefik counts {since.slow} of {since.requests} answers slower than "
        f"{milliseconds(limit)} since the canaries take part, {before.slow} of {before.requests} "
        "before"
    )


def too_few(settings: AnalysisSettings, before: EdgeCount, since: EdgeCount) -> str | None:
    """Why Traefik's counts are too few to compare; None: they are enough."""
    if min(before.requests, since.requests) >= settings.samples:
        return None
    return (
        f"too few requests through the edge to compare: {before.requests} before the canaries "
        f"took part, {since.requests} since"
    )


def _differs(
    mine: int, of_mine: int, others: int, of_others: int, tolerated: float, spend: float
) -> bool:
    """True where our share is greater by more than is tolerated, and by more than chance."""
    if not of_mine or not of_others or mine / of_mine <= others / of_others + tolerated:
        return False
    return more_often(mine, of_mine, others, of_others) <= spend


def milliseconds(seconds: float | None) -> str:
    """`12 ms`, or `-`."""
    return "-" if seconds is None else f"{seconds * 1000:.3g} ms"
