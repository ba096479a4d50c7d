"""Ctrl-C and its kin while agents start: never lost, never between a start and its record."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Check = Callable[[], None]
"""Raises KeyboardInterrupt when somebody wants us to end."""


def never() -> None:
    """A `Check` for callers that nobody interrupts."""


@contextlib.contextmanager
def held() -> Iterator[None]:
    """Keep interrupts waiting, for the moment between a start and its record."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def noticed() -> Iterator[Check]:
    """Let SIGTERM and a closed terminal interrupt as Ctrl-C does; yields a check for what was lost.

    Python drops an exception that a signal handler raises while a finalizer runs, so every place
    that waits, and the end, asks the check as well.
    """
    happened = False

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        nonlocal happened
        happened = True
        raise KeyboardInterrupt

    def check() -> None:
        if happened:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield never
        return
    # Somebody who ignores a closed terminal (nohup), or has a handler, means it.
    ours = {signal.SIG_DFL, signal.default_int_handler}
    before = {number: signal.getsignal(number) for number in ENDING}
    changed = [number for number, handler in before.items() if handler in ours]
    for number in changed:
        signal.signal(number, interrupt)
    try:
        yield check
    finally:
        for number in changed:
            signal.signal(number, before[number])
