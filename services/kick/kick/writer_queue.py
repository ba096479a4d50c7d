"""What waits for the writer: bounded, in the order of asking, and closed when the server ends."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from kick.writer_turn import Bundle
from toolkit.errors import UnavailableError


class Queue:
    """Bundles from callers' threads for the writer's, and who else is at work."""

    def __init__(self, most: int, together: int):
        """`most`: orders that may wait. `together`: orders of one turn."""
        self._most = most
        self._together = together
        self._bundles: deque[Bundle] = deque()
        self._changed = threading.Condition()
        self._working = 0
        self.waiting = 0
        """Orders."""
        self.opened = False
        self.closed = False

    def open(self) -> None:
        """Take orders from now on."""
        self.opened = True

    def put(self, bundles: Sequence[Bundle], *, bounded: bool = True) -> None:
        """Let bundles wait for their turn; raises UnavailableError, then none of them does."""
        size = sum(len(bundle.orders) for bundle in bundles)
        with self._changed:
            try:
                self._refuse_when_closed()
                if not self.opened:
                    raise UnavailableError("the zones have not been read yet", after=2)
                if bounded and self.waiting + size > self._most:
                    raise UnavailableError(f"{self.waiting} writes wait already", after=2)
            except UnavailableError:
                for bundle in bundles:
                    bundle.answers.cancel()
                raise
            self._bundles.extend(bundles)
            self.waiting += size
            self._changed.notify_all()

    def take(self, *, wait: bool, patience: float | None) -> list[Bundle]:
        """What goes into one turn; with `wait` when there is something, or the patience ends."""
        with self._changed:
            if wait and not self._bundles and not self.closed:
                self._changed.wait(patience)
            taken: list[Bundle] = []
            size = 0
            while self._bundles and size < self._together:
                bundle = self._bundles.popleft()
                size += len(bundle.orders)
                if bundle.answers.set_running_or_notify_cancel():
                    taken.append(bundle)
            self.waiting -= size
        return taken

    @contextmanager
    def working(self) -> Iterator[None]:
        """Do something that the end of the server waits for; UnavailableError when it came."""
        with self._changed:
            self._refuse_when_closed()
            self._working += 1
        try:
            yield
        finally:
            with self._changed:
                self._working -= 1
                self._changed.notify_all()

    def close(self, patience: float) -> bool:
        """Take nothing any more; whether who is at work has ended within so many seconds."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: not self._working, patience)

    def _refuse_when_closed(self) -> None:
        if self.closed:
            raise UnavailableError("the server is stopping and takes no more changes", after=5)
