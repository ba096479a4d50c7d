"""What a probe has seen so far: told request by request, asked for figures at any time.

It knows no clock and no thread: who tells it says when, and keeps others out meanwhile. Times are
on the prober's clock; `epoch` turns them into seconds since the epoch.
"""

from __future__ import annotations

import math
from array import array
from bisect import insort
from dataclasses import dataclass, field, replace

from toolkit.rollout.probe.budget import Figures
from toolkit.spec.probe import ProbeBudget, ProbeFailure, ProbeSecond

MOST_FAILURES = 50
"""Failures that are kept in full."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request that is over."""

    number: int
    sent: float
    ended: float
    method: str
    path: str
    release: str | None = None
    problem: str | None = None
    """Why it is no good answer; None: it is one."""


@dataclass
class _Second:
    requests: int = 0
    failed: int = 0
    slowest: float = 0.0
    total: float = 0.0


@dataclass
class Tally:
    """The book of one probe; lives as long as it."""

    budget: ProbeBudget
    epoch: float
    """Seconds since the epoch at 0 of the prober's clock."""
    counting: bool = True
    """False: nothing that serves could be lost yet."""
    until_told: bool = False
    """Not even the first good answer changes that."""
    requests: int = 0
    failed: int = 0
    slow: int = 0
    longest_gap: float = 0.0
    last_good: float | None = None
    """When the last good answer was complete."""
    failed_since: float | None = None
    """When the first request since then was sent that failed."""
    under_way: dict[int, float] = field(default_factory=dict)
    """Number -> when it was sent."""
    firsts: dict[str, float] = field(default_factory=dict)
    """Release -> when its first answer was complete."""
    lasts: dict[str, float] = field(default_factory=dict)
    latencies: array[float] = field(default_factory=lambda: array("d"))
    seconds: dict[tuple[int, str | None], _Second] = field(default_factory=dict)
    failures: list[ProbeFailure] = field(default_factory=list)

    def send(self, number: int, now: float) -> None:
        """A request is sent."""
        self.under_way[number] = now

    def drop(self, number: int) -> None:
        """A request that tells nothing."""
        del self.under_way[number]

    def take(self, answer: Answered) -> None:
        """A request is over."""
        # Behind what was forgiven meanwhile, it was sent later than it says.
        sent = max(answer.sent, self.under_way.get(answer.number, answer.sent))
        answer = replace(answer, sent=min(sent, answer.ended))
        self.under_way[answer.number] = answer.sent
        good = answer.problem is None
        if good:
            self.longest_gap = max(self.longest_gap, self._gap(answer.ended))
        del self.under_way[answer.number]
        if answer.release is not None:
            self.firsts.setdefault(answer.release, answer.ended)
            self.lasts[answer.release] = answer.ended
        if good:
            self.last_good, self.failed_since = answer.ended, None
            self.counting = self.counting or not self.until_told
        if not self.counting:
            return
        if not good:
            known = answer.sent if self.failed_since is None else self.failed_since
            self.failed_since = min(known, answer.sent)
        self._count(answer, good)

    def forgive(self, late: float) -> None:
        """Our own process stood still: what waited meanwhile waited for us."""
        self.under_way = {number: at + late for number, at in self.under_way.items()}
        if self.failed_since is not None:
            self.failed_since += late

    def miss(self, number: int, now: float, method: str, path: str, problem: str) -> None:
        """A request that was due could not even be sent: those before it still wait."""
        self.take(Answered(number, now, now, method, path, problem=problem))

    def _count(self, answer: Answered, good: bool) -> None:
        took = answer.ended - answer.sent
        self.requests += 1
        at = self.epoch + answer.sent
        second = self.seconds.setdefault((math.floor(at), answer.release), _Second())
        second.requests += 1
        second.slowest = max(second.slowest, took)
        second.total += took
        if good:
            self.latencies.append(took)
            limit = self.budget.latency
            self.slow += limit is not None and took > limit
            return
        self.failed += 1
        second.failed += 1
        failure = ProbeFailure(at, answer.method, answer.path, answer.problem or "", answer.release)
        # They end in another order than they were sent in.
        if len(self.failures) < MOST_FAILURES or at < self.failures[-1].at:
            insort(self.failures, failure, key=lambda known: known.at)
            del self.failures[MOST_FAILURES:]

    def _gap(self, now: float) -> float:
        """Seconds up to `now` in which requests were there and none was answered well.

        Only what was asked can be missed: the time between two requests is not the site's.
        """
        waiting = list(self.under_way.values())
        if self.failed_since is not None:
            waiting.append(self.failed_since)
        if not waiting:
            return 0.0
        since = min(waiting)
        return max(now - (since if self.last_good is None else max(since, self.last_good)), 0.0)

    def figures(self, now: float) -> Figures:
        """What the budget is judged by."""
        gap = max(self.longest_gap, self._gap(now)) if self.counting else 0.0
        answered = self.requests - self.failed
        return Figures(self.requests, self.failed, answered, self.slow, gap)

    def latency(self) -> float | None:
        """Seconds at the budget's percentile: the longest answer of those within it."""
        if not self.latencies:
            return None
        rank = math.ceil(len(self.latencies) * self.budget.percentile / 100)
        return sorted(self.latencies)[max(rank, 1) - 1]

    def rows(self) -> tuple[ProbeSecond, ...]:
        """Second by second, release by release."""
        return tuple(
            ProbeSecond(
                at, release, row.requests, row.failed, row.slowest, row.total / row.requests
            )
            for (at, release), row in sorted(
                self.seconds.items(), key=lambda item: (item[0][0], item[0][1] or "")
            )
        )
