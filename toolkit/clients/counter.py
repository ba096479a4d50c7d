"""How many calls were made, over all threads of one command."""

from __future__ import annotations

import threading


class CallCounter:
    """Counts HTTP calls, retries included; safe to share between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._calls = 0
        self._expired_waits = 0

    @property
    def calls(self) -> int:
        """HTTP calls sent so far."""
        with self._lock:
            return self._calls

    @property
    def expired_waits(self) -> int:
        """Of these, blocking queries that ended with nothing new."""
        with self._lock:
            return self._expired_waits

    def count_call(self) -> None:
        """One more call was sent."""
        with self._lock:
            self._calls += 1

    def count_expired_wait(self) -> None:
        """One of the calls was a blocking query that ended with nothing new."""
        with self._lock:
            self._expired_waits += 1
