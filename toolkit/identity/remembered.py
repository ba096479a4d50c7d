"""What was found out, for a while: a bounded cache for many threads."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Generic, TypeVar

V = TypeVar("V")


class Remembered(Generic[V]):
    """Values with the time at which they were found out; the longest unused go first."""

    def __init__(self, most: int, clock: Callable[[], float]) -> None:
        self._most = most
        self._clock = clock
        self._lock = Lock()
        self._found: OrderedDict[bytes, tuple[float, V]] = OrderedDict()

    def get(self, key: bytes, seconds: float) -> V | None:
        """What was found out in the last `seconds`, or None."""
        with self._lock:
            entry = self._found.get(key)
            if entry is None or self._clock() - entry[0] > seconds:
                return None
            self._found.move_to_end(key)
            return entry[1]

    def put(self, key: bytes, value: V) -> None:
        """Remember it from now on."""
        with self._lock:
            self._found[key] = (self._clock(), value)
            self._found.move_to_end(key)
            while len(self._found) > self._most:
                self._found.popitem(last=False)

    def forget(self, key: bytes) -> None:
        """Remember it no longer."""
        with self._lock:
            self._found.pop(key, None)
