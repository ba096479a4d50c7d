"""What an API lists, followed by blocking queries: the newest answer, and whether it is the newest.

An answer that could not be had is never an empty one: while the last try failed there is no answer
at all, and whoever needs it waits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from toolkit.clients.page import Page
from toolkit.errors import ApiError, UnavailableError
from toolkit.serving.bounded import bounded

WAIT = 10.0
"""Seconds that one blocking query stays open; an abandoned one outlives the feed by no more."""
BREATH = 0.2
"""Seconds between an answer and the next question: what changes together is read once."""
BACKOFF = (0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds between tries while an API does not answer."""


class Source(Protocol):
    """One list of an API, on a connection of its own."""

    def ask(self, index: int, wait: float) -> Page:
        """What is newer than `index`; raises ApiError."""

    def close(self) -> None:
        """Close the connection."""


class Feed:
    """Follows one list in a thread until closed."""

    def __init__(
        self,
        name: str,
        open_source: Callable[[], Source],
        told: Callable[[], None],
        *,
        bug: Callable[[BaseException], None],
    ):
        """`told` is called after each change, and when the API is lost or back."""
        self.name = name
        self._open = open_source
        self._told = told
        self._bug = bug
        self._lock = threading.Lock()
        self._value: Any = None
        self._trouble = f"{name} have not been read yet"
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"feed of {name}", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def newest(self) -> Any:
        """The newest answer; UnavailableError while there is none."""
        with self._lock:
            if self._trouble:
                raise UnavailableError(self._trouble, after=5)
            return self._value

    def close(self) -> None:
        """End; a query that is open is abandoned."""
        self._closed.set()

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._follow()
            except Exception as exc:  # noqa: BLE001  it must neither be silent nor the end
                self._bug(exc)
                self._fail(f"{self.name}: an error of our own")
                self._closed.wait(BACKOFF[-1])

    def _follow(self) -> None:
        source, index, failed = self._open(), 0, 0
        try:
            while not self._closed.is_set():
                try:
                    page = source.ask(index, WAIT)
                except ApiError as error:
                    # A token may have been replaced; and whoever was lost may be somebody else.
                    source.close()
                    source, index = self._open(), 0
                    self._fail(f"{self.name}: {error.message}")
                    self._closed.wait(BACKOFF[min(failed, len(BACKOFF) - 1)])
                    failed += 1
                    continue
                failed, index = 0, page.index
                if page.changed or self._trouble:
                    self._take(page)
                self._closed.wait(BREATH)
        finally:
            source.close()

    def _take(self, page: Page) -> None:
        with self._lock:
            self._value, self._trouble = page.value, ""
        self._told()

    def _fail(self, trouble: str) -> None:
        said = bounded(trouble)
        with self._lock:
            news, self._trouble = self._trouble != said, said
        if news:
            self._told()
