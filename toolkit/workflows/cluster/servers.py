"""A cluster's servers, asked together and each for itself; and how they are waited for.

The same for machines in AWS and in a rehearsal: what differs is in the `Access`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal, Self

from toolkit.agents.interrupts import Check, never
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.clients.patience import Patience
from toolkit.cluster.config import places
from toolkit.cluster.gate import gate
from toolkit.cluster.gathering import look_at_consul, look_at_nomad
from toolkit.cluster.network import slots
from toolkit.cluster.secrets import needed
from toolkit.errors import AgentError, ApiError
from toolkit.spec.cluster import Cluster
from toolkit.spec.cluster_access import Access
from toolkit.spec.raft import GateVerdict, SystemView
from toolkit.spec.target import Endpoint, Secret

ANSWER = 5.0
"""Seconds for one answer: whoever takes longer is not well."""
Sleep = Callable[[float], None]
PAUSE = 0.1
"""Seconds between two looks where nothing can be blocked on."""


class Servers:
    """Clients for all servers together, and for each alone; close it when done."""

    def __init__(
        self,
        cluster: Cluster,
        access: Access,
        secrets: Mapping[str, Secret],
        *,
        origin: str = "toolkit cluster",
        sleep: Sleep = time.sleep,
        answer: float = ANSWER,
    ) -> None:
        """`secrets`: with both management tokens; `origin`: who said the addresses.

        `sleep` pauses before a question is asked again; `answer`: seconds that Consul has for one.
        """
        self._access, self._origin, self._sleep = access, origin, sleep
        self._answer = answer
        self._open = ExitStack()
        tokens = (secrets[needed.CONSUL_MANAGEMENT], secrets[needed.NOMAD_MANAGEMENT])
        self.consul = self._consul(access.consul, tokens[0])
        self.nomad = self._nomad(access.nomad, tokens[1])
        self._hosts = {each.name: each.host for each in slots(cluster)}
        self._consuls = {
            name: self._consul(consul_address(host), tokens[0])
            for name, host in self._hosts.items()
        }
        self._nomads = {
            name: self._nomad(nomad_address(host), tokens[1]) for name, host in self._hosts.items()
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def look(self) -> tuple[SystemView, ...]:
        """Both systems as all servers show them; nothing is raised."""
        return look_at_consul(self._consuls), look_at_nomad(self._nomads)

    def judge(self) -> GateVerdict:
        """Whether all of them decide together, by what each says of itself."""
        return gate(self.look())

    def leader_address(self) -> str:
        """Nomad's leader, without its port."""
        return self.nomad.leader().rpartition(":")[0]

    def answering(self) -> str:
        """Full name of the first server whose Nomad and Consul know a leader; empty: none does."""
        for name, host in self._hosts.items():
            try:
                if self._consuls[name].leader() and self._nomads[name].leader():
                    return host
            except ApiError:
                continue
        return ""

    def _consul(self, address: str, token: Secret) -> Consul:
        endpoint = self._endpoint("Consul", address, token)
        client = Consul(endpoint, sleep=self._sleep, patience=Patience(self._answer))
        self._open.callback(client.close)
        return client

    def _nomad(self, address: str, token: Secret) -> Nomad:
        client = Nomad(self._endpoint("Nomad", address, token), sleep=self._sleep)
        self._open.callback(client.close)
        return client

    def _endpoint(
        self, system: Literal["Consul", "Nomad"], address: str, token: Secret
    ) -> Endpoint:
        return Endpoint(
            system,
            address,
            self._origin,
            token=token,
            ca_file=self._access.ca_file,
            proxy=self._access.proxy or None,
        )


def nomad_address(host: str) -> str:
    """Where Nomad answers on a server."""
    return f"https://{host}:{places.NOMAD_HTTP}"


def consul_address(host: str) -> str:
    """Where Consul answers on a server."""
    return f"https://{host}:{places.CONSUL_HTTPS}"


@dataclass(frozen=True)
class Deadline:
    """When it has to be over."""

    began: float
    seconds: float
    clock: Callable[[], float]
    sleep: Sleep
    check: Check = never

    @property
    def left(self) -> float:
        """Seconds; never negative."""
        return max(0.0, self.began + self.seconds - self.clock())

    def until(self, reason: Callable[[], str]) -> None:
        """Ask until there is no reason against it; AgentError with the last one."""
        while said := reason():
            self.check()
            if not self.left:
                raise AgentError(
                    f"not within {self.seconds:.0f} s: {said}",
                    hint="a machine that has more to do needs longer: --timeout says how long",
                )
            self.sleep(PAUSE)


def await_nodes(asked: Servers, names: Sequence[str], deadline: Deadline) -> None:
    """Nomad has every node of these names, ready."""

    def reason() -> str:
        try:
            ready = {node["Name"] for node in asked.nomad.nodes() if node["Status"] == "ready"}
        except ApiError as error:
            return error.message
        missing = [name for name in names if name not in ready]
        return f"Nomad has not {', '.join(missing)} as ready" if missing else ""

    deadline.until(reason)


def await_servers(asked: Servers, deadline: Deadline) -> None:
    """Both systems' servers decide together, all of them."""
    deadline.until(lambda: "; ".join(asked.judge().reasons[:1]))
