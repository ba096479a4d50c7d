"""A rollout in time: what each instance was when, and what happened to all of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Phase = Literal[
    "placed",      # Nomad gave it a node; no task runs yet
    "running",     # a task runs, and Nomad does not call it healthy
    "healthy",     # by Nomad's word
    "unhealthy",   # by Nomad's word
    "promoted",    # a canary that became one of the regular instances
    "restarting",  # its task ended and is started again
    "draining",    # asked to go: out of Consul, then the signal, then the end
]  # fmt: skip

Role = Literal["old", "new", "canary", "restored"]
"""`restored`: made by Nomad's revert of what was asked for."""

MarkKind = Literal["submitted", "healthy", "promoted", "failure", "failed", "revert", "verdict"]
"""`failure`: of one instance; `failed`: of the whole rollout."""


@dataclass(frozen=True, slots=True)
class Span:
    """One phase of one instance; seconds since the epoch."""

    phase: Phase
    began: float
    ended: float | None
    """None: it still lasted when it was last looked at."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """From when on Nomad, Consul or Traefik said something else of an instance."""

    allocation: str
    """Full id."""
    system: Literal["Nomad", "Consul", "Traefik"]
    word: str
    """Nomad: `healthy`, `unhealthy`, and `leaving` once it wants it gone; Consul: `passing`,
    `warning`, `critical`, `gone`; Traefik: `up`, `down`, `missing`, …"""
    at: float
    """Seconds since the epoch when we were told."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One instance over the time of the rollout."""

    allocation: str
    """Full id."""
    group: str
    node: str
    version: int
    """The job version that it was made for, or last updated to in place."""
    release: str | None
    role: Role
    spans: tuple[Span, ...]
    """In time, without holes; what was before the rollout is cut off."""
    end: Literal["gone", "failed", "lost"] | None = None
    """None: it was there when it was last looked at."""
    sightings: tuple[Sighting, ...] = ()

    @property
    def ended(self) -> float | None:
        """When it was gone, in seconds since the epoch; None while it is there."""
        return self.spans[-1].ended if self.spans else None


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at one moment."""

    at: float
    """Seconds since the epoch."""
    kind: MarkKind
    text: str
    allocation: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """A rollout from its submission to its verdict, instance by instance."""

    began: float
    """Seconds since the epoch."""
    ended: float
    """Of the last look: the verdict's, or now."""
    bars: tuple[Bar, ...] = ()
    marks: tuple[Mark, ...] = ()
    """In time."""
    notes: tuple[str, ...] = ()
    """What is not in it, and why."""
