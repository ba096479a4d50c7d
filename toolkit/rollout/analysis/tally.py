"""Every answer of both sides, kept from several threads and counted when it is asked for."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.rollout.analysis.judge import Side
from toolkit.spec.analysis import AnalysisFailure, AnalysisSecond

SideName = Literal["canary", "stable"]

MOST_FAILURES = 20
"""Failures of each side that are kept in words."""
LEAVING = 5.0
"""Seconds before an instance was told to stop in which no answer is not held against it."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One request to one instance."""

    at: float
    """Seconds since the epoch at its end."""
    side: SideName
    allocation: str
    path: str
    seconds: float
    wrong: str | None = None
    """Why the answer is not good; None: it is."""
    answered: bool = True


class Tally:
    """What was answered so far."""

    def __init__(self, sides: Sequence[SideName] = ("canary", "stable")) -> None:
        """`sides`: those that are waited for."""
        self._sides = sides
        self._changed = threading.Condition()
        self._samples: list[Sample] = []
        self._counted: Counter[str] = Counter()
        self._woken = False

    def add(self, sample: Sample) -> None:
        """Keep one more answer."""
        with self._changed:
            self._samples.append(sample)
            self._counted[sample.side] += 1
            self._changed.notify_all()

    def forgive(self, allocation: str, now: float) -> None:
        """Drop what an instance that was told to stop left unanswered a moment ago."""
        with self._changed:
            self._samples = [
                s
                for s in self._samples
                if s.allocation != allocation or s.answered or s.at < now - LEAVING
            ]
            self._counted = Counter(s.side for s in self._samples)

    def wake(self) -> None:
        """End a wait for more."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def wait(self, each: int, seconds: float) -> None:
        """Until both sides have `each` answers, or something was woken, or time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._woken or self._has(each), seconds)

    def _has(self, each: int) -> bool:
        return all(self._counted[name] >= each for name in self._sides)

    def requests(self, name: SideName) -> int:
        """How many of one side were answered, or not."""
        with self._changed:
            return self._counted[name]

    def samples(self) -> tuple[Sample, ...]:
        """All of them, in the order in which they ended."""
        with self._changed:
            return tuple(self._samples)


def side(samples: Iterable[Sample], name: SideName, instances: int) -> Side:
    """What one side answered; pure."""
    mine = [s for s in samples if s.side == name]
    return Side(
        instances=instances,
        requests=len(mine),
        failed=sum(s.wrong is not None for s in mine),
        unanswered=sum(not s.answered for s in mine),
        latencies=sorted(s.seconds for s in mine if s.wrong is None),
    )


def seconds(samples: Iterable[Sample]) -> tuple[AnalysisSecond, ...]:
    """A row for each second in which something was answered; pure."""
    found: dict[int, list[Sample]] = {}
    for sample in samples:
        found.setdefault(int(sample.at), []).append(sample)
    return tuple(_second(at, rows) for at, rows in sorted(found.items()))


def _second(at: int, rows: Sequence[Sample]) -> AnalysisSecond:
    canary = [s for s in rows if s.side == "canary"]
    stable = [s for s in rows if s.side == "stable"]
    return AnalysisSecond(
        at=at,
        canary_requests=len(canary),
        canary_failed=sum(s.wrong is not None for s in canary),
        canary_mean=_mean(canary),
        canary_slowest=max((s.seconds for s in canary), default=0.0),
        stable_requests=len(stable),
        stable_failed=sum(s.wrong is not None for s in stable),
        stable_mean=_mean(stable),
        stable_slowest=max((s.seconds for s in stable), default=0.0),
    )


def _mean(rows: Sequence[Sample]) -> float:
    return sum(s.seconds for s in rows) / len(rows) if rows else 0.0


def failures(samples: Iterable[Sample]) -> tuple[AnalysisFailure, ...]:
    """The first failures of each side, in time; pure."""
    kept: list[AnalysisFailure] = []
    left = {"canary": MOST_FAILURES, "stable": MOST_FAILURES}
    for s in samples:
        if s.wrong is not None and left[s.side]:
            left[s.side] -= 1
            kept.append(AnalysisFailure(s.at, s.side, s.allocation, s.path, s.wrong))
    return tuple(kept)
