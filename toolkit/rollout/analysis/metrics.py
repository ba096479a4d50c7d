"""What every Traefik counted for a job's service, and the difference between two readings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from toolkit.errors import ApiError
from toolkit.rollout import edges
from toolkit.rollout.analysis import judge
from toolkit.rollout.world import World
from toolkit.spec.analysis import AnalysisSettings, EdgeComparison, EdgeCount, ServiceCount


@dataclass(frozen=True, slots=True)
class Reading:
    """The counts of some services at one time, by the address of each Traefik."""

    counts: Mapping[str, ServiceCount] = field(default_factory=dict)
    unseen: str | None = None
    """Why they could not be read."""


def read(world: World, services: Sequence[str]) -> Reading:
    """Ask every Traefik that Consul lists; never raises for one that does not tell."""
    seen = edges.look(world)
    if seen.blind:
        return Reading(unseen=seen.blind)
    counts: dict[str, ServiceCount] = {}
    for view in seen.views:
        try:
            with world.traefik(view.address) as traefik:
                found = traefik.metrics()
        except ApiError as exc:
            return Reading(unseen=exc.message)
        counts[view.address] = _sum([found.get(name, ServiceCount()) for name in services])
    return Reading(counts)


def compare(
    settings: AnalysisSettings, first: Reading, routed: Reading, last: Reading
) -> EdgeComparison:
    """From `first` to `routed` the stable instances served alone, from there to `last` both; pure.

    Where too little came in the first span, everything that Traefik counted before counts. An
    answer is slow beyond the first of Traefik's own bounds that the stable instances' latency, with
    what is tolerated on top, stays within.
    """
    unseen = first.unseen or routed.unseen or last.unseen
    if unseen is None and not set(first.counts) == set(routed.counts) == set(last.counts):
        unseen = "not the same Traefiks were there all the time"
    both = None if unseen else _between(routed, last)
    if both is None:
        return EdgeComparison(unseen=unseen or "a Traefik was started anew and counts from 0")
    alone = _between(first, routed)
    whole = alone is None or alone.requests < settings.samples
    if alone is None or whole:
        alone = _sum(list(routed.counts.values()))
    limit = _slow_above(settings, alone)
    before, since = _count(alone, limit), _count(both, limit)
    few = judge.too_few(settings, before, since)
    return EdgeComparison(before, since, limit, few, whole)


def _between(sooner: Reading, later: Reading) -> ServiceCount | None:
    """What all of them counted in between; None where one of them began anew."""
    parts = [_less(later.counts[at], count) for at, count in sooner.counts.items()]
    known = [part for part in parts if part is not None]
    return _sum(known) if len(known) == len(parts) else None


def _slow_above(settings: AnalysisSettings, count: ServiceCount) -> float | None:
    bounds = sorted(count.within)
    wanted = count.requests * settings.percentile / 100
    usual = next((bound for bound in bounds if count.within[bound] >= wanted), None)
    if usual is None:
        return None
    limit = max(usual * settings.latency, usual + settings.latency_least)
    return next((bound for bound in bounds if bound >= limit), None)


def _count(count: ServiceCount, limit: float | None) -> EdgeCount:
    slow = 0 if limit is None else max(count.requests - count.within.get(limit, count.requests), 0)
    return EdgeCount(count.requests, count.failed, slow)


def _less(later: ServiceCount, sooner: ServiceCount) -> ServiceCount | None:
    """What was counted in between; None: counting began anew."""
    if later.requests < sooner.requests or later.failed < sooner.failed:
        return None
    bounds = {
        bound: max(number - sooner.within.get(bound, 0), 0)
        for bound, number in later.within.items()
    }
    return ServiceCount(later.requests - sooner.requests, later.failed - sooner.failed, bounds)


def _sum(counts: Sequence[ServiceCount]) -> ServiceCount:
    bounds: dict[float, int] = {}
    for count in counts:
        for bound, number in count.within.items():
            bounds[bound] = bounds.get(bound, 0) + number
    return ServiceCount(
        sum(count.requests for count in counts), sum(count.failed for count in counts), bounds
    )
