"""How many unknown tokens are looked up: guessing them must not keep Nomad busy."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from toolkit.identity.limits import Limits
from toolkit.identity.reasons import refusal

_SECONDS_EACH = 1.0
_SECONDS_EACH_IN_ALL = 0.2


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float

    def fill(self, most: int, seconds_each: float, now: float) -> None:
        self.left = min(most, self.left + (now - self.at) / seconds_each)
        self.at = now


class Failures:
    """Attempts left, of each source and of all together; for many threads."""

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._limits = limits
        self._clock = clock
        self._lock = Lock()
        self._all = _Bucket(limits.failures_in_all, clock())
        self._sources: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, source: str) -> None:
        """Use an attempt of that source; IdentityError `too-many` where none is left."""
        with self._lock:
            buckets = self._buckets(source)
            if any(bucket.left < 1 for bucket in buckets):
                raise refusal("too-many")
            for bucket in buckets:
                bucket.left -= 1

    def give_back(self, source: str) -> None:
        """The attempt was none: the token is known, or Nomad did not answer."""
        with self._lock:
            for bucket in self._buckets(source):
                bucket.left += 1

    def _buckets(self, source: str) -> tuple[_Bucket, _Bucket]:
        now = self._clock()
        self._all.fill(self._limits.failures_in_all, _SECONDS_EACH_IN_ALL, now)
        own = self._sources.setdefault(source, _Bucket(self._limits.failures, now))
        own.fill(self._limits.failures, _SECONDS_EACH, now)
        self._sources.move_to_end(source)
        while len(self._sources) > self._limits.remembered:
            self._sources.popitem(last=False)
        return self._all, own
