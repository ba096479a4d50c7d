"""Asks both sides, in turns, at a bounded rate: each canary request has a stable one beside it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from math import ceil

from toolkit.clients.http import Answer, ask
from toolkit.rollout.analysis.tally import Sample, SideName, Tally
from toolkit.rollout.analysis.targets import Target, Targets
from toolkit.rollout.world import World
from toolkit.spec.analysis import AnalysisSettings

MOST_LANES = 8
"""Threads that ask: slow answers lower the rate only once all of them wait."""

BLOCK = 20
"""Pairs of requests to the same instances, before others of the larger side have their turn."""

Ask = Callable[[Target, str], Answer]


def asker(world: World, settings: AnalysisSettings) -> Ask:
    """One request over a connection of its own: one kept open would favour who is asked more."""

    def request(target: Target, path: str) -> Answer:
        return ask(
            target.url,
            host=target.host,
            path=path,
            timeout=settings.timeout,
            proxy=world.target.consul.proxy,
        )

    return request


class Sampler:
    """The threads that ask, from `start` to `stop`."""

    def __init__(
        self,
        settings: AnalysisSettings,
        request: Ask,
        tally: Tally,
        *,
        clock: Callable[[], float],
        now: Callable[[], float],
    ):
        self._settings, self._request, self._tally = settings, request, tally
        self._clock, self._now = clock, now
        self._over = threading.Event()
        self._targets = Targets()
        self.broken: BaseException | None = None
        """A bug on one of the threads."""

    def aim(self, targets: Targets) -> None:
        """Ask these from now on."""
        self._targets = targets

    def start(self) -> None:
        """Begin to ask."""
        lanes = min(MOST_LANES, max(ceil(self._settings.rate * self._settings.timeout), 1))
        begun = self._clock()
        for lane in range(lanes):
            threading.Thread(
                target=self._lane, args=(begun, lane, lanes), daemon=True, name=f"analysis-{lane}"
            ).start()

    def stop(self) -> None:
        """Ask nothing more; what is on its way may still be answered, and is not counted."""
        self._over.set()

    def _lane(self, begun: float, lane: int, lanes: int) -> None:
        try:
            rate, slot, turn = self._settings.rate, lane, lane
            while not self._over.wait(max(begun + slot / rate - self._clock(), 0.0)):
                self._pair(turn)
                turn += lanes
                # What was missed while answers were slow is not made up for in a burst.
                missed = int((self._clock() - begun) * rate - slot) // lanes
                slot += lanes * max(missed, 1)
        except BaseException as exc:  # noqa: BLE001 - a bug here must not look like silence
            self.broken = exc
            self._tally.wake()

    def _pair(self, turn: int) -> None:
        """One request to each side; who comes first follows the fair sequence of Thue and Morse."""
        paths, targets = self._settings.paths, self._targets
        path, which = paths[turn % len(paths)], turn // len(paths)
        sides: list[tuple[SideName, tuple[Target, ...]]] = [
            ("canary", targets.canaries), ("stable", targets.stable),
        ]  # fmt: skip
        # As many of each side at a time: one canary must not carry what three stable ones share.
        each = min((len(those) for _, those in sides if those), default=0)
        for side, those in sides if which.bit_count() % 2 else reversed(sides):
            if those and not self._over.is_set():
                at = which // BLOCK * each + which % each
                self._one(side, those[at % len(those)], path)

    def _one(self, side: SideName, target: Target, path: str) -> None:
        answer = self._request(target, path)
        if self._over.is_set():
            return
        good = answer.error is None and answer.status is not None and 200 <= answer.status < 400
        wrong = None if good else answer.error or f"HTTP {answer.status}"
        self._tally.add(
            Sample(
                self._now(), side, target.allocation, path, answer.seconds, wrong,
                answered=answer.status is not None,
            )
        )  # fmt: skip
