"""Read the logs of the local agents: `toolkit dev logs`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from toolkit.agents import processes
from toolkit.agents.layout import AGENTS, Layout
from toolkit.agents.processes import Process
from toolkit.agents.state import read_state
from toolkit.errors import AgentError
from toolkit.spec.agents import AgentName

_PAUSE = 0.25
"""Seconds between two looks at a file that grows: nothing portable tells when it does."""


def logs(root: Path, agent: AgentName | None = None, *, follow: bool = False) -> Iterator[str]:
    """Lines of the agents' logs (both, prefixed with the name, when `agent` is None).

    With `follow` until the agents end or the caller stops reading.
    AgentError, at once, when there is no log yet.
    """
    layout = Layout.of(root)
    wanted = AGENTS if agent is None else (agent,)
    found = {name: layout.log(name) for name in wanted if layout.log(name).is_file()}
    if not found:
        raise AgentError(
            f"no log of {agent or 'an agent'} in {layout.dev}", hint="toolkit dev up starts them"
        )
    state = read_state(layout)
    running = tuple(
        Process(each.pid, each.started)
        for each in (state.processes if state is not None else ())
        if each.name in found
    )
    return _lines(found, running if follow else (), prefixed=agent is None)


def _lines(
    found: dict[AgentName, Path], running: tuple[Process, ...], *, prefixed: bool
) -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        files = {
            name: stack.enter_context(path.open(errors="replace")) for name, path in found.items()
        }
        pending = dict.fromkeys(files, "")
        while True:
            # Asked before reading: what is written until then is still read below.
            alive = any(processes.is_running(each.pid, each.started) for each in running)
            for name, file in files.items():
                for line in _complete(file, name, pending, final=not alive):
                    yield f"{name:<6} | {line}" if prefixed else line
            if not alive:
                return
            processes.wait_gone(running, _PAUSE)


def _complete(
    file: TextIO, name: AgentName, pending: dict[AgentName, str], *, final: bool
) -> list[str]:
    *lines, rest = (pending[name] + file.read()).split("\n")
    pending[name] = rest
    if final and rest:
        lines.append(rest)
    return lines
