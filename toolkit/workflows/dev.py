"""The local cluster: `toolkit dev up | down | status | logs`.

``up``: fold away what a crash left, check the ports, find or build the binaries, start Consul,
wait for it, start Nomad, wait for it. Whatever interrupts that undoes all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from sys import platform

from toolkit.agents import interrupts, processes
from toolkit.agents.layout import AGENTS, Layout
from toolkit.agents.processes import Process
from toolkit.agents.state import exclusive, prepare_folder, read_state
from toolkit.agents.stop import find_leftovers, stop_everything
from toolkit.errors import AgentError, RefusedError
from toolkit.spec.agents import AgentState
from toolkit.spec.dev import DevReport, Machine
from toolkit.spec.events import OnEvent, ignore
from toolkit.workflows.dev_logs import logs
from toolkit.workflows.dev_report import addresses_of, report_on, runs
from toolkit.workflows.dev_start import Asked, Talk, start_agents

_ATTACHED_PAUSE = 1.0
"""Seconds after which an attached command looks for an interrupt that Python lost."""

__all__ = ["down", "logs", "status", "up"]


def up(
    root: Path,
    *,
    machine: Machine,
    acl: bool = False,
    data: bool = False,
    foreground: bool = False,
    port_offset: int = 0,
    nomad_bin: Path | None = None,
    consul_bin: Path | None = None,
    traefik_bin: Path | None = None,
    timeout: float = 60.0,
    on_event: OnEvent = ignore,
    clock: Callable[[], float] = time.monotonic,
    now: Callable[[], float] = time.time,
) -> DevReport:
    """Start Consul and Nomad for the project at `root`, on loopback, and wait until both are ready.

    With `foreground` it returns only after Ctrl-C (or the death of an agent) and has then stopped
    everything. `timeout`: seconds for both to become ready, builds not counted.
    AgentError, PortTakenError, RefusedError (up already, with other flags).
    """
    _require_linux()
    layout = Layout.of(root)
    asked = Asked(acl, data, port_offset, {"nomad": nomad_bin, "consul": consul_bin}, traefik_bin)
    prepare_folder(layout)
    with interrupts.noticed() as check, ExitStack() as undo:
        talk = Talk(on_event, now, check)
        with exclusive(layout):
            state = read_state(layout)
            if state is not None and _all_run(state):
                return _already_up(layout, state, asked)
            _clean_up(layout, state, talk)
            began = clock()
            undo.callback(_undo, layout, talk)
            state = start_agents(layout, machine, asked, timeout, talk, clock)
        versions = " and ".join(
            f"{each.name.capitalize()} {each.version}" for each in state.processes
        )
        sentence = f"{versions} are ready on 127.0.0.1, in {clock() - began:.1f} s"
        if foreground:
            report = _stay(layout, state, sentence, talk)
        else:
            report = report_on(layout, state, "started", sentence, next_="toolkit deploy traefik")
        if not foreground:
            check()
        undo.pop_all()
    return report


def _undo(layout: Layout, talk: Talk) -> None:
    stop_everything(layout, read_state(layout), say=talk.quietly("note"))


def down(
    root: Path, *, on_event: OnEvent = ignore, now: Callable[[], float] = time.time
) -> DevReport:
    """Stop the local agents and everything they started; nothing to stop is fine.

    AgentError when something cannot be ended or unmounted.
    """
    _require_linux()
    layout = Layout.of(root)
    if not layout.dev.is_dir() and not find_leftovers(layout, None):
        return DevReport("stopped", "no local agents were running")
    prepare_folder(layout)
    with exclusive(layout):
        state = read_state(layout)
        left = find_leftovers(layout, state)
        stop_everything(layout, state, say=Talk(on_event, now).at("step"))
    kept = layout.data.is_dir()
    return DevReport(
        "stopped",
        "local agents and everything they started are stopped"
        if left
        else "no local agents were running",
        data=kept,
        notes=(f"their data stays in {layout.data}",) if kept else (),
    )


def status(root: Path) -> DevReport:
    """The local agents as they stand; one that died with the last lines of its log."""
    layout = Layout.of(root)
    state = read_state(layout)
    if state is None:
        left = find_leftovers(layout, None)
        return DevReport(
            "not running",
            "no local agents run here",
            notes=(f"{len(left)} processes of an earlier run are left; toolkit dev down ends them",)
            if left
            else (),
            next="toolkit dev up",
        )
    dead = [each.name for each in state.processes if not runs(each)]
    dead += [name for name in AGENTS if name not in {each.name for each in state.processes}]
    if dead:
        sentence = f"{' and '.join(dead)} should run and {'does' if len(dead) == 1 else 'do'} not"
        return report_on(layout, state, "died", sentence, next_="toolkit dev up")
    return report_on(layout, state, "running", f"both agents run since {state.started_at}")


def _require_linux() -> None:
    if platform != "linux":
        raise AgentError(
            "local agents need Linux: processes are told apart by what its kernel says of them",
            hint="name a cluster elsewhere in toolkit.toml, or work in a Linux machine",
        )


def _all_run(state: AgentState) -> bool:
    # A record of less than both is one of an `up` that was killed.
    return len(state.processes) == len(AGENTS) and all(runs(each) for each in state.processes)


def _already_up(layout: Layout, state: AgentState, asked: Asked) -> DevReport:
    other = []
    if asked.acl and not state.acl:
        other.append("without access control")
    if asked.data and not state.data_dir:
        other.append("without keeping data")
    if asked.offset not in {0, state.ports.offset}:
        other.append(f"with port offset {state.ports.offset}")
    for each in state.processes:
        given = asked.given.get(each.name)
        if given is not None and str(given.absolute()) != each.binary:
            other.append(f"with {each.binary}")
    if other:
        raise RefusedError(
            f"the local agents of {layout.root} are up already, {', '.join(other)}",
            hint="toolkit dev down stops them",
        )
    sentence = f"the local agents are up already, since {state.started_at}"
    return report_on(layout, state, "already up", sentence)


def _clean_up(layout: Layout, state: AgentState | None, talk: Talk) -> None:
    if state is None and not find_leftovers(layout, None) and not layout.alloc.exists():
        return
    talk.at("note")("the local agents did not end by toolkit dev down; cleaning up first")
    stop_everything(layout, state, say=talk.at("note"))


def _stay(layout: Layout, state: AgentState, sentence: str, talk: Talk) -> DevReport:
    watched = [Process(each.pid, each.started) for each in state.processes]
    interrupted = False
    try:
        talk.at("step")(sentence)
        for name, address in addresses_of(state).items():
            talk.at("step")(f"{name} {address}")
        talk.at("step")("attached; Ctrl-C stops everything")
        while len(processes.wait_gone(watched, _ATTACHED_PAUSE, any_of_them=True)) == len(watched):
            talk.check()
    except KeyboardInterrupt:
        interrupted = True
    with exclusive(layout):
        # Somebody else's `toolkit dev down` ended them: that is no death.
        ours = read_state(layout) is not None
        report = report_on(layout, state, "died", "")
        stop_everything(layout, read_state(layout), say=talk.quietly("step"))
    dead = [row.name for row in report.agents if row.status == "died"]
    if interrupted or not ours or not dead:
        return DevReport("stopped", "local agents and everything they started are stopped")
    sentence = f"{' and '.join(dead)} ended by itself; everything was stopped"
    return replace(report, sentence=sentence, addresses={})
