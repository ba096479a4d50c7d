"""What changes while a rollout is watched, from blocking queries on threads of their own."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal

from toolkit.clients.page import Page
from toolkit.errors import ApiError, DeniedError
from toolkit.rollout import read
from toolkit.rollout.world import World

WAIT = 10.0
"""Seconds that one blocking query stays open; an abandoned one outlives its watch by no more."""
BACKOFF = (0.2, 0.5, 1.0, 2.0)
"""Seconds between tries while an API does not answer."""

Kind = Literal["allocations", "deployments", "consul", "lost", "back", "bug"]


@dataclass(frozen=True, slots=True)
class Update:
    """One change: a whole new view of one kind, or an API lost or back."""

    kind: Kind
    value: Any = None
    source: str = ""
    """`Nomad` or `Consul`; of a `consul` update the service's name."""
    error: ApiError | None = None


class Feed:
    """Follows a job's allocations, deployments and Consul services until closed."""

    def __init__(self, world: World, job_id: str, services: Sequence[str] = ()):
        self._updates: queue.Queue[Update] = queue.Queue()
        self._closed = threading.Event()
        self._world = world
        self._start("Nomad", "allocations", self._nomad("allocations", job_id))
        self._start("Nomad", "deployments", self._nomad("deployments", job_id))
        for name in dict.fromkeys(services):
            self._start("Consul", "consul", self._consul(name), name)

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
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
        reader = {"allocations": read.allocations, "deployments": read.deployments}[what]

        def query(index: int) -> Page:
            ask = client.allocations if what == "allocations" else client.deployments
            page = ask(job_id, index=index, wait=WAIT if index else 0.0)
            return Page(page.index, reader(page.value or []), page.changed)

        return query

    def _consul(self, name: str) -> Callable[[int], Page]:
        client = self._world.consul.clone()

        def query(index: int) -> Page:
            page = client.service(name, index=index, wait=WAIT if index else 0.0)
            return Page(page.index, read.consul_instances(name, page.value or []), page.changed)

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
        index, tries, previous = 0, 0, None
        while not self._closed.is_set():
            try:
                page = query(index)
            except ApiError as exc:
                if self._closed.is_set():
                    return
                if tries == 0:
                    self._updates.put(Update("lost", source=system, error=exc))
                if isinstance(exc, DeniedError):
                    return
                self._closed.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])
                tries, index = tries + 1, 0
                continue
            if tries:
                self._updates.put(Update("back", source=system))
                tries = 0
            index = page.index
            if page.value != previous:
                previous = page.value
                self._updates.put(Update(kind, page.value, source=name or system))
