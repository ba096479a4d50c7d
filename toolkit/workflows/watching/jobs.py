"""All jobs of a namespace, watched: a row whenever it changes."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator

from toolkit.clients.page import Page
from toolkit.errors import ApiError, DeniedError
from toolkit.rollout.feed import BACKOFF, WAIT
from toolkit.spec.listing import JobRow
from toolkit.spec.sight import Change, Sight, SightWord
from toolkit.workflows.overview import everything
from toolkit.workflows.session import Session
from toolkit.workflows.watching import changes

PACE = 0.5
"""Seconds between two looks at a cluster where something always changes."""
TICK = 60.0
AGAIN = 2.0
"""Seconds until the next look after one that failed: the queries may have noticed nothing of it."""


class Bell:
    """Rings when a job, an instance count or a deployment changes; two queries that block."""

    def __init__(self, session: Session) -> None:
        self._rings: queue.SimpleQueue[BaseException | None] = queue.SimpleQueue()
        self._closed = threading.Event()
        for name, client in (("jobs", session.nomad.clone()), ("rollouts", session.nomad.clone())):
            ask = client.jobs_page if name == "jobs" else client.deployments_page
            threading.Thread(
                target=self._follow, args=(ask,), daemon=True, name=f"watch-{name}"
            ).start()

    def wait(self, most: float | None = None) -> None:
        """Until it rings, or for `most` seconds; several rings are one.

        Raises what ended a thread by mistake.
        """
        while True:
            try:
                self._rung(self._rings.get(timeout=TICK if most is None else most))
                break
            except queue.Empty:
                if most is not None:
                    return
        while True:
            try:
                self._rung(self._rings.get_nowait())
            except queue.Empty:
                return

    def close(self) -> None:
        """Let the threads end; the query under way ends by itself."""
        self._closed.set()

    @staticmethod
    def _rung(ring: BaseException | None) -> None:
        if ring is not None:
            raise ring

    def _follow(self, ask: Callable[..., Page]) -> None:
        index, tries = 0, 0
        while not self._closed.is_set():
            try:
                page = ask(index=index, wait=WAIT if index else 0.0)
            except ApiError as exc:
                if isinstance(exc, DeniedError):
                    return
                if not tries:
                    self._rings.put(None)
                self._closed.wait(BACKOFF[min(tries, len(BACKOFF) - 1)])
                index, tries = 0, tries + 1
                continue
            except BaseException as exc:  # noqa: BLE001 - a bug on this thread must end the watch
                self._rings.put(exc)
                return
            if page.changed or tries:
                self._rings.put(None)
            index, tries = page.index, 0


def watch_jobs(session: Session, *, limit: int | None = None) -> Iterator[Sight]:
    """All jobs, then again on each change; at most `limit` of them. Ends only with its reader.

    ApiError where the first look fails.
    """
    session = session.glancing()
    first, notes = everything(session)
    return _sights(session, limit, first, notes)


def _sights(
    session: Session, limit: int | None, rows: tuple[JobRow, ...], notes: tuple[str, ...]
) -> Iterator[Sight]:
    target, world = session.target, session.world

    def sight(word: SightWord, found: tuple[Change, ...]) -> Sight:
        return Sight(
            environment=target.environment,
            address=target.nomad.address,
            namespace=target.namespace,
            word=word,
            at=world.now(),
            changes=found,
            jobs=rows,
        )

    bell = Bell(session)
    try:
        rows = rows[:limit]
        remarks = tuple(Change("note", note) for note in notes)
        yield sight("seen", (*changes.of_jobs(None, rows), *remarks))
        lost = False
        while True:
            bell.wait(AGAIN if lost else None)
            before = rows
            try:
                rows, _ = everything(session)
            except ApiError as exc:
                if not lost:
                    lost = True
                    yield sight("lost", (Change("hold", f"Nomad is lost: {exc.message}"),))
                world.sleep(PACE)
                continue
            if lost:
                lost = False
                yield sight("back", (Change("hold", "Nomad answers again"),))
            rows = rows[:limit]
            if found := changes.of_jobs(before, rows):
                yield sight("changed", found)
            world.sleep(PACE)
    finally:
        bell.close()
