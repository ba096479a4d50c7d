"""When a change is over: one save at once, a checkout of many files when it pauses; pure."""

from __future__ import annotations

from dataclasses import dataclass, field

MANY = 100
"""Changed paths from which on more are to be expected."""
QUIET = 0.5
"""Seconds without a change that end a change of many files."""
MOST = 30.0
"""Seconds after which it is looked at in any case."""


@dataclass
class Settling:
    """One change that may still go on; lives from its first path to the look at it."""

    jobs: set[str] = field(default_factory=set)
    """Jobs that it may concern."""
    paths: int = 0
    first: float = 0.0
    last: float = 0.0
    silent: bool = True
    """Nobody saw a change: something may have changed while nobody could."""

    def note(self, jobs: frozenset[str], paths: int, now: float, *, silent: bool = False) -> None:
        """More of it was seen at `now`, or may be there, if `silent`."""
        if not self.paths:
            self.first = now
        self.jobs |= jobs
        self.paths += paths
        self.last = now
        self.silent &= silent

    def wait(self, now: float) -> float:
        """Seconds until it may be looked at; 0: now."""
        if self.paths < MANY:
            return 0.0
        return max(min(self.last + QUIET, self.first + MOST) - now, 0.0)
