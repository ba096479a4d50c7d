"""What changes while a rollout is watched, from blocking queries on threads of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

from toolkit.clients.consul import ServicePage
from toolkit.clients.page import Page
from toolkit.errors import ApiError, DeniedError
from toolkit.rollout import ailing, read
from toolkit.rollout.world import World
from toolkit.spec.observed import AllocationView

WAIT = 10.0
"""Seconds that one blocking query stays open; an abandoned one outlives its watch by no more."""
BREATH = 0.1
"""Seconds between an answer of Nomad and the next question: what changes together is read once."""
BACKOFF = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries while an API does not answer."""

DENIALS = 4
"""Denials in a row after which our token has no right: a new one may need a moment to be known."""

Kind = Literal[
    "allocations", "deployments", "evaluations", "consul", "outside",
    "lost", "back", "denied", "bug",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Update:
    """One change: a whole new view of one kind, or an API lost, back, or closed to our token.

    `outside`: somebody beside the feeds has something to say.
    """

    kind: Kind
    value: Any = None
    source: str = ""
    """`Nomad` or `Consul`; of a `consul` update the service's name."""
    error: ApiError | None = None
    hidden: bool = False
    """Our token may not see all of a `consul` update's service."""


def reread(world: World, job_id: str) -> tuple[AllocationView, ...]:
    """The job's allocations as they are now; none where Nomad does not answer."""
    try:
        return read.allocations(world.nomad.allocations(job_id).value or [])
    except ApiError:
        return ()


class Feed:
    """Follows a job's allocations, deployments and Consul services until closed."""

    def __init__(self, world: World, job_id: str, services: Sequence[str] = ()):
        # Ctrl-C in the wait of any other kind of queue may leave its lock held, or not held.
        self._updates: queue.SimpleQueue[Update] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._world = world
        self._job_id = job_id
        self._evaluations = False
        self._lock = threading.Lock()
        self._silent: dict[str, set[str]] = {}
        """By system, the threads that have no answer: it is lost with the first of them."""
        self._start("Nomad", "allocations", self._nomad("allocations", job_id))
        self._start("Nomad", "deployments", self._nomad("deployments", job_id))
        for name in dict.fromkeys(services):
            self._start("Consul", "consul", self._consul(name), name)

    def follow_evaluations(self) -> None:
        """Tell of the job's evaluations as well: only a rollout that stalls needs them."""
        if self._evaluations:
            return
        self._evaluations = True
        self._start("Nomad", "evaluations", self._nomad("evaluations", self._job_id))

    def wake(self) -> None:
        """End the wait for the next update now; from any thread."""
        self._updates.put(Update("outside"))

    def __enter__(self) -> Feed:
        if self._world.halt is not None:
            self._world.halt.wakes(self.wake)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self._world.halt is not None:
            self._world.halt.leaves(self.wake)
        self._closed.set()

    def next(self, timeout: float) -> Update | None:
        """The next update, or None when `timeout` seconds bring none."""
        try:
            update = self._updates.get(timeout=max(timeout, 0.0)) if timeout else self._now()
        except queue.Empty:
            return None
        if update.kind == "bug":
            raise update.value
        return update

    def _now(self) -> Update:
        return self._updates.get_nowait()

    def _nomad(self, what: str, job_id: str) -> Callable[[int], Page]:
        client = self._world.nomad.clone()
        ask, reader = {
            "allocations": (client.allocations, read.allocations),
            "deployments": (client.deployments, read.deployments),
            "evaluations": (client.job_evaluations, read.evaluations),
        }[what]

        def query(index: int) -> Page:
            page = ask(job_id, index=index, wait=WAIT if index else 0.0)
            return Page(page.index, reader(page.value or []), page.changed)

        return query

    def _consul(self, name: str) -> Callable[[int], Page]:
        client = self._world.consul.clone()
        known: dict[tuple[str, str], str] = {}
        patience = WAIT

        def query(index: int) -> Page:
            nonlocal patience
            page = client.service(name, index=index, wait=min(patience, WAIT) if index else 0.0)
            seen = read.consul_instances(name, page.value or [])
            if not ailing.is_ailing(seen):
                patience = WAIT
            elif page.changed:
                patience = ailing.FIRST_LOOK
            else:
                known.update(ailing.outputs(client, seen))
                patience *= 2
            seen = ailing.filled(seen, known)
            return ServicePage(page.index, seen, page.changed, filtered=page.filtered)

        return query

    def _start(self, system: str, kind: Kind, query: Callable[[int], Page], name: str = "") -> None:
        thread = threading.Thread(
            target=self._follow, args=(system, kind, query, name), daemon=True, name=f"feed-{kind}"
        )
        thread.start()

    def _follow(self, system: str, kind: Kind, query: Callable[[int], Page], name: str) -> None:
        try:
            self._read(system, kind, query, name)
        except BaseException as exc:  # noqa: BLE001 - a bug on this thread must end the watch
            self._updates.put(Update("bug", exc))

    def _read(self, system: str, kind: Kind, query: Callable[[int], Page], name: str) -> None:
        index, tries, denials, previous = 0, 0, 0, None
        who = f"{kind} {name}"
        while not self._closed.is_set():
            try:
                page = query(index)
            except ApiError as exc:
                if self._closed.is_set():
                    return
                denials = denials + 1 if isinstance(exc, DeniedError) else 0
                self._lose(system, who, exc)
                if denials == DENIALS:
                    self._updates.put(Update("denied", source=system, error=exc))
                    return
                self._closed.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])
                tries, index = tries + 1, 0
                continue
            if tries:
                self._find(system, who)
                tries = denials = 0
            index = page.index
            hidden = isinstance(page, ServicePage) and page.filtered
            if (page.value, hidden) != previous:
                previous = page.value, hidden
                self._updates.put(Update(kind, page.value, source=name or system, hidden=hidden))
            if page.changed and system == "Nomad":
                self._closed.wait(BREATH)

    def _lose(self, system: str, who: str, error: ApiError) -> None:
        with self._lock:
            silent = self._silent.setdefault(system, set())
            if not silent:
                self._updates.put(Update("lost", source=system, error=error))
            silent.add(who)

    def _find(self, system: str, who: str) -> None:
        with self._lock:
            silent = self._silent[system]
            silent.discard(who)
            if not silent:
                self._updates.put(Update("back", source=system))
