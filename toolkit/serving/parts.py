"""Opening what a server works with on a thread of its own, while it answers that it waits."""

from __future__ import annotations

import threading
from collections.abc import Callable

from toolkit.serving.log import Log


class StoppedError(Exception):
    """The process was told to stop while it was still opening."""


class BaseParts:
    """What is opened in order is closed in the reverse; `close` whatever came of it."""

    def __init__(self, log: Log):
        self._log = log
        self._stopped = threading.Event()
        self._closers: list[Callable[[], object]] = []

    def open(self) -> None:
        """Open everything and let the server work; blocking.

        Raises a ToolkitError when it can never work, StoppedError when `stop` came first.
        """
        raise NotImplementedError

    def closes(self, closer: Callable[[], object]) -> None:
        """Close this, too: before what was there already."""
        self._closers.append(closer)

    def stop(self) -> None:
        """Let `open` end early; from any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Close in the reverse order; what was accepted is finished or on disk."""
        while self._closers:
            try:
                self._closers.pop()()
            except Exception as exc:  # noqa: BLE001  the others have to be closed all the same
                self._log.bug(exc)

    def _sleep(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise StoppedError

    def _check_stopped(self) -> None:
        if self._stopped.is_set():
            raise StoppedError
