"""How much may go on at once: of all callers together, and of each."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator

from toolkit.serving.places import less, one
from toolkit.serving.problems import ProblemError
from toolkit.spec.identity import Caller

_SOON = {"Retry-After": "2"}


class Pushes:
    """Pushes on their way in: who is one too many is told so at once, and pushes again later.

    One that is in only watches what becomes of it, for as long as that takes, and has left its
    place to others.
    """

    def __init__(self, most: int, of_one: int, *, beginning: int, watching: int):
        """`beginning`: how many may be about to say what they push; each holds some memory.

        `watching`: pushes of all kinds; each has a git and a hook.
        """
        self._most, self._of_one = most, of_one
        self._beginning, self._watching = beginning, watching
        self._begun = 0
        self._of_caller: Counter[str] = Counter()
        self._of_repo: Counter[str] = Counter()

    def check(self, caller: Caller) -> None:
        """Raise `too-many` or `unavailable` when there is no place."""
        if self._of_caller[one(caller)] >= self._of_one:
            raise ProblemError(
                "too-many",
                f"{caller} has {self._of_one} pushes under way, which is the most: push again "
                "when one of them is in",
                headers=_SOON,
            )
        if self._of_caller.total() >= self._most or self._of_repo.total() >= self._watching:
            raise ProblemError(
                "unavailable",
                f"{self._of_repo.total()} pushes are under way, which is the most: push again when "
                "one of them has ended",
                headers=_SOON,
            )

    @contextlib.contextmanager
    def begin(self) -> Iterator[None]:
        """Room to say what is pushed, for the length of a block."""
        if self._begun >= self._beginning:
            raise ProblemError(
                "unavailable", f"{self._beginning} pushes begin at once: push again", headers=_SOON
            )
        self._begun += 1
        try:
            yield
        finally:
            self._begun -= 1

    @contextlib.contextmanager
    def take(
        self, caller: Caller, repo: str, last: Callable[[], None]
    ) -> Iterator[Callable[[], None]]:
        """A place for the length of a block, or until what it yields is called, on any thread.

        `last` is called when no push of `repo` is left.
        """
        self.check(caller)
        loop, who = asyncio.get_running_loop(), one(caller)
        held = [who]
        self._of_caller[who] += 1
        self._of_repo[repo] += 1

        def leave() -> None:
            if held:
                less(self._of_caller, held.pop())

        try:
            yield lambda: _at_once(loop, leave)
        finally:
            leave()
            less(self._of_repo, repo)
            if repo not in self._of_repo:
                last()


def _at_once(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits for a place
        loop.call_soon_threadsafe(call)


class Clones:
    """Clones under way: many at once is what a job with many instances does, so they wait."""

    def __init__(self, most: int, *, waiting: int, seconds: float = 60.0):
        """`waiting`: how many wait for a place at most; `seconds`: and for how long."""
        self._most, self._waiting, self._seconds = most, waiting, seconds
        self._places = asyncio.Semaphore(most)
        self._of_caller: dict[str, asyncio.Semaphore] = {}
        self._here: Counter[str] = Counter()

    @contextlib.asynccontextmanager
    async def take(self, caller: Caller) -> AsyncIterator[None]:
        """A place for the length of a block; `unavailable` when none came free in time."""
        who = one(caller)
        if self._here.total() >= self._most + self._waiting:
            raise self._busy()
        # One caller has half of the places, so that there is always some for another.
        own = self._of_caller.setdefault(who, asyncio.Semaphore(max(1, self._most // 2)))
        self._here[who] += 1
        try:
            async with contextlib.AsyncExitStack() as held:
                try:
                    async with asyncio.timeout(self._seconds):
                        await held.enter_async_context(own)
                        await held.enter_async_context(self._places)
                except TimeoutError:
                    raise self._busy() from None
                yield
        finally:
            self._here[who] -= 1
            if not self._here[who]:
                del self._here[who], self._of_caller[who]

    def _busy(self) -> ProblemError:
        return ProblemError(
            "unavailable",
            f"{self._most} clones are under way, which is the most: try again in a while",
            headers=_SOON,
        )
