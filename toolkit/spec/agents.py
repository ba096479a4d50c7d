"""The local agents' state, as kept in `.toolkit/dev/state.json`."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

AgentName = Literal["consul", "nomad"]

STATE_FILE = ".toolkit/dev/state.json"


@dataclass(frozen=True, slots=True)
class AgentProcess:
    """One running agent; its process id is only believed together with its start time."""

    name: AgentName
    pid: int
    started: float
    """The kernel's start time of the process, in clock ticks since boot; guards against reuse."""
    binary: str
    version: str
    log: str
    """Path of its log file."""


@dataclass(frozen=True, slots=True)
class AgentPorts:
    """Every port the local cluster uses, all on loopback: the standard ones plus `offset`."""

    offset: int = 0
    nomad_http: int = 4646
    nomad_rpc: int = 4647
    nomad_serf: int = 4648
    consul_http: int = 8500
    consul_dns: int = 8600
    consul_server: int = 8300
    consul_serf_lan: int = 8301
    consul_serf_wan: int = 8302
    consul_grpc: int = 8502
    consul_grpc_tls: int = 8503
    edge_public: int = 8080
    edge_private: int = 8081
    traefik_api: int = 8082
    kick_http: int = 8652
    kick_dns: int = 8653
    kick_dns_private: int = 8654
    hook_http: int = 8655

    @classmethod
    def at(cls, offset: int) -> AgentPorts:
        """The standard ports moved together by `offset`."""
        base = {name: value + offset for name, value in asdict(cls()).items() if name != "offset"}
        return cls(offset=offset, **base)


@dataclass(frozen=True, slots=True)
class AgentState:
    """What `toolkit dev up` started and how to reach it."""

    ports: AgentPorts
    processes: tuple[AgentProcess, ...]
    traefik: str
    """Path of the Traefik binary that the `traefik` job runs."""
    acl: bool = False
    nomad_token: str = field(default="", repr=False)
    """Management token generated for `--acl`; the state file is readable by its owner only."""
    consul_token: str = field(default="", repr=False)
    traefik_token: str = field(default="", repr=False)
    """Read-only Consul token for Traefik."""
    data_dir: str = ""
    """Where the agents keep data; empty for pure dev mode (everything in memory)."""
    started_at: str = ""
    """UTC, ISO 8601."""
    root: bool = False

    @property
    def nomad_address(self) -> str:
        """Nomad's HTTP address on loopback."""
        return f"http://127.0.0.1:{self.ports.nomad_http}"

    @property
    def consul_address(self) -> str:
        """Consul's HTTP address on loopback."""
        return f"http://127.0.0.1:{self.ports.consul_http}"

    def to_json(self) -> str:
        """The state file's text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> AgentState:
        """The state back from `to_json`; ValueError, KeyError or TypeError when it is not one."""
        data: dict[str, Any] = json.loads(text)
        known = asdict(AgentPorts.at(int(data["ports"].get("offset", 0))))
        # Agents that were started before there was a port have it where it would be now.
        data["ports"] = AgentPorts(**{**known, **data["ports"]})
        data["processes"] = tuple(AgentProcess(**item) for item in data["processes"])
        return cls(**data)
