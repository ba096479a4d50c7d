"""Answers of Nomad, Consul and Traefik, read into values; pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Voice:
    """How an address answered the plainest question."""

    address: str
    leader: str
    """Empty when it knows none."""
    said: str
    """What it said where it knows no leader."""
    behind: tuple[float, float] | None
    """Its clock less ours lies between these, in seconds; None when it did not say."""


@dataclass(frozen=True, slots=True)
class Server:
    """One server of Nomad or Consul, as gossip has it."""

    name: str
    status: str
    """`alive`, `leaving`, `left`, `failed`."""
    version: str
    region: str = ""


@dataclass(frozen=True, slots=True)
class Agent:
    """The agent that answers us."""

    version: str
    server: bool
    dev: bool
    acl: bool
    datacenter: str = ""
    consul_token: bool = False
    """Nomad's: it has a token for Consul."""
    service_identity: bool = False
    """Nomad server's: services get an identity of their own."""
    auth_method: str = ""
    """Consul's method for these identities."""
    joins_by_aws: bool = False
    registers_as: str = ""
    """Nomad's: the service under which clients register themselves; empty when they do not."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A task driver of a node."""

    name: str
    detected: bool
    healthy: bool
    description: str


@dataclass(frozen=True, slots=True)
class Node:
    """A client node of Nomad."""

    id: str
    name: str
    version: str
    status: str
    """`ready`, `down`, `initializing`, `disconnected`."""
    eligible: bool
    draining: bool
    datacenter: str
    pool: str
    drivers: tuple[Driver, ...] = ()

    @property
    def takes_work(self) -> bool:
        """True when the scheduler may place on it."""
        return self.status == "ready" and self.eligible and not self.draining


@dataclass(frozen=True, slots=True)
class Token:
    """Who we are to Nomad."""

    kind: Literal["off", "anonymous", "management", "client"]
    """`off`: Nomad asks nobody."""
    name: str = ""
    policies: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    """Ids."""
    expires_at: float | None = None
    """Seconds since the epoch."""


def server_of_nomad(raw: Mapping[str, Any]) -> Server:
    """A member of Nomad's servers."""
    tags = raw.get("Tags") or {}
    return Server(raw["Name"], raw["Status"], tags.get("build") or "", tags.get("region") or "")


_SERF = {0: "none", 1: "alive", 2: "leaving", 3: "left", 4: "failed"}


def server_of_consul(raw: Mapping[str, Any]) -> Server | None:
    """A member of Consul's gossip; None for one that is no server."""
    tags = raw.get("Tags") or {}
    if tags.get("role") != "consul":
        return None
    version = str(tags.get("build") or "").partition(":")[0]
    return Server(raw["Name"], _SERF.get(raw["Status"], str(raw["Status"])), version)


def nomad_agent(raw: Mapping[str, Any]) -> Agent:
    """Nomad's agent about itself."""
    config = raw["config"]
    consuls: list[Mapping[str, Any]] = config.get("Consuls") or [config.get("Consul") or {}]
    consul = next((each for each in consuls if each.get("Name") == "default"), consuls[0])
    server = config.get("Server") or {}
    joins = [server.get("ServerJoin"), (config.get("Client") or {}).get("ServerJoin"), server]
    return Agent(
        version=full_version(config["Version"]),
        server=bool(server.get("Enabled")),
        dev=bool(config.get("DevMode")),
        acl=bool((config.get("ACL") or {}).get("Enabled")),
        datacenter=str(config.get("Datacenter") or ""),
        consul_token=bool(consul.get("Token")),
        service_identity=bool(consul.get("ServiceIdentity")),
        auth_method=str(consul.get("ServiceIdentityAuthMethod") or ""),
        registers_as=str(consul.get("ClientServiceName") or "")
        if consul.get("AutoAdvertise")
        else "",
        joins_by_aws="provider=aws" in json.dumps([join for join in joins if join]),
    )


def full_version(raw: Any) -> str:
    """`1.11.3`, `2.0.6-dev`, `1.11.5+ent`."""
    if not isinstance(raw, Mapping):
        return str(raw)
    version = str(raw["Version"])
    if raw.get("VersionPrerelease"):
        version += f"-{raw['VersionPrerelease']}"
    if raw.get("VersionMetadata"):
        version += f"+{raw['VersionMetadata']}"
    return version


def consul_agent(raw: Mapping[str, Any]) -> Agent:
    """Consul's agent about itself."""
    config, debug = raw["Config"], raw.get("DebugConfig") or {}
    return Agent(
        version=str(config["Version"]),
        server=bool(config.get("Server")),
        dev=bool(debug.get("DevMode")),
        acl=bool(debug.get("ACLsEnabled")),
        datacenter=str(config.get("Datacenter") or ""),
    )


def nodes(raw: Iterable[Mapping[str, Any]]) -> tuple[Node, ...]:
    """Nodes as Nomad lists them, by name."""
    return tuple(sorted((node(item) for item in raw), key=lambda each: (each.name, each.id)))


def node(raw: Mapping[str, Any]) -> Node:
    """One node, from the list."""
    return Node(
        id=raw["ID"],
        name=raw["Name"],
        version=raw.get("Version") or "",
        status=raw["Status"],
        eligible=raw.get("SchedulingEligibility") != "ineligible",
        draining=bool(raw.get("Drain")),
        datacenter=raw.get("Datacenter") or "",
        pool=raw.get("NodePool") or "default",
        drivers=tuple(
            Driver(
                name,
                bool(each.get("Detected")),
                bool(each.get("Healthy")),
                each.get("HealthDescription") or "",
            )
            for name, each in sorted((raw.get("Drivers") or {}).items())
        ),
    )


def token(raw: Mapping[str, Any]) -> Token:
    """Nomad's answer to who we are."""
    accessor = raw.get("AccessorID")
    if accessor == "acls-disabled":
        return Token("off")
    kind: Literal["anonymous", "management", "client"] = "client"
    if accessor == "anonymous":
        kind = "anonymous"
    elif raw.get("Type") == "management":
        kind = "management"
    expires = raw.get("ExpirationTime")
    return Token(
        kind,
        name=raw.get("Name") or "",
        policies=tuple(raw.get("Policies") or ()),
        roles=tuple(each["ID"] for each in raw.get("Roles") or ()),
        expires_at=datetime.fromisoformat(expires).timestamp() if expires else None,
    )


def leader(text: str) -> str:
    """The leader's address, or nothing; ValueError for what is no answer to that."""
    found = json.loads(text)
    if not isinstance(found, str):
        raise ValueError("it names no leader")
    return found


def keys(text: str) -> int:
    """How many public keys a key set has; ValueError when it is not one."""
    return len(json.loads(text)["keys"])
