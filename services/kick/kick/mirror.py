"""The zones as they were last seen, in memory: what a wish is decided on.

It may be behind: a batch that was thought out on it does nothing when the provider has something
else, and the names are read again.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from toolkit.dns.standing import Standing, standings
from toolkit.errors import UnavailableError
from toolkit.spec.dns import Owner, Record, Zone


class Mirror:
    """Names of zones, for several threads."""

    def __init__(self, clock: Callable[[], float]):
        self._clock = clock
        self._lock = threading.Lock()
        self._zones: dict[Zone, dict[str, Standing]] = {}
        self._loaded: dict[Zone, float] = {}
        self._seen: dict[tuple[Zone, str], float] = {}
        self._listing: dict[Zone, set[str]] = {}
        self._held: Counter[Owner] = Counter()
        self._doubted: set[tuple[Zone, str]] = set()

    def has(self, zone: Zone) -> bool:
        """Whether the zone was ever read."""
        with self._lock:
            return zone in self._zones

    def at(self, zone: Zone, name: str) -> Standing:
        """What was last seen at a name; raises UnavailableError when the zone was never read."""
        with self._lock:
            return self._of(zone).get(name) or Standing(name)

    def standings(self, zone: Zone) -> tuple[Standing, ...]:
        """Every name of a zone that has anything, sorted; raises UnavailableError like `at`."""
        with self._lock:
            names = dict(self._of(zone))
        return tuple(names[name] for name in sorted(names))

    def held(self, owner: Owner) -> int:
        """How many records an owner has in all zones."""
        with self._lock:
            return self._held[owner]

    def seen(self, zone: Zone, name: str) -> float:
        """When the name was last read, by the clock."""
        with self._lock:
            loaded = self._loaded.get(zone, float("-inf"))
            return max(loaded, self._seen.get((zone, name), float("-inf")))

    def doubts(self, zone: Zone, name: str) -> bool:
        """Whether it is not known what became of a name, so that it has to be read first."""
        with self._lock:
            return (zone, name) in self._doubted

    def doubt(self, zone: Zone, name: str) -> None:
        """Believe nothing of a name until it is read."""
        with self._lock:
            self._doubted.add((zone, name))

    def put(self, zone: Zone, found: Mapping[str, Standing] | Iterable[Standing]) -> None:
        """Note what names have now: read, or written by us."""
        new = found.values() if isinstance(found, Mapping) else found
        with self._lock:
            now = self._clock()
            for standing in new:
                self._put(zone, standing)
                self._seen[zone, standing.name] = now
                self._doubted.discard((zone, standing.name))
                if zone in self._listing:
                    self._listing[zone].add(standing.name)

    def begin_listing(self, zone: Zone) -> None:
        """From now on remember what is put: a listing that takes a while knows nothing of it."""
        with self._lock:
            self._listing[zone] = set()

    def end_listing(self, zone: Zone, records: Iterable[Record], began: float) -> None:
        """Replace the zone by a listing, but for what was put since it began."""
        listed = {standing.name: standing for standing in standings(records)}
        with self._lock:
            newer = self._listing.pop(zone, set())
            names = self._zones.setdefault(zone, {})
            for name in (names.keys() | listed.keys()) - newer:
                self._put(zone, listed.get(name) or Standing(name))
            self._loaded[zone] = began
            self._seen = {
                key: at for key, at in self._seen.items() if key[0] != zone or key[1] in newer
            }

    def drop_listing(self, zone: Zone) -> None:
        """The listing failed; everything stays."""
        with self._lock:
            self._listing.pop(zone, None)

    def _of(self, zone: Zone) -> dict[str, Standing]:
        names = self._zones.get(zone)
        if names is None:
            raise UnavailableError(f"{zone} has not been read yet", after=2)
        return names

    def _put(self, zone: Zone, standing: Standing) -> None:
        names = self._zones.setdefault(zone, {})
        old = names.pop(standing.name, None)
        if old is not None:
            self._count(old, -1)
        if standing.records or standing.marks:
            names[standing.name] = standing
            self._count(standing, 1)

    def _count(self, standing: Standing, by: int) -> None:
        owner = standing.owner
        if owner is not None:
            self._held[owner] += by * len(standing.owned)
            if not self._held[owner]:
                del self._held[owner]
