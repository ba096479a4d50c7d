"""Where the tool talks to: one environment, resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from toolkit.spec.agents import AgentState

if TYPE_CHECKING:
    from toolkit.spec.cluster import ClusterEdge
    from toolkit.spec.cluster_access import Access
    from toolkit.spec.image import RegistryPlace

Visibility = Literal["public", "private"]


@dataclass(frozen=True, slots=True)
class Secret:
    """A value that never prints itself."""

    value: str

    def reveal(self) -> str:
        """The value, for the one place that sends it."""
        return self.value

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self.value)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One API: its address, who we are there, and how TLS is checked."""

    system: Literal["Nomad", "Consul", "Traefik", "Kick", "Hook"]
    address: str
    """`http://host:port` or `https://…`, no path and no trailing slash; Nomad's: `unix:/path`."""
    origin: str
    """Where the address came from: `toolkit.toml:12`, `NOMAD_ADDR`, `default`, `toolkit dev`."""
    token: Secret | None = None
    username: str | None = None
    """Traefik's API only: with `token` as the password of HTTP basic authentication."""
    ca_file: str | None = None
    ca_path: str | None = None
    """A directory of trusted certificates; `ca_file` wins."""
    cert_file: str | None = None
    key_file: str | None = None
    tls_server_name: str | None = None
    verify: bool = True
    proxy: str | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """An environment: what the user named, resolved to addresses and rights."""

    environment: str
    nomad: Endpoint
    consul: Endpoint
    edge: dict[Visibility, str] = field(default_factory=dict)
    """Addresses at which requests enter, by visibility: `http://127.0.0.1:8080`."""
    traefik: Endpoint | None = None
    """How to authenticate at Traefik's APIs; their addresses come from Consul (`traefik-api`)."""
    kick: Endpoint | None = None
    """The kick server; without an address it is found in Consul (service `kick`)."""
    hook: Endpoint | None = None
    """The hook server; without an address it is found in Consul (service `hook`)."""
    registry: RegistryPlace | None = None
    """Where images are; None: where their names say, or only in an engine."""
    namespace: str = "default"
    region: str = "global"
    datacenters: tuple[str, ...] = ("*",)
    node_pool: str = "default"
    protected: bool = False
    """Changing commands ask first."""
    pushed: bool = False
    """What is deployed was pushed to a server: it has no say in whom that server asks."""
    local: bool = False
    """Served by the agents of `toolkit dev`."""
    agents: AgentState | None = None
    """The local agents as they were last started; None when not local or not started."""
    cluster: str | None = None
    """The cluster whose file makes this environment."""
    rehearsed: bool = False
    """The environment is the cluster's rehearsal on one machine."""
    access: Access | None = None
    """How a cluster is reached, where that is known; None for a rehearsal that does not run."""
    cluster_edge: ClusterEdge | None = None
    """What the cluster file says of the machines that the edge is on."""

    def headline(self) -> str:
        """`dev · 127.0.0.1:4646 · namespace default`, said before anything changes."""
        place = self.nomad.address.removeprefix("http://") or "nowhere yet"
        return f"{self.environment} · {place} · namespace {self.namespace}"
