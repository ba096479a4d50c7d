"""The local cluster: `toolkit dev up | down | status | logs`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from toolkit.spec.agents import AgentName
from toolkit.spec.dev import DevReport, Machine
from toolkit.spec.events import OnEvent, ignore


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
) -> DevReport:
    """Start Consul and Nomad for the project at `root`, on loopback, and wait until both are ready.

    With `foreground` it returns only after Ctrl-C (or the death of an agent) and has then stopped
    everything. `timeout`: seconds for both to become ready, builds not counted.
    AgentError, PortTakenError, RefusedError (up already, with other flags).
    """
    raise NotImplementedError


def down(root: Path, *, on_event: OnEvent = ignore) -> DevReport:
    """Stop the local agents and everything they started; nothing to stop is fine.

    AgentError when something cannot be ended or unmounted.
    """
    raise NotImplementedError


def status(root: Path) -> DevReport:
    """The local agents as they stand; one that died with the last lines of its log."""
    raise NotImplementedError


def logs(root: Path, agent: AgentName | None = None, *, follow: bool = False) -> Iterator[str]:
    """Lines of the agents' logs (both, prefixed with the name, when `agent` is None).

    With `follow` until the agents end or the caller stops reading.
    AgentError when there is no log yet.
    """
    raise NotImplementedError
