"""How often each caller may change something: each is in the audit, and disks have an end."""

from __future__ import annotations

from collections.abc import Callable

MOST = 4096
"""Callers that are kept in mind at a time."""


class Quota:
    """A bucket for each caller, full at first, that fills as time passes; for one thread.

    What is kept of a caller is only when its bucket will be full: one that is full is forgotten.
    """

    def __init__(
        self,
        per_second: float,
        burst: int,
        *,
        clock: Callable[[], float],
        most: int = MOST,
    ):
        self._each = 1 / per_second
        self._room = burst * self._each
        self._clock = clock
        self._most = most
        self._full_at: dict[str, float] = {}

    def take(self, who: str) -> float:
        """Take one turn and return 0; without one left, the seconds until there is one."""
        now = self._clock()
        after = max(self._full_at.get(who, now), now) + self._each
        # Sums of many small parts: without the margin, the last turn of a burst is lost to them.
        if after - now > self._room + self._each * 1e-3:
            return after - now - self._room
        if who not in self._full_at and len(self._full_at) >= self._most:
            self._forget(now)
        self._full_at[who] = after
        return 0.0

    def __len__(self) -> int:
        """Callers in mind."""
        return len(self._full_at)

    def _forget(self, now: float) -> None:
        """Those whose bucket is full; where there are none, the one that is the fullest."""
        kept = {who: at for who, at in self._full_at.items() if at > now}
        if len(kept) == len(self._full_at):
            del kept[min(kept, key=kept.__getitem__)]
        self._full_at = kept
