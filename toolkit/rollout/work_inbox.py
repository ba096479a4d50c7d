"""What changes while work is followed: state and output, from threads of their own, in one queue.

The queue is short: a task that writes faster than we are read waits in Nomad, not in our memory.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from toolkit.clients.page import Page
from toolkit.errors import ApiError, DeniedError, NotFoundError
from toolkit.rollout.world import World
from toolkit.spec.work import Written

WAIT = 10.0
"""Seconds that one blocking query stays open."""
BACKOFF = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries while Nomad does not answer."""
DENIALS = 4
"""Denials in a row after which our token has no right."""
DEPTH = 64
"""Items that may wait; a piece of output has at most 64 KiB."""

What = Literal["job", "allocations", "evaluations"]


@dataclass(frozen=True, slots=True)
class News:
    """A whole new view of one kind; of a job None: it is gone."""

    what: What
    value: Any


@dataclass(frozen=True, slots=True)
class Silence:
    """Nomad does not answer this question any more (`error`), or answers again (None)."""

    what: What
    error: ApiError | None
    final: bool = False
    """It will not answer our token."""


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the output that whoever reads it has to know."""

    text: str


@dataclass(frozen=True, slots=True)
class Bug:
    """A thread died of something that nobody expected."""

    error: BaseException


Item = News | Silence | Written | Remark | Bug


class Inbox:
    """The queue and its end; threads put, the caller's thread takes."""

    def __init__(self) -> None:
        # Ctrl-C in the wait of any other kind of queue may leave its lock held, or not held.
        self._queue: queue.SimpleQueue[Item] = queue.SimpleQueue()
        self._room = threading.Semaphore(DEPTH)
        self.closed = threading.Event()
        self._interrupted = False

    def interrupt(self) -> None:
        """End the caller's wait as Ctrl-C would; from any thread, and without waiting for room."""
        self._interrupted = True
        self._queue.put(Bug(KeyboardInterrupt()))

    def put(self, item: Item) -> None:
        """Wait for room; once closed nothing is kept."""
        while not self.closed.is_set():
            if self._room.acquire(timeout=0.5):
                self._queue.put(item)
                return

    def take(self, timeout: float) -> Item | None:
        """The next item, or None when `timeout` seconds bring none."""
        try:
            item = self._queue.get(timeout=max(timeout, 0.001))
        except queue.Empty:
            return None
        self._room.release()
        if isinstance(item, Bug):
            raise item.error
        if self._interrupted:
            raise KeyboardInterrupt
        return item

    def start(self, name: str, work: Callable[[], None]) -> None:
        """Run `work` on a thread; what it raises ends the caller's wait."""

        def run() -> None:
            try:
                work()
            except BaseException as exc:  # noqa: BLE001 - a bug on this thread must be seen
                self.put(Bug(exc))

        threading.Thread(target=run, name=name, daemon=True).start()


def watch(world: World, inbox: Inbox, job_id: str) -> None:
    """Start the threads that follow a job, its allocations and its evaluations."""
    for what in ("job", "allocations", "evaluations"):
        inbox.start(f"work-{what}", _reader(world, inbox, what, job_id))


def _reader(world: World, inbox: Inbox, what: What, job_id: str) -> Callable[[], None]:
    client = world.nomad.clone()
    ask: Callable[..., Page] = {
        "job": client.watch_job,
        "allocations": client.allocations,
        "evaluations": client.watch_evaluations,
    }[what]

    def read() -> None:
        index, tries, denials, previous = 0, 0, 0, None
        try:
            while not inbox.closed.is_set():
                try:
                    page = ask(job_id, index=index, wait=WAIT if index else 0.0)
                except NotFoundError:
                    inbox.put(News(what, None))
                    return
                except ApiError as exc:
                    denials = denials + 1 if isinstance(exc, DeniedError) else 0
                    inbox.put(Silence(what, exc, final=denials >= DENIALS))
                    if denials >= DENIALS:
                        return
                    inbox.closed.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])
                    tries, index = tries + 1, 0
                    continue
                if tries:
                    inbox.put(Silence(what, None))
                    tries = denials = 0
                index = page.index
                if page.value != previous:
                    previous = page.value
                    inbox.put(News(what, page.value))
        finally:
            client.close()

    return read
