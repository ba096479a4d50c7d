"""The local cluster: its agents, where they answer, what one that died said last."""

from __future__ import annotations

from typing import Any

from toolkit.spec.dev import AgentRow, DevReport
from toolkit.views import cause as cause_view
from toolkit.views.text import staged, table


def lines(report: DevReport) -> list[str]:
    """Agents, addresses, notes, then the word and its sentence."""
    result = table([_row(agent) for agent in report.agents])
    for agent in report.agents:
        if agent.last_lines:
            said = "\n".join((f"{agent.name} said last, in {agent.log}:", *agent.last_lines))
            result += staged("log", said)
    for name, address in report.addresses.items():
        result += staged("open", f"{name} {address}")
    for note in report.notes:
        result += staged("note", note)
    if report.acl and report.state_file:
        result += staged("tokens", f"in {report.state_file}")
    return [
        *result,
        *staged(report.word, report.sentence),
        *cause_view.lines((), report.next),
    ]


def _row(agent: AgentRow) -> list[str]:
    pid = "" if agent.pid is None else f"pid {agent.pid}"
    return [agent.name, agent.status, agent.version, pid, agent.address]


def document(report: DevReport) -> dict[str, Any]:
    """The report for programs; tokens stay in the state file."""
    return {
        "schema": "toolkit.dev/1",
        "word": report.word,
        "code": int(report.code),
        "sentence": report.sentence,
        "agents": [
            {
                "name": agent.name,
                "status": agent.status,
                "pid": agent.pid,
                "version": agent.version,
                "binary": agent.binary,
                "address": agent.address,
                "log": agent.log,
                "last_lines": list(agent.last_lines),
            }
            for agent in report.agents
        ],
        "addresses": dict(report.addresses),
        "acl": report.acl,
        "data": report.data,
        "state_file": report.state_file,
        "notes": list(report.notes),
        "next": report.next,
    }
