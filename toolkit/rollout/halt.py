"""Let threads that follow rollouts end: a Ctrl-C reaches only the main thread by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Halt:
    """Set once; wakes whoever waits, and makes each follower's next look at a clock the last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._set = False
        self._wakes: tuple[Callable[[], None], ...] = ()
        self._followers: set[int] = set()

    def set(self) -> None:
        """From now on; wakes everybody."""
        with self._lock:
            self._set = True
            wakes = self._wakes
        for wake in wakes:
            wake()

    @property
    def is_set(self) -> bool:
        """True once it is."""
        return self._set

    def wakes(self, wake: Callable[[], None]) -> None:
        """Call `wake` when it is set, which may be now."""
        with self._lock:
            self._wakes = (*self._wakes, wake)
            late = self._set
        if late:
            wake()

    def leaves(self, wake: Callable[[], None]) -> None:
        """Call it no more."""
        with self._lock:
            self._wakes = tuple(known for known in self._wakes if known != wake)

    @contextmanager
    def following(self) -> Iterator[None]:
        """Meanwhile this thread is one that a halt ends."""
        me = threading.get_ident()
        with self._lock:
            self._followers.add(me)
        try:
            yield
        finally:
            with self._lock:
                self._followers.discard(me)

    def clock(self, clock: Callable[[], float]) -> Callable[[], float]:
        """`clock`, which raises KeyboardInterrupt once after the halt: what cleans up may wait.

        On a thread that follows alone: what helps it, such as a probe, looks at the same clock, and
        must not take the interruption away from it.
        """
        told = False

        def look() -> float:
            nonlocal told
            if self._set and not told and threading.get_ident() in self._followers:
                told = True
                raise KeyboardInterrupt
            return clock()

        return look
