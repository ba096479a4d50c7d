"""Start Consul, then Nomad, each as soon as the one before is ready: the middle of `dev up`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import geteuid
from pathlib import Path

from toolkit.agents import interrupts
from toolkit.agents.acl import Tokens, make_tokens
from toolkit.agents.configure import Setup, scrubbed_environment
from toolkit.agents.find import Binary, find_agents, find_traefik
from toolkit.agents.layout import AGENTS, Layout
from toolkit.agents.ports import check_free, ports_at
from toolkit.agents.start import keep_previous_log, spawn, write_configuration
from toolkit.agents.state import explained, write_private, write_state
from toolkit.agents.stop import stop_agent
from toolkit.errors import AgentError
from toolkit.spec.agents import AgentName, AgentState
from toolkit.spec.dev import Machine
from toolkit.spec.events import Event, OnEvent, Stage
from toolkit.workflows.dev_ready import Wait, await_consul, await_nomad
from toolkit.workflows.dev_report import runs

_SOON = 4.0
"""Seconds in which a first registration is over, when it works."""


@dataclass(frozen=True)
class Asked:
    """What the command line asked for."""

    acl: bool
    data: bool
    offset: int
    given: dict[AgentName, Path | None]
    traefik: Path | None


@dataclass(frozen=True)
class Talk:
    """Says what happens, with the time."""

    on_event: OnEvent
    now: Callable[[], float]
    check: interrupts.Check = interrupts.never

    def at(self, stage: Stage) -> Callable[[str], None]:
        """Says each text as an event of that stage."""

        def say(text: str) -> None:
            self.check()
            self.on_event(Event(stage, text, self.now()))

        return say

    def quietly(self, stage: Stage) -> Callable[[str], None]:
        """The same, for undoing things: a terminal that was closed must not keep us from it."""

        def say(text: str) -> None:
            with suppress(OSError):
                self.on_event(Event(stage, text, self.now()))

        return say


def start_agents(
    layout: Layout,
    machine: Machine,
    asked: Asked,
    timeout: float,
    talk: Talk,
    clock: Callable[[], float],
) -> AgentState:
    """Check the ports, find or build the binaries, start both agents and wait for them.

    AgentError, PortTakenError; what was started until then is recorded in the state file.
    """
    ports = ports_at(asked.offset)
    # Before the build, which may take minutes.
    check_free(ports)
    traefik = find_traefik(machine, asked.traefik)
    binaries = find_agents(machine, asked.given, say=talk.at("build"))
    check_free(ports)
    _make_data_folders(layout, asked)
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
        binary = binaries[name]
        state = _start_one(binary, name, setup, machine, state)
        talk.at("start")(f"{name} {binary.version} from {binary.origin} {binary.path}")
        if name == "consul":
            await_consul(
                state.consul_address,
                tokens,
                Wait(state.processes, timeout, began, clock, talk.check),
            )
    if asked.data and not _registered_soon(state, tokens, timeout, talk, clock):
        talk.at("note")("Nomad's node came before its server's keys; starting Nomad again")
        *others, nomad = state.processes
        stop_agent(nomad)
        state = replace(state, processes=tuple(others))
        state = _start_one(binaries["nomad"], "nomad", setup, machine, state)
    await_nomad(
        state.nomad_address, tokens, Wait(state.processes, timeout, began, clock, talk.check)
    )
    return state


def _registered_soon(
    state: AgentState,
    tokens: Tokens | None,
    timeout: float,
    talk: Talk,
    clock: Callable[[], float],
) -> bool:
    """False when Nomad's first registration failed, which it repeats only after 15 to 30 s.

    That happens to new data now and then: the client in the same process may be quicker than the
    server's first keys. In dev mode Nomad repeats it at once.
    """
    try:
        wait = Wait(state.processes, min(_SOON, timeout), clock(), clock, talk.check)
        await_nomad(state.nomad_address, tokens, wait)
    except AgentError:
        if not all(runs(each) for each in state.processes):
            raise
        return False
    return True


def _make_data_folders(layout: Layout, asked: Asked) -> None:
    if asked.data:
        with explained(layout.data):
            layout.data.mkdir(exist_ok=True, mode=0o755)
            for name in AGENTS:
                # Tokens are in there.
                (layout.data / name).mkdir(exist_ok=True, mode=0o700)


def _start_one(
    binary: Binary, name: AgentName, setup: Setup, machine: Machine, state: AgentState
) -> AgentState:
    write_configuration(name, setup)
    keep_previous_log(name, setup.layout)
    with interrupts.held():
        started = spawn(name, binary, setup, scrubbed_environment(machine, setup.layout))
        state = replace(state, processes=(*state.processes, started))
        write_state(setup.layout, state)
    return state


def _tokens(layout: Layout, asked: Asked) -> Tokens | None:
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
    # Before the agents learn them: data whose tokens nobody knows is lost.
    write_private(layout.tokens, tokens.to_json())
    return tokens
