"""What somebody beside Nomad finds while a rollout is watched: told from any thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Literal

from toolkit.rollout.analysis.targets import Targets
from toolkit.rollout.machine.answers import Opinion

Who = Literal["probe", "analysis"]


class Outside:
    """The last opinion of each; telling one wakes whoever watches.

    Made before the watch and kept after it: a probe asks before the submission already.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._opinions: dict[Who, Opinion] = {}
        self._wakes: tuple[Callable[[], None], ...] = ()
        self.compare: Callable[[Targets, bool], None] | None = None
        """Who compares canaries with stable instances: told which there are at each change, and
        whether the gate was open, which is when it begins; None: nobody."""

    def tell(self, who: Who, opinion: Opinion) -> None:
        """Keep an opinion; told again unchanged, it wakes nobody."""
        with self._lock:
            if self._opinions.get(who) == opinion:
                return
            self._opinions[who] = opinion
            wakes = self._wakes
        for wake in wakes:
            wake()

    def forget(self, who: Who) -> None:
        """As if nothing had been told: what follows is about another deployment."""
        with self._lock:
            self._opinions.pop(who, None)

    def of(self, who: Who) -> Opinion | None:
        """The last opinion; None until there was one."""
        with self._lock:
            return self._opinions.get(who)

    def wakes(self, wake: Callable[[], None]) -> None:
        """Call `wake`, on the thread of whoever tells, at every new opinion from now on."""
        with self._lock:
            self._wakes = (*self._wakes, wake)

    def leaves(self, wake: Callable[[], None]) -> None:
        """Call it no more."""
        with self._lock:
            self._wakes = tuple(known for known in self._wakes if known != wake)
