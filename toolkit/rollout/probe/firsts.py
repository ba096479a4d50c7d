"""Does what serves now answer a probe well at all? Asked before anything is changed."""

from __future__ import annotations

from toolkit.rollout.probe.doors import Asking
from toolkit.rollout.world import World

TRIES = 3
"""Times that a path may fail before it is said to."""
PAUSE = 0.2
"""Seconds between them."""


def first_failure(world: World, asking: Asking) -> str | None:
    """What fails whenever it is asked, such as `GET /nowhere: HTTP 404`; None where all is well."""
    for place in asking.places:
        with asking.prober(place.door, world.clock) as prober:
            for attempt in range(TRIES):
                problem = asking.problem(prober.ask(place.method, place.path))
                if problem is None:
                    break
                if attempt < TRIES - 1:
                    world.sleep(PAUSE)
            else:
                return f"{place.method} {place.path}: {problem}"
    return None
