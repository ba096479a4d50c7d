"""Lives that end by SIGKILL at a chosen point: each a fork of a process that imported everything.

Reads a line of JSON for each life from standard input and answers with a line when it has ended:
`killed`, or `ended` when the point of its death never came.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn


class Death:
    """Comes at the n-th time that a point is passed."""

    def __init__(self, point: str, times: int):
        self._point = point
        self._left = times

    def passes(self, point: str) -> None:
        """Die here, when it is time."""
        if self.comes(point):
            die()

    def comes(self, point: str) -> bool:
        """Whether it is time."""
        if point != self._point:
            return False
        self._left -= 1
        return self._left == 0


def die() -> NoReturn:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("nobody survives that")


def fork_lives(live: Callable[[dict[str, Any]], None]) -> None:
    """Fork a life for each line."""
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                live(json.loads(line))
                status = 0
            finally:
                sys.stderr.flush()
                os._exit(status)
        status = os.waitpid(child, 0)[1]
        code = os.waitstatus_to_exitcode(status)
        print({-signal.SIGKILL: "killed", 0: "ended"}.get(code, f"broke with {code}"), flush=True)
