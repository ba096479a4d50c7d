"""The local cluster: `toolkit dev up | down | status | logs`.

``up``: fold away what a crash left, check the ports, find or build the binaries, start Consul,
wait for it, start Nomad, wait for it. Whatever interrupts that undoes all of it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import geteuid
from pathlib import Path
from sys import platform

from toolkit.agents import processes
from toolkit.agents.acl import Tokens, make_tokens
from toolkit.agents.configure import Setup, scrubbed_environment
from toolkit.agents.find import Binary, find_agents, find_traefik
from toolkit.agents.layout import AGENTS, Layout
from toolkit.agents.ports import check_free, ports_at
from toolkit.agents.processes import Process
from toolkit.agents.start import (
    endings_interrupt,
    interrupts_held,
    keep_previous_log,
    last_lines,
    spawn,
    write_configuration,
)
from toolkit.agents.state import (
    exclusive,
    explained,
    prepare_folder,
    read_state,
    write_private,
    write_state,
)
from toolkit.agents.stop import find_leftovers, stop_everything
from toolkit.errors import AgentError, RefusedError
from toolkit.spec.agents import AgentName, AgentProcess, AgentState
from toolkit.spec.dev import AgentRow, DevReport, DevWord, Machine
from toolkit.spec.events import Event, OnEvent, Stage, ignore
from toolkit.workflows.dev_logs import logs
from toolkit.workflows.dev_ready import Wait, await_consul, await_nomad

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
    talk = _Talk(on_event, now)
    asked = _Asked(acl, data, port_offset, {"nomad": nomad_bin, "consul": consul_bin}, traefik_bin)
    prepare_folder(layout)
    with endings_interrupt():
        with exclusive(layout):
            state = read_state(layout)
            if state is not None and _all_run(state):
                return _already_up(layout, state, asked)
            _clean_up(layout, state, talk)
            began = clock()
            try:
                state = _start(layout, machine, asked, timeout, talk, clock)
            except BaseException:
                stop_everything(layout, read_state(layout), say=talk.at("note"))
                raise
        versions = " and ".join(
            f"{each.name.capitalize()} {each.version}" for each in state.processes
        )
        sentence = f"{versions} are ready on 127.0.0.1, in {clock() - began:.1f} s"
        if foreground:
            return _stay(layout, state, sentence, talk)
    return _report(layout, state, "started", sentence, next_="toolkit deploy traefik")


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
        stop_everything(layout, state, say=_Talk(on_event, now).at("step"))
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
    dead = [each.name for each in state.processes if not _runs(each)]
    dead += [name for name in AGENTS if name not in {each.name for each in state.processes}]
    if dead:
        sentence = f"{' and '.join(dead)} should run and {'does' if len(dead) == 1 else 'do'} not"
        return _report(layout, state, "died", sentence, next_="toolkit dev up")
    return _report(layout, state, "running", f"both agents run since {state.started_at}")


@dataclass(frozen=True)
class _Asked:
    """What the command line asked for."""

    acl: bool
    data: bool
    offset: int
    given: dict[AgentName, Path | None]
    traefik: Path | None


@dataclass(frozen=True)
class _Talk:
    """Says what happens, with the time."""

    on_event: OnEvent
    now: Callable[[], float]

    def at(self, stage: Stage) -> Callable[[str], None]:
        return lambda text: self.on_event(Event(stage, text, self.now()))


def _require_linux() -> None:
    if platform != "linux":
        raise AgentError(
            "local agents need Linux: processes are told apart by what its kernel says of them",
            hint="name a cluster elsewhere in toolkit.toml, or work in a Linux machine",
        )


def _runs(agent: AgentProcess) -> bool:
    return processes.is_running(agent.pid, agent.started)


def _all_run(state: AgentState) -> bool:
    # A record of less than both is one of an `up` that was killed.
    return len(state.processes) == len(AGENTS) and all(_runs(each) for each in state.processes)


def _already_up(layout: Layout, state: AgentState, asked: _Asked) -> DevReport:
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
    return _report(layout, state, "already up", sentence)


def _clean_up(layout: Layout, state: AgentState | None, talk: _Talk) -> None:
    if state is None and not find_leftovers(layout, None) and not layout.alloc.exists():
        return
    talk.at("note")("the local agents did not end by toolkit dev down; cleaning up first")
    stop_everything(layout, state, say=talk.at("note"))


def _start(
    layout: Layout,
    machine: Machine,
    asked: _Asked,
    timeout: float,
    talk: _Talk,
    clock: Callable[[], float],
) -> AgentState:
    ports = ports_at(asked.offset)
    # Before the build, which may take minutes.
    check_free(ports)
    traefik = find_traefik(machine, asked.traefik)
    binaries = find_agents(machine, asked.given, say=talk.at("build"))
    check_free(ports)
    tokens = _tokens(layout, asked)
    setup = Setup(layout, ports, asked.data, tokens, machine.docker_endpoint)
    state = AgentState(
        ports=ports,
        processes=(),
        traefik=str(traefik.path),
        acl=asked.acl,
        nomad_token=tokens.nomad if tokens else "",
        consul_token=tokens.consul if tokens else "",
        traefik_token=tokens.traefik if tokens else "",
        data_dir=str(layout.data) if asked.data else "",
        started_at=datetime.fromtimestamp(talk.now(), UTC).isoformat(timespec="seconds"),
        root=geteuid() == 0,
    )
    began = clock()
    for name in AGENTS:
        state = _start_one(binaries[name], name, setup, machine, state)
        talk.at("start")(
            f"{name} {binaries[name].version} from {binaries[name].origin} {binaries[name].path}"
        )
        wait = Wait(state.processes, timeout, began, clock)
        if name == "consul":
            await_consul(state.consul_address, tokens, wait)
        else:
            await_nomad(state.nomad_address, tokens, wait)
    return state


def _start_one(
    binary: Binary, name: AgentName, setup: Setup, machine: Machine, state: AgentState
) -> AgentState:
    write_configuration(name, setup)
    keep_previous_log(name, setup.layout)
    with interrupts_held():
        started = spawn(name, binary, setup, scrubbed_environment(machine, setup.layout))
        state = replace(state, processes=(*state.processes, started))
        write_state(setup.layout, state)
    return state


def _tokens(layout: Layout, asked: _Asked) -> Tokens | None:
    if not asked.acl:
        return None
    if not asked.data:
        return make_tokens()
    try:
        return Tokens.from_json(layout.tokens.read_text())
    except FileNotFoundError:
        tokens = make_tokens()
    except (ValueError, TypeError) as error:
        raise AgentError(
            f"{layout.tokens} does not hold the tokens of the kept data",
            hint=f"delete {layout.data} to start from nothing",
        ) from error
    with explained(layout.data):
        layout.data.mkdir(exist_ok=True, mode=0o700)
    # Before the agents learn them: data whose tokens nobody knows is lost.
    write_private(layout.tokens, tokens.to_json())
    return tokens


def _stay(layout: Layout, state: AgentState, sentence: str, talk: _Talk) -> DevReport:
    talk.at("step")(sentence)
    for name, address in _addresses(state).items():
        talk.at("step")(f"{name} {address}")
    talk.at("step")("attached; Ctrl-C stops everything")
    watched = [Process(each.pid, each.started) for each in state.processes]
    interrupted = False
    try:
        processes.wait_gone(watched, None, any_of_them=True)
    except KeyboardInterrupt:
        interrupted = True
    with exclusive(layout):
        # Somebody else's `toolkit dev down` ended them: that is no death.
        ours = read_state(layout) is not None
        report = _report(layout, state, "died", "")
        stop_everything(layout, read_state(layout), say=talk.at("step"))
    dead = [row.name for row in report.agents if row.status == "died"]
    if interrupted or not ours or not dead:
        return DevReport("stopped", "local agents and everything they started are stopped")
    sentence = f"{' and '.join(dead)} ended by itself; everything was stopped"
    return replace(report, sentence=sentence, addresses={})


def _report(
    layout: Layout, state: AgentState, word: DevWord, sentence: str, next_: str | None = None
) -> DevReport:
    return DevReport(
        word=word,
        sentence=sentence,
        agents=tuple(_row(each, state) for each in state.processes),
        addresses=_addresses(state),
        acl=state.acl,
        data=bool(state.data_dir),
        state_file=str(layout.state),
        next=next_,
    )


def _row(agent: AgentProcess, state: AgentState) -> AgentRow:
    runs = _runs(agent)
    address = state.consul_address if agent.name == "consul" else state.nomad_address
    return AgentRow(
        name=agent.name,
        status="running" if runs else "died",
        pid=agent.pid if runs else None,
        version=agent.version,
        binary=agent.binary,
        address=address,
        log=agent.log,
        last_lines=() if runs else last_lines(Path(agent.log)),
    )


def _addresses(state: AgentState) -> dict[str, str]:
    running = {each.name for each in state.processes if _runs(each)}
    pages = {"Nomad": f"{state.nomad_address}/ui", "Consul": f"{state.consul_address}/ui"}
    return {name: page for name, page in pages.items() if name.lower() in running}
