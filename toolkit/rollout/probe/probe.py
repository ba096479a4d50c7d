"""Ask at a steady rate, whatever becomes of the answers: an outage is failures, not silence.

One thread keeps time and hands out what is due; as many others as are needed, and never more than
`MOST_WAITING`, ask and wait. What cannot even be sent, because so many before it still wait, has
failed as well. A process that stood still itself is no outage: what is found late by our own watch
is forgiven, and nothing is sent twice to make up for it.
"""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

from toolkit.rollout.probe.budget import seconds, spent
from toolkit.rollout.probe.doors import Asking, Place
from toolkit.rollout.probe.tally import Answered, Tally
from toolkit.rollout.world import World
from toolkit.spec.probe import ProbeFailure, ProbeReport

MOST_WAITING = 64
"""Requests that may wait for an answer at the same time, each with a thread and a connection."""
LONGEST = 3600.0
"""Seconds after which a probe ends by itself."""
LATE = 0.25
"""Seconds by which our own watch may be late before it counts as standing still."""
GRACE = 0.5
"""Seconds that requests under way are given when the probe ends."""


@dataclass(frozen=True, slots=True)
class Releases:
    """Names by which answers of the new and of the old release are told apart."""

    new: str | None = None
    old: str | None = None


Counting = Literal["now", "from the first good answer", "once the release is proven"]
"""From when on a failure is one: where nothing serves yet, or badly, there is nothing to lose."""

OnSpent = Callable[[str, tuple[ProbeFailure, ...]], None]
"""Told once, on a thread of the probe: why the budget is spent, and the failures so far."""


