"""Places of a server: requests, streams and changes, in all and of each caller."""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterator

from toolkit.serving.limits import Limits
from toolkit.serving.problems import ProblemError
from toolkit.serving.quota import Quota
from toolkit.serving.server import Serves
from toolkit.spec.identity import Caller, Workload

SOON = {"Retry-After": "1"}


class Places:
    """Takes and gives back; for the one thread of the loop."""

    def __init__(self, server: Serves, limits: Limits, *, clock: Callable[[], float]):
        self._server = server
        self._limits = limits
        self._quota = Quota(limits.writes, limits.burst, clock=clock)
        self._in_progress = 0
        self._of_caller: Counter[str] = Counter()
        self._streams_of: Counter[str] = Counter()

    @contextlib.contextmanager
    def request(self) -> Iterator[None]:
        """One request in progress; counted also when there is no room for it."""
        gauge = self._server.metrics.in_progress
        self._in_progress += 1
        gauge.set(self._in_progress)
        try:
            yield
        finally:
            self._in_progress -= 1
            gauge.set(self._in_progress)

    def check_room(self) -> None:
        """Raise an `unavailable` problem when too many are in progress."""
        if self._in_progress > self._limits.requests:
            raise busy(f"{self._limits.requests} requests are in progress, which is the most")

    @contextlib.contextmanager
    def one_of(self, caller: Caller) -> Iterator[None]:
        """Bound the requests of one caller, so that it does not take every place there is."""
        who = one(caller)
        if self._of_caller[who] >= self._limits.of_one_caller:
            most = self._limits.of_one_caller
            detail = f"{caller} has {most} requests in progress already"
            raise ProblemError("too-many", detail, headers=SOON)
        self._of_caller[who] += 1
        try:
            yield
        finally:
            less(self._of_caller, who)

    def begin_stream(self, caller: Caller) -> None:
        """Bound what is sent for long; to be ended by `end_stream`."""
        limits, who = self._limits, one(caller)
        if self._streams_of[who] >= limits.streams_of_one:
            detail = f"{caller} follows {limits.streams_of_one} answers already"
            raise ProblemError("too-many", detail, headers=SOON)
        if self._streams_of.total() >= limits.streams:
            raise busy(f"{limits.streams} answers are followed, which is the most")
        self._streams_of[who] += 1

    def end_stream(self, caller: Caller) -> None:
        """The answer has ended, however that came."""
        less(self._streams_of, one(caller))

    def take_turn(self, caller: Caller) -> None:
        """Bound the changes of one caller, before anything of them is read."""
        wait = self._quota.take(one(caller))
        if not wait:
            return
        kind = "job" if isinstance(caller, Workload) else "person"
        self._server.metrics.held_back.labels(kind).inc()
        raise ProblemError(
            "too-many",
            f"{caller} has changed too much just now: {self._limits.writes:g} a second, and "
            f"{self._limits.burst} at once, are the most",
            headers={"Retry-After": str(math.ceil(wait))},
            hint=self._server.about.slower,
        )


def one(caller: Caller) -> str:
    """Who counts as one: a job with all that it runs, a person by the token."""
    return f"job {caller}" if isinstance(caller, Workload) else f"token {caller.accessor}"


def busy(detail: str) -> ProblemError:
    """There is no place now."""
    return ProblemError("unavailable", detail, headers=SOON)


def less(counted: Counter[str], who: str) -> None:
    """One fewer; whoever has none is forgotten."""
    counted[who] -= 1
    if not counted[who]:
        del counted[who]
