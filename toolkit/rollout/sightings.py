"""What Nomad, Consul and Traefik said of each instance, and from when on: kept on change only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal

from toolkit.rollout.feed import Update
from toolkit.spec.chain import InstanceChain
from toolkit.spec.observed import AllocationView, ConsulInstance
from toolkit.spec.timeline import Sighting

MOST = 4000
"""Kept of one rollout: a check that flaps for an hour must not fill a report."""
SAME_CLOCK = 1.0
"""Seconds by which two clocks may differ and are taken for one."""
_WORST = ("passing", "warning", "critical")
_UNSEEN = {"-", "unseen", "not seen"}


class Sightings:
    """Filled while a rollout is watched; lives for one call of `watch`."""

    def __init__(self) -> None:
        self._found: list[Sighting] = []
        self._last: dict[tuple[str, str], dict[str, str]] = {}
        """Allocation and system -> service -> its last word."""
        self._lag: float | None = None
        self._newest: float | None = None

    @property
    def found(self) -> tuple[Sighting, ...]:
        """In time."""
        return tuple(self._found)

    @property
    def skew(self) -> float:
        """Seconds that our clock is ahead of Nomad's; 0 where they agree within a second.

        A change is told within moments: what it seems to take at least is the clocks' difference.
        """
        return 0.0 if self._lag is None or abs(self._lag) < SAME_CLOCK else self._lag

    def take(self, update: Update, at: float) -> None:
        """What a feed told; `at` in seconds since the epoch."""
        if update.kind == "consul":
            self._consul(update, at)
        elif update.kind == "allocations":
            views: Sequence[AllocationView] = update.value
            self._compare(max((view.modified_at for view in views), default=0.0), at)
            for view in views:
                if view.desired_status in {"stop", "evict"}:
                    self._note(view.id, "Nomad", "", "leaving", at)
                elif view.healthy is not None:
                    # A revert lets Nomad judge again, and forget that it had judged before.
                    word = "healthy" if view.healthy else "unhealthy"
                    self._note(view.id, "Nomad", "", word, at)

    def _compare(self, newest: float, at: float) -> None:
        # The first list may be of long ago; only what changes while we listen is told at once.
        if self._newest is not None and newest > self._newest:
            self._lag = min(at - newest, at - newest if self._lag is None else self._lag)
        self._newest = newest

    def _consul(self, update: Update, at: float) -> None:
        instances: Iterable[ConsulInstance] = update.value
        here = {i.allocation: _word(i) for i in instances if i.allocation}
        # A list that we may not see all of says nothing of who is missing in it.
        known = set() if update.hidden else self._known(update.source)
        for allocation in sorted(known - set(here)):
            self._note(allocation, "Consul", update.source, "gone", at)
        for allocation, word in here.items():
            self._note(allocation, "Consul", update.source, word, at)

    def look(self, rows: Iterable[InstanceChain], at: float) -> None:
        """One look at the edge."""
        for row in rows:
            if row.traefik not in _UNSEEN:
                self._note(row.allocation, "Traefik", "", row.traefik, at)

    def _known(self, service: str) -> set[str]:
        return {
            allocation
            for (allocation, system), words in self._last.items()
            if system == "Consul" and words.get(service, "gone") != "gone"
        }

    def _note(
        self,
        allocation: str,
        system: Literal["Nomad", "Consul", "Traefik"],
        service: str,
        word: str,
        at: float,
    ) -> None:
        words = self._last.setdefault((allocation, system), {})
        # Of an instance with several services the worst word counts.
        before = max(words.values(), key=_rank, default="")
        words[service] = word
        now = max(words.values(), key=_rank)
        if now != before and len(self._found) < MOST:
            self._found.append(Sighting(allocation, system, now, at))


def _word(instance: ConsulInstance) -> str:
    return max((check.status for check in instance.checks), key=_rank, default="passing")


def _rank(word: str) -> int:
    return _WORST.index(word) + 1 if word in _WORST else 0 if word == "gone" else 9
