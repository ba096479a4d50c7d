"""Turns: how many checks run at once, and whose push is between its last check and its ref."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

from toolkit.errors import UnavailableError


class Slots:
    """So many at once, and of one caller fewer, so that nobody has all of them."""

    def __init__(self, most: int, of_one: int, *, clock: Callable[[], float] = time.monotonic):
        self._most = most
        self._of_one = of_one
        self._clock = clock
        self._taken: Counter[str] = Counter()
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def take(self, caller: str, seconds: float) -> Iterator[None]:
        """Hold one; UnavailableError when there is none within `seconds`."""
        deadline = self._clock() + seconds
        with self._changed:
            while self._taken.total() >= self._most or self._taken[caller] >= self._of_one:
                left = deadline - self._clock()
                if left <= 0 or not self._changed.wait(left):
                    raise UnavailableError("the server checks too many pushes now", after=10.0)
            self._taken[caller] += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken[caller] -= 1
                if not self._taken[caller]:
                    del self._taken[caller]
                self._changed.notify_all()


class Turns:
    """One push of a repository at a time between its last check and the move of its ref."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._held: dict[str, object] = {}
        self._changed = threading.Condition()

    def take(self, repo: str, holder: object, seconds: float) -> None:
        """Have the turn; UnavailableError when another push keeps it for `seconds`."""
        deadline = self._clock() + seconds
        with self._changed:
            while self._held.get(repo, holder) is not holder:
                left = deadline - self._clock()
                if left <= 0 or not self._changed.wait(left):
                    raise UnavailableError(f"another push to {repo} takes too long", after=10.0)
            self._held[repo] = holder

    def leave(self, repo: str, holder: object) -> None:
        """Give it back; nothing happens where the holder has it not."""
        with self._changed:
            if self._held.get(repo) is holder:
                del self._held[repo]
                self._changed.notify_all()
