"""A probe: a low, bounded request rate through the edge while a release rolls, and what it saw."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProbeBudget:
    """What a rollout may cost those who ask; beyond it, it is failed or taken back."""

    failed: float = 0.0
    """Share of the requests that may fail, 0 to 1."""
    gap: float | None = 1.0
    """Longest time without a good answer, in seconds; None: not judged."""
    latency: float | None = None
    """Seconds at `percentile`; None: not judged."""
    percentile: float = 99.0


@dataclass(frozen=True, slots=True)
class ProbeSettings:
    """How to ask, and how much; durations in seconds."""

    rate: float = 10.0
    """Requests per second over all paths."""
    paths: tuple[str, ...] = ("/",)
    methods: tuple[str, ...] = ("GET",)
    expect: tuple[int, ...] = ()
    """Good statuses; none: every one from 200 to 399."""
    timeout: float = 5.0
    """Of one request."""
    settle: float = 5.0
    """How long to go on asking once the old release is gone."""
    most_requests: int = 100_000
    budget: ProbeBudget = ProbeBudget()


@dataclass(frozen=True, slots=True)
class ProbeSecond:
    """What one release answered in one second."""

    at: int
    """Second since the epoch."""
    release: str | None
    """None: nothing in the answer names one, or there was no answer."""
    requests: int
    failed: int
    slowest: float
    """Seconds."""
    mean: float
    """Seconds."""


@dataclass(frozen=True, slots=True)
class ProbeFailure:
    """One request that got no good answer."""

    at: float
    """Seconds since the epoch."""
    method: str
    path: str
    what: str
    """`HTTP 502`, `no answer in 5 s`, `connection refused`."""
    release: str | None = None


@dataclass(frozen=True, slots=True)
class ProbeReport:
    """What the probe saw, from before the submission until the old release was gone."""

    settings: ProbeSettings
    address: str
    """The edge address that was asked."""
    host: str
    began: float
    """Seconds since the epoch."""
    ended: float
    requests: int
    failed: int
    longest_gap: float
    """Seconds without a good answer."""
    latency: float | None
    """Seconds at the budget's percentile; None without a good answer."""
    first_new: float | None = None
    """Seconds since the epoch of the first answer of the new release."""
    last_old: float | None = None
    """The same of the last answer of the old one."""
    last_new: float | None = None
    """The same of the last answer of the new one; behind it lies what it was taken back for."""
    over: str | None = None
    """Why the budget is spent: `3 of 412 requests failed, 0 may`; None: within it."""
    seconds: tuple[ProbeSecond, ...] = ()
    failures: tuple[ProbeFailure, ...] = ()
    """The first ones, at most 50."""
    notes: tuple[str, ...] = ()
    """What was not as asked: why it ended early, or began late."""

    @property
    def mixed(self) -> float | None:
        """Seconds in which both releases answered; None when that cannot be said."""
        if self.first_new is None or self.last_old is None:
            return None
        ended = self.last_old if self.last_new is None else min(self.last_old, self.last_new)
        return max(ended - self.first_new, 0.0)

    @property
    def count(self) -> str:
        """`0 of 412 requests failed`."""
        return f"{self.failed} of {self.requests} requests failed"
