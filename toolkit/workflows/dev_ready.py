"""Wait until the local agents are ready, and hand out ACL tokens: the calls of `toolkit dev up`."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.agents import acl, interrupts, processes
from toolkit.agents.processes import Process
from toolkit.agents.start import last_lines
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import (
    AgentError,
    ApiError,
    ConflictError,
    DeniedError,
    ServerError,
    UnreachableError,
)
from toolkit.spec.agents import AgentProcess
from toolkit.spec.target import Endpoint, Secret

_PAUSE = 0.05
"""Seconds between two questions to an agent that is starting: it offers nothing to block on."""

ORIGIN = "toolkit dev"


@dataclass(frozen=True)
class Wait:
    """How long to wait, for as long as these agents live."""

    agents: tuple[AgentProcess, ...]
    seconds: float
    began: float
    clock: Callable[[], float] = field(default=time.monotonic)
    check: interrupts.Check = interrupts.never
    """Asked each time, because an interrupt may come where Python loses it."""

    def pause(self, seconds: float = _PAUSE) -> None:
        """Let time pass; less of it when an agent dies."""
        recorded = [Process(agent.pid, agent.started) for agent in self.agents]
        processes.wait_gone(recorded, seconds, clock=self.clock, any_of_them=True)

    def until(self, what: str, ask: Callable[[], bool]) -> None:
        """Ask until the answer is yes; AgentError at the deadline or when an agent has died.

        `what`: what the answer stands for, such as `Consul has a leader`.
        """
        last: ApiError | None = None
        while True:
            self.check()
            try:
                if ask():
                    return
            except (UnreachableError, ServerError, DeniedError) as error:
                # Normal for a moment: no listener, no leader, no tokens yet.
                last = error
            for agent in self.agents:
                if not processes.is_running(agent.pid, agent.started):
                    raise died(agent) from last
            if self.clock() - self.began >= self.seconds:
                raise AgentError(
                    f"not after {self.seconds:.0f} s: {what}"
                    + (f" ({last.message})" if last is not None else ""),
                    hint=f"see {self.agents[-1].log}, or allow more time",
                ) from last
            self.pause()


def died(agent: AgentProcess) -> AgentError:
    """The error about an agent that ended by itself."""
    processes.reap(agent.pid)
    lines = "".join(f"\n  {line}" for line in last_lines(Path(agent.log), 5))
    return AgentError(
        f"{agent.name} {agent.version} ended by itself; its last lines:{lines}",
        hint=f"its whole log is {agent.log}",
    )


def consul_client(address: str, token: str, wait: Wait) -> Consul:
    """A client of the local Consul, whose retries end when an agent dies."""
    return Consul(
        Endpoint("Consul", address, ORIGIN, token=Secret(token) if token else None),
        sleep=wait.pause,
    )


def nomad_client(address: str, token: str, wait: Wait) -> Nomad:
    """A client of the local Nomad, whose retries end when an agent dies."""
    return Nomad(
        Endpoint("Nomad", address, ORIGIN, token=Secret(token) if token else None),
        sleep=wait.pause,
    )


def await_consul(address: str, tokens: acl.Tokens | None, wait: Wait) -> None:
    """Until Consul has a leader and, with tokens, has the policies and tokens that others need."""
    with consul_client(address, tokens.consul if tokens else "", wait) as consul:
        wait.until("Consul has a leader", lambda: bool(consul.leader()))
        for grant in () if tokens is None else acl.consul_grants(tokens):
            _grant(consul, grant, address, wait)


def _grant(consul: Consul, grant: acl.ConsulGrant, address: str, wait: Wait) -> None:
    def known() -> bool:
        try:
            with consul_client(address, grant.token, wait) as holder:
                holder.services()
        except DeniedError:
            return False
        return True

    def grant_it() -> bool:
        # Agents that kept their data know it from the last time.
        if known():
            return True
        consul.put_policy(grant.name, grant.rules, description="made by toolkit dev")
        consul.put_token(description=grant.name, policies=[grant.name], secret=grant.token)
        return True

    wait.until(f"Consul accepts the token of {grant.name}", grant_it)


def await_nomad(address: str, tokens: acl.Tokens | None, wait: Wait) -> None:
    """Until Nomad's node is ready and, with tokens, what the shipped jobs need is in place."""
    with nomad_client(address, tokens.nomad if tokens else "", wait) as nomad:
        if tokens is not None:
            secret = tokens.nomad
            wait.until("Nomad accepts its management token", lambda: _bootstrap(nomad, secret))
        wait.until("Nomad's node is ready", lambda: nomad.ready_nodes() > 0)
        if tokens is not None:
            token = tokens.traefik
            wait.until("Nomad keeps Traefik's token", lambda: _store(nomad, token))
            wait.until("Nomad knows the policies of the shipped jobs", lambda: _allow(nomad))


def _bootstrap(nomad: Nomad, secret: str) -> bool:
    try:
        nomad.bootstrap_acl(secret)
    except ConflictError:
        # Kept data, or a reply that was lost: the token itself says whether it is the one.
        nomad.token_self()
    return True


def _store(nomad: Nomad, token: str) -> bool:
    for path, key in acl.READERS.items():
        items: dict[str, str] = (nomad.variable(path) or {}).get("Items") or {}
        if items.get(key) != token:
            nomad.put_variable(path, {**items, key: token})
    return True


def _allow(nomad: Nomad) -> bool:
    for grant in acl.NOMAD_GRANTS:
        nomad.put_acl_policy(
            grant.name, grant.rules, job=grant.job, description="made by toolkit dev"
        )
    return True
