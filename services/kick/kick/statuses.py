"""What workloads say of themselves: a bounded history, and one fixed place that it is sent on to.

A status is in the audit before it is in the history, so that a restart finds it again. Whether it
was delivered is known of this process only: one from before a restart says `unknown`.
"""

from __future__ import annotations

import queue
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

State = Literal["starting", "running", "failed", "shutting_down", "stopped"]
STATES: tuple[State, ...] = get_args(State)
Delivery = Literal["off", "queued", "delivered", "failed", "dropped", "unknown"]

ATTEMPTS = 3
PAUSE = 1.0
"""Seconds before the second attempt; four times as many before each further one."""
WAITING = 500
"""Statuses that wait for their delivery; of one more it is said that it was dropped."""

Send = Callable[[Mapping[str, object]], str | None]
"""Deliver one document; None, or why it was not taken. It never raises."""


@dataclass(slots=True)
class Status:
    """One status, and how far its delivery has got."""

    time: str
    """UTC, by the server's clock."""
    reporter: str
    """Who said it: verified."""
    service: str
    application_id: str
    deployment_id: str
    status: State
    detail: str = ""
    seq: int = 0
    """Rises with every status of this process and of those before it."""
    delivery: Delivery = "off"
    why: str = field(default="", compare=False)
    """Why it was not delivered."""

    def document(self) -> dict[str, object]:
        """As callers read it."""
        said: dict[str, object] = {
            "service": self.service,
            "application_id": self.application_id,
            "deployment_id": self.deployment_id,
            "status": self.status,
            "detail": self.detail,
            "timestamp": self.time,
            "reporter": self.reporter,
            "forwarded": self.delivery,
            "seq": self.seq,
        }
        return said | ({"forward_error": self.why} if self.why else {})


class Statuses:
    """The newest statuses, at most `kept`, and at most a quarter of them of one reporter."""

    def __init__(
        self,
        kept: int,
        *,
        cluster: str,
        send: Send | None = None,
        counted: Callable[[str], None] = lambda _: None,
        pause: float = PAUSE,
    ):
        """`send`: None forwards nothing. `counted` is told how each delivery ended."""
        self._kept = kept
        self._share = max(1, kept // 4)
        self._cluster = cluster
        self._send = send
        self._counted = counted
        self._pause = pause
        self._guard = threading.Lock()
        self._history: deque[Status] = deque()
        self._of: Counter[str] = Counter()
        self._next = 1
        self._waiting: queue.Queue[Status | None] = queue.Queue(WAITING)
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, known: Iterable[Status] = ()) -> None:
        """Take over what the audit knows, oldest first, and begin to deliver."""
        for status in known:
            status.delivery = "off" if self._send is None else "unknown"
            self._keep(status)
        if self._send is not None:
            self._thread = threading.Thread(target=self._deliver, name="statuses", daemon=True)
            self._thread.start()

    def stop(self, timeout: float) -> None:
        """Deliver what waits, for `timeout` seconds at most, without further attempts."""
        self._stopping.set()
        if self._thread is not None:
            try:
                self._waiting.put(None, timeout=timeout)
            except queue.Full:
                return
            self._thread.join(timeout)

    def add(self, status: Status) -> Status:
        """Keep a status and let it be delivered; what it says of that is the truth."""
        status.delivery = "off" if self._send is None else "queued"
        self._keep(status)
        if self._send is not None:
            try:
                self._waiting.put_nowait(status)
            except queue.Full:
                self._end(status, "dropped", f"{WAITING} others wait")
        return status

    def newest(
        self, wanted: Callable[[Status], bool], *, limit: int, before: int | None = None
    ) -> list[Status]:
        """The newest that are wanted, newest first; `before`: only those with a lower seq."""
        with self._guard:
            history = list(self._history)
        found: list[Status] = []
        for status in reversed(history):
            if len(found) == limit:
                break
            if (before is None or status.seq < before) and wanted(status):
                found.append(status)
        return found

    def _keep(self, status: Status) -> None:
        with self._guard:
            status.seq, self._next = self._next, self._next + 1
            # One that reports without end pushes out its own, not what others said.
            if self._of[status.reporter] >= self._share:
                oldest = next(s for s in self._history if s.reporter == status.reporter)
                self._forget(oldest)
            elif len(self._history) >= self._kept:
                self._forget(self._history[0])
            self._history.append(status)
            self._of[status.reporter] += 1

    def _forget(self, status: Status) -> None:
        for place, each in enumerate(self._history):
            if each is status:
                del self._history[place]
                break
        self._of[status.reporter] -= 1
        if not self._of[status.reporter]:
            del self._of[status.reporter]

    def _deliver(self) -> None:
        while True:
            status = self._waiting.get()
            if status is None:
                return
            self._try(status)

    def _try(self, status: Status) -> None:
        assert self._send is not None  # noqa: S101  the thread runs only with one
        document = {
            "cluster_id": self._cluster,
            "timestamp": status.time,
            # Which service it is about the reporter says; who that is was verified.
            "reporter": status.reporter,
            "service": status.service,
            "application_id": status.application_id,
            "deployment_id": status.deployment_id,
            "status": status.status,
            "detail": status.detail,
        }
        pause = self._pause
        why: str | None = None
        for attempt in range(ATTEMPTS):
            if attempt and self._stopping.wait(pause):
                break
            pause *= 4 if attempt else 1
            why = self._send(document)
            if why is None:
                return self._end(status, "delivered")
        return self._end(status, "failed", why or "the server stopped")

    def _end(self, status: Status, delivery: Delivery, why: str = "") -> None:
        status.delivery, status.why = delivery, why
        self._counted(delivery)
