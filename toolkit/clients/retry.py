"""Which failures are tried again, how often, and for how long."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from toolkit.clients.errors_map import Failure

T = TypeVar("T")

PAUSES = (0.1, 0.3, 0.9)
"""Seconds before each further attempt of a read."""
BUDGET_SECONDS = 2.0
"""No further attempt once this long has passed since the first failure.

A server without a leader already holds a request for five seconds: asking it again here would
cost the caller's deadline what the caller should decide about.
"""


def ask_again(
    attempt: Callable[[], T | Failure],
    *,
    read: bool,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """The answer of `attempt`, which a read may make several times and a write only once.

    Raises the `ApiError` of the last failure.
    """
    first_failure: float | None = None
    pauses = iter(PAUSES if read else ())
    while True:
        answer = attempt()
        if not isinstance(answer, Failure):
            return answer
        if first_failure is None:
            first_failure = clock()
        pause = next(pauses, None)
        spent = clock() - first_failure
        if not answer.passing or pause is None or spent + pause > BUDGET_SECONDS:
            raise answer.error from answer.cause
        sleep(pause)
