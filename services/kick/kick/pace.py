"""No more requests a second than the provider lets us: a bucket that fills as time passes."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Pace:
    """Takes turns; for several threads."""

    def __init__(
        self,
        per_second: float,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], None],
    ):
        """A full bucket holds the turns of a second."""
        self._per_second = per_second
        self._burst = max(1.0, per_second)
        self._clock = clock
        self._sleep = sleep
        self._lock = threading.Lock()
        self._left = self._burst
        self._then = clock()

    def take(self) -> None:
        """Wait for one turn."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + (now - self._then) * self._per_second)
            self._then = now
            # A turn is taken in advance, so that those who wait come in the order they asked.
            self._left -= 1
            wait = max(0.0, -self._left / self._per_second)
        if wait:
            self._sleep(wait)
