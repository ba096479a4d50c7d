"""Stop the local agents and find what they left: nothing stays behind.

Nomad goes first, because stopping tasks deregisters them in Consul; then what Nomad left; then
Consul; then mounts and files.
"""

from __future__ import annotations

import signal
from collections.abc import Callable

from toolkit.agents import mounts, processes
from toolkit.agents.layout import AGENTS, Layout
from toolkit.agents.processes import Process
from toolkit.agents.state import explained, forget_state
from toolkit.errors import AgentError
from toolkit.spec.agents import AgentName, AgentProcess, AgentState

AGENT_GRACE = 20.0
"""Seconds for an agent to end by itself; Nomad in dev mode stops its tasks in that time."""
TASK_GRACE = 3.0
"""Seconds for a task that its agent left behind."""

Say = Callable[[str], None]


def find_leftovers(layout: Layout, state: AgentState | None) -> tuple[Process, ...]:
    """Everything of this project's local agents that runs, recorded or not."""
    recorded = tuple(
        Process(each.pid, each.started)
        for each in (state.processes if state is not None else ())
        if processes.is_running(each.pid, each.started)
    )
    return tuple(dict.fromkeys((*recorded, *processes.belonging_to(layout.dev))))


def stop_agent(agent: AgentProcess, grace: float = AGENT_GRACE) -> None:
    """End one agent: SIGTERM, then SIGKILL; AgentError when it may not be ended."""
    if processes.end([Process(agent.pid, agent.started)], grace=grace):
        raise _cannot_end((Process(agent.pid, agent.started),))


def kill_agent(agent: AgentProcess) -> None:
    """SIGKILL one agent, as a crash would: it leaves its tasks behind."""
    process = Process(agent.pid, agent.started)
    processes.send(process, signal.SIGKILL)
    processes.wait_gone([process], AGENT_GRACE)


def stop_everything(layout: Layout, state: AgentState | None, *, say: Say) -> None:
    """Leave no process, mount, registration or temporary file of the local agents.

    Data of agents that keep it stays, without the registrations of the tasks that were stopped.
    AgentError when something cannot be ended or unmounted.
    """
    agents = {each.name: each for each in state.processes} if state is not None else {}
    _stop_recorded(agents.get("nomad"), "nomad", say)
    consul = agents.get("consul")
    spared = () if consul is None else (Process(consul.pid, consul.started),)
    left = [each for each in processes.belonging_to(layout.dev) if each not in spared]
    if left:
        say(f"ending {_count(len(left), 'process', 'processes')} left behind")
        # Agents among them, when the record is lost: these need their time.
        grace = AGENT_GRACE if state is None else TASK_GRACE
        _end_leftovers(layout, left, spared, grace)
    _stop_recorded(consul, "consul", say)
    mounts.unmount(layout.dev)
    _forget_registrations(layout)
    _remove_volatile(layout)
    forget_state(layout)


def _stop_recorded(agent: AgentProcess | None, name: AgentName, say: Say) -> None:
    if agent is not None and processes.is_running(agent.pid, agent.started):
        say(f"stopping {name} (process {agent.pid})")
        stop_agent(agent)


def _end_leftovers(
    layout: Layout, left: list[Process], spared: tuple[Process, ...], grace: float
) -> None:
    stubborn = processes.end(left, grace=grace)
    # What a dying process started in the meantime.
    late = [each for each in processes.belonging_to(layout.dev) if each not in spared]
    stubborn += processes.end([each for each in late if each not in stubborn], grace=0.0)
    if stubborn:
        raise _cannot_end(stubborn)


def _cannot_end(stubborn: tuple[Process, ...]) -> AgentError:
    names = ", ".join(f"{processes.command_name(each.pid)} ({each.pid})" for each in stubborn)
    return AgentError(
        f"cannot end {names}",
        hint="they belong to another user: run `toolkit dev down` as that user or as root",
    )


def _forget_registrations(layout: Layout) -> None:
    # An agent that keeps data registers these again when it starts, although their tasks are gone.
    for kind in ("services", "checks"):
        mounts.remove_tree(layout.data / "consul" / kind)


def _remove_volatile(layout: Layout) -> None:
    mounts.remove_tree(layout.client)
    mounts.remove_tree(layout.alloc)
    with explained(layout.dev):
        for name in AGENTS:
            # It may hold a token.
            layout.config(name).unlink(missing_ok=True)


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"
