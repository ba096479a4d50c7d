"""Canaries compared with the stable instances beside them: how, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

AnalysisWord = Literal["running", "passed", "failed", "inconclusive", "stopped"]
"""`inconclusive`: too few answers at the deadline, which is not a pass; `stopped`: it was not
over when the rollout was."""


@dataclass(frozen=True, slots=True)
class AnalysisSettings:
    """How canaries are compared with stable instances; durations in seconds."""

    samples: int = 200
    """Requests to each side before anything is judged."""
    rate: float = 20.0
    """Requests per second to each side."""
    hold: float = 20.0
    """At least this long, however soon there are enough requests."""
    deadline: float = 120.0
    """At most this long."""
    paths: tuple[str, ...] = ("/",)
    timeout: float = 2.0
    """Of one request."""
    errors: float = 0.0
    """Share of requests by which canaries may fail more than stable ones, 0 to 1."""
    confidence: float = 0.99
    """One minus the most that canaries which are no worse may be failed, by chance alone."""
    latency: float = 1.5
    """A canary's latency may be this many times the stable one's, at `percentile`."""
    latency_least: float = 0.05
    """And is never too slow by less than this."""
    percentile: float = 95.0


@dataclass(frozen=True, slots=True)
class CanarySettings:
    """The `[canary]` table of a job file."""

    steps: tuple[int, ...] = ()
    """Canaries of each step; none: one step, of `rollout.canaries`."""
    analysis: AnalysisSettings = AnalysisSettings()


@dataclass(frozen=True, slots=True)
class SideCount:
    """What the instances of one side answered so far."""

    instances: int
    requests: int = 0
    failed: int = 0
    latency: float | None = None
    """Seconds at the percentile, of good answers; None without any."""


@dataclass(frozen=True, slots=True)
class ServiceCount:
    """What one Traefik counted for a service since it started."""

    requests: int = 0
    failed: int = 0
    """Answers with a status from 500 on."""
    within: Mapping[float, int] = field(default_factory=dict)
    """Seconds -> answers that took no longer; the bounds that Traefik was started with."""


@dataclass(frozen=True, slots=True)
class EdgeCount:
    """What Traefik counted for the service in one span of time."""

    requests: int
    failed: int
    """Answers with a status from 500 on."""
    slow: int
    """Answers slower than `EdgeComparison.slow_above`."""


@dataclass(frozen=True, slots=True)
class EdgeComparison:
    """Traefik's own counts: the service before its canaries took part, and since."""

    before: EdgeCount | None = None
    since: EdgeCount | None = None
    slow_above: float | None = None
    """Seconds; None: not compared."""
    unseen: str | None = None
    """Why it was not compared; None: it was."""
    whole: bool = False
    """`before` is all that Traefik counted since it started: too little came since the deploy."""


@dataclass(frozen=True, slots=True)
class AnalysisSecond:
    """What the two sides answered in one second."""

    at: int
    """Second since the epoch."""
    canary_requests: int = 0
    canary_failed: int = 0
    canary_mean: float = 0.0
    """Seconds."""
    canary_slowest: float = 0.0
    stable_requests: int = 0
    stable_failed: int = 0
    stable_mean: float = 0.0
    stable_slowest: float = 0.0


@dataclass(frozen=True, slots=True)
class AnalysisFailure:
    """One request to an instance that got no good answer."""

    at: float
    """Seconds since the epoch."""
    side: Literal["canary", "stable"]
    allocation: str
    path: str
    what: str
    """`HTTP 500`, or why there was no answer."""


@dataclass(frozen=True, slots=True)
class AnalysedStep:
    """One step: its canaries beside the stable instances."""

    canaries: int
    word: AnalysisWord
    reason: str
    """`canary 9/200 failed, stable 0/200`; what decided."""
    began: float
    """Seconds since the epoch."""
    ended: float
    canary: SideCount
    stable: SideCount
    edge: EdgeComparison = EdgeComparison()
    looks: int = 0
    """Times that it was judged."""
    seconds: tuple[AnalysisSecond, ...] = ()
    failures: tuple[AnalysisFailure, ...] = ()
    """The first of each side, at most 20."""
    notes: tuple[str, ...] = ()
    """What else has to be known of it: `there is no stable instance to compare with`."""


@dataclass(frozen=True, slots=True)
class AnalysisReport:
    """The whole analysis of a rollout."""

    settings: AnalysisSettings
    steps: tuple[AnalysedStep, ...] = ()

    @property
    def word(self) -> AnalysisWord:
        """Of the last step that was analysed."""
        return self.steps[-1].word if self.steps else "stopped"
