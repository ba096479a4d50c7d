"""Start one agent, detached, so that an interrupt at any moment leaves nothing unrecorded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from pathlib import Path

from toolkit.agents.configure import Setup, command_line, configuration
from toolkit.agents.find import Binary
from toolkit.agents.interrupts import ENDING
from toolkit.agents.layout import Layout
from toolkit.agents.processes import start_time
from toolkit.agents.state import explained, write_private
from toolkit.errors import AgentError
from toolkit.spec.agents import AgentName, AgentProcess

# Python ignores these, and a program that inherits that never dies of a closed pipe.
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)


def write_configuration(name: AgentName, setup: Setup) -> None:
    """Write the agent's configuration, which may hold a token, for its owner only."""
    text = json.dumps(configuration(name, setup), indent=2, sort_keys=True) + "\n"
    write_private(setup.layout.config(name), text)


def keep_previous_log(name: AgentName, layout: Layout) -> None:
    """Set the log of the run before aside."""
    with explained(layout.dev), contextlib.suppress(FileNotFoundError):
        layout.log(name).replace(layout.previous_log(name))


def spawn(
    name: AgentName, binary: Binary, setup: Setup, environment: dict[str, str]
) -> AgentProcess:
    """Start the agent in a session of its own; it writes to its log only.

    AgentError when the program cannot be executed.
    """
    log = setup.layout.log(name)
    arguments = command_line(name, str(binary.path), setup)
    append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    try:
        pid = os.posix_spawn(
            str(binary.path),
            arguments,
            environment,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, str(log), append, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[*ENDING, *_IGNORED_BY_PYTHON],
        )
    except OSError as error:
        raise AgentError(
            f"{binary.path} cannot be started as {name}: {(error.strerror or str(error)).lower()}",
            hint="name a working one with --nomad-bin or --consul-bin",
        ) from error
    started = start_time(pid)
    return AgentProcess(
        name=name,
        pid=pid,
        # Dead already: no start time will ever match, which is what it should be taken for.
        started=-1.0 if started is None else started,
        binary=str(binary.path),
        version=binary.version,
        log=str(log),
    )


def last_lines(log: Path, count: int = 10) -> tuple[str, ...]:
    """The end of a log file; empty when there is none."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except OSError:
        return ()
    return tuple(line for line in text.splitlines() if line.strip())[-count:]
