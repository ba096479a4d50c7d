"""What is done now and then: the trash is emptied of what is old, repositories are packed anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from toolkit.errors import ToolkitError

if TYPE_CHECKING:
    from toolkit.repos.registry import Registry
    from toolkit.serving.log import Log

EVERY = 3600.0
"""Seconds between two rounds."""


def tidy(
    registry: Registry,
    log: Log,
    *,
    keep: float,
    wait: Callable[[float], bool],
    now: Callable[[], float] = time.time,
) -> None:
    """Round after round until `wait`, which is told for how long, says that the server ends.

    `keep`: seconds for which what was deleted can be had back.
    """
    ends = False
    while not ends:
        try:
            for gone in registry.empty_trash(now() - keep):
                log.say("forgotten", what=gone)
        except (ToolkitError, OSError) as exc:
            log.say("untidy", why=str(exc))
        # At its start a server has better things to do than to pack.
        ends = wait(EVERY)
        for repo in () if ends else registry.all():
            try:
                registry.collect(repo)
            except (ToolkitError, OSError) as exc:
                log.say("untidy", repo=repo.name, why=str(exc))
            ends = ends or wait(0.0)
