"""The beginning and the end of a server's process: settings first, and nothing left behind.

It ends a wrong start, so it imports nothing that takes long.
"""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable, Mapping
from typing import NoReturn, TypeVar

from toolkit.errors import ConfigError

S = TypeVar("S")


def start(
    name: str,
    environ: Mapping[str, str],
    settings_of: Callable[[Mapping[str, str]], S],
    run: Callable[[S], int],
) -> int:
    """Serve until SIGTERM or SIGINT; returns 1 at once when the configuration is wrong.

    `run` imports the server, and not before it is called: a wrong configuration must end the task
    without the cost of that.
    """
    if len(sys.argv) > 1:
        fatal(f"{name} takes no arguments: it reads its environment")
        return 1
    try:
        settings = settings_of(environ)
    except ConfigError as exc:
        for mistake in exc.mistakes:
            fatal(str(mistake))
        return 1
    # Whoever asks has a token in this memory: none of it becomes a file, whatever ends it.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return run(settings)


def leave(code: int) -> NoReturn:
    """End the process, whatever its threads still wait for.

    Everything is closed and everybody answered. Threads that wait for somebody who hangs would hold
    up the end beyond what Nomad gives a task.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def fatal(message: str) -> None:
    """The line that a task's log ends with."""
    sys.stderr.write(f"FATAL {message}\n")
