"""The local agents as rows and addresses: the report of `toolkit dev`."""

from __future__ import annotations

from pathlib import Path

from toolkit.agents import processes
from toolkit.agents.layout import Layout
from toolkit.agents.start import last_lines
from toolkit.spec.agents import AgentProcess, AgentState
from toolkit.spec.dev import AgentRow, DevReport, DevWord


def runs(agent: AgentProcess) -> bool:
    """True when that very process runs."""
    return processes.is_running(agent.pid, agent.started)


def report_on(
    layout: Layout, state: AgentState, word: DevWord, sentence: str, next_: str | None = None
) -> DevReport:
    """The report about agents that were started, as they stand now."""
    return DevReport(
        word=word,
        sentence=sentence,
        agents=tuple(_row(each, state) for each in state.processes),
        addresses=addresses_of(state),
        acl=state.acl,
        data=bool(state.data_dir),
        state_file=str(layout.state),
        next=next_,
    )


def _row(agent: AgentProcess, state: AgentState) -> AgentRow:
    alive = runs(agent)
    address = state.consul_address if agent.name == "consul" else state.nomad_address
    return AgentRow(
        name=agent.name,
        status="running" if alive else "died",
        pid=agent.pid if alive else None,
        version=agent.version,
        binary=agent.binary,
        address=address,
        log=agent.log,
        last_lines=() if alive else last_lines(Path(agent.log)),
    )


def addresses_of(state: AgentState) -> dict[str, str]:
    """The web pages of the agents that run, by name."""
    running = {each.name for each in state.processes if runs(each)}
    pages = {"Nomad": f"{state.nomad_address}/ui", "Consul": f"{state.consul_address}/ui"}
    return {name: page for name, page in pages.items() if name.lower() in running}