class Probe:
    """`with Probe(…) as probe:` asks from then on until the block ends."""

    def __init__(
        self,
        world: World,
        asking: Asking,
        releases: Releases,
        on_spent: OnSpent,
        *,
        counting: Counting,
    ) -> None:
        self.asking, self._releases, self._on_spent = asking, releases, on_spent
        self._clock, self._now = world.clock, world.now
        self._interval = 1 / asking.settings.rate
        self._lock = threading.Lock()
        self._ended, self._over = threading.Event(), threading.Event()
        self._due_queue: queue.SimpleQueue[tuple[int, Place, float] | None] = queue.SimpleQueue()
        self._workers: list[threading.Thread] = []
        self._began = self._due = self._clock()
        self._tally = Tally(
            asking.settings.budget,
            epoch=self._now() - self._began,
            counting=counting == "now",
            until_told=counting == "once the release is proven",
        )
        self._why: str | None = None
        self._by: tuple[ProbeFailure, ...] = ()
        self._stood_still = 0.0
        self._notes: list[str] = []
        self._bug: BaseException | None = None
        self._watch = threading.Thread(
            target=self._guard, args=(self._keep_time,), daemon=True, name="probe-time"
        )

    def __enter__(self) -> Self:
        self._watch.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._end()

    # For whoever watches the rollout.

    @property
    def spent(self) -> str | None:
        """Why the budget is spent; None while it is not."""
        with self._lock:
            return self._why

    @property
    def spent_by(self) -> tuple[ProbeFailure, ...]:
        """The failures up to that moment."""
        with self._lock:
            return self._by

    def count_from_now(self) -> None:
        """The release is there: what fails from here on is lost, even before a good answer."""
        with self._lock:
            self._tally.counting = True

    def settle(self, since: float, most: float) -> None:
        """Go on until the old release has not answered for the agreed time, at most `most` seconds.

        `since`: when the release was proven, on the world's clock. What fails then is waited for
        until it is answered well again, or has spent the budget, which ends it at once.
        """
        quiet = self.asking.settings.settle
        while not self._ended.is_set():
            with self._lock:
                last_old = self._tally.lasts.get(self._releases.old or "", since)
                fails = self._tally.failed_since is not None
            now = self._clock()
            until = min(max(since, last_old) + quiet, since + most)
            if now >= until and (not fails or now >= since + most):
                return
            if self._over.wait(max(until - now, self._interval)):
                return

    def seen(self) -> ProbeReport:
        """What was seen up to now; a bug on one of its threads is raised here."""
        if self._bug is not None:
            raise self._bug
        with self._lock:
            return self._seen()

    # The watch.

    def _keep_time(self) -> None:
        try:
            self._hand_out()
        finally:
            with self._lock:
                self._due = math.inf  # nobody is late any more

    def _hand_out(self) -> None:
        settings, number = self.asking.settings, 0
        while not self._ended.wait(max(self._due - self._clock(), 0.0)):
            now = self._clock()
            if number >= settings.most_requests:
                self._notes.append(f"it ended after {number} requests, the most that it may make")
                return
            if now - self._began > LONGEST:
                self._notes.append(f"it ended after {LONGEST:g} s")
                return
            place = self.asking.places[number % len(self.asking.places)]
            with self._lock:
                self._forgive(now)
                self._due += self._interval
                waiting = len(self._tally.under_way)
                sent = waiting < MOST_WAITING
                if sent:
                    self._tally.send(number, now)
                else:
                    why = f"not sent: {waiting} before it still wait"
                    self._tally.miss(number, now, place.method, place.path, why)
                found, stood_still = self._judge(now), self._stood_still
            if sent:
                self._due_queue.put((number, place, stood_still))
                if waiting >= len(self._workers):
                    self._hire()
            self._tell(found)
            number += 1

    def _forgive(self, now: float) -> None:
        """Take what is late by our own watch out of what anybody waited."""
        if (late := now - self._due) > LATE:
            self._tally.forgive(late)
            self._due += late
            self._stood_still += late

    def _judge(self, now: float) -> str | None:
        """Why the budget is spent, the first time that it is."""
        if self._why is not None:
            return None
        self._why = spent(self._tally.figures(now), self.asking.settings.budget)
        if self._why is not None:
            self._by = tuple(self._tally.failures)
        return self._why

    def _tell(self, found: str | None) -> None:
        if found is None:
            return
        self._on_spent(found, self.spent_by)
        self._over.set()

    # The askers.

    def _hire(self) -> None:
        asker = threading.Thread(
            target=self._guard, args=(self._ask_on,), daemon=True, name="probe-asks"
        )
        self._workers.append(asker)
        asker.start()

    def _ask_on(self) -> None:
        probers = {}
        try:
            while (due := self._due_queue.get()) is not None:
                number, place, stood_still = due
                if place.door not in probers:
                    probers[place.door] = self.asking.prober(place.door, self._clock)
                reply = probers[place.door].ask(place.method, place.path)
                answered = Answered(
                    number, reply.sent, reply.ended, place.method, place.path,
                    self.asking.release(reply), self.asking.problem(reply),
                )  # fmt: skip
                with self._lock:
                    self._forgive(self._clock())
                    if reply.late and self._stood_still > stood_still:
                        # Its time ran out while we were not there to read an answer.
                        self._tally.drop(number)
                    else:
                        self._tally.take(answered)
                    found = self._judge(self._clock())
                self._tell(found)
        finally:
            for prober in probers.values():
                prober.close()

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as exc:  # noqa: BLE001 - told where the probe is ended
            self._bug = exc
            self._over.set()

    # The end.

    def _end(self) -> None:
        if self._ended.is_set():
            return
        self._ended.set()
        # It waits for nothing but that, and only once it is over nobody more is hired.
        self._watch.join()
        for _ in self._workers:
            self._due_queue.put(None)
        until = self._clock() + GRACE
        for asker in self._workers:
            asker.join(max(until - self._clock(), 0.0))

    def _seen(self) -> ProbeReport:
        tally, settings = self._tally, self.asking.settings
        figures = tally.figures(self._clock())
        notes = list(self._notes)
        if self._stood_still >= 1:
            notes.append(f"this machine kept it waiting for {seconds(self._stood_still)}")
        return ProbeReport(
            settings=settings,
            address=", ".join(dict.fromkeys(self.asking.addresses)),
            host=self.asking.host,
            began=tally.epoch + self._began,
            ended=tally.epoch + self._clock(),
            requests=tally.requests,
            failed=tally.failed,
            longest_gap=figures.gap,
            latency=tally.latency(),
            first_new=self._at(tally.firsts, self._releases.new),
            last_old=self._at(tally.lasts, self._releases.old),
            last_new=self._at(tally.lasts, self._releases.new),
            over=self._why,
            seconds=tally.rows(),
            failures=tuple(tally.failures),
            notes=tuple(notes),
        )

    def _at(self, times: dict[str, float], release: str | None) -> float | None:
        if release is None or self._releases.new == self._releases.old:
            return None
        found = times.get(release)
        return None if found is None else self._tally.epoch + found
