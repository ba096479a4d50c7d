"""Which secrets a cluster has, how each comes to be, and who may read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.spec.cluster import Cluster, Role

Kind = Literal["key", "authority", "gossip", "token", "same", "certificate"]
"""An authority's key; its certificate; 32 bytes in base64; a UUID; another's value; a leaf."""
Reader = Literal["operator", "server", "worker"]

AUTHORITY_KEY = "ca/key"
AUTHORITY = "ca/cert"
CONSUL_MANAGEMENT = "ca/bootstrap/consul"
NOMAD_MANAGEMENT = "ca/bootstrap/nomad"
OPERATOR = "ca/bootstrap/operator"
"""A token that reads all of Consul and changes nothing."""
READERS = "ca/bootstrap/traefik"
"""The token with which Traefik, and others of the shipped jobs, read Consul's catalog."""
TRAEFIK_API = "ca/bootstrap/traefik-api"
"""The operator's password at Traefik's API; a UUID as tokens are."""
BEGUN = "server/state/bootstrapped"
"""There once the cluster's access control was set up; not a secret, and not made beforehand."""


@dataclass(frozen=True, slots=True)
class Needed:
    """One secret."""

    name: str
    kind: Kind
    reader: Reader
    """The only ones who may read it: the operator everything, a role what is below its name."""
    source: str = ""
    """Of `same`: the secret whose value it has."""


def needed_secrets(cluster: Cluster) -> tuple[Needed, ...]:  # noqa: ARG001 - may depend on it yet
    """Every secret, in the order of making: each only needs what stands before it."""
    return (
        Needed(AUTHORITY_KEY, "key", "operator"),
        Needed(AUTHORITY, "authority", "operator"),
        Needed(CONSUL_MANAGEMENT, "token", "operator"),
        Needed(NOMAD_MANAGEMENT, "token", "operator"),
        Needed(OPERATOR, "token", "operator"),
        Needed(READERS, "token", "operator"),
        Needed(TRAEFIK_API, "token", "operator"),
        Needed("server/gossip/consul", "gossip", "server"),
        Needed("server/gossip/nomad", "gossip", "server"),
        Needed("server/token/agent", "token", "server"),
        Needed("server/token/dns", "token", "server"),
        Needed("server/token/nomad", "token", "server"),
        Needed("server/tls/ca", "same", "server", AUTHORITY),
        Needed("server/tls/consul", "certificate", "server"),
        Needed("server/tls/nomad", "certificate", "server"),
        Needed("worker/gossip/consul", "same", "worker", "server/gossip/consul"),
        Needed("worker/token/agent", "token", "worker"),
        Needed("worker/token/dns", "token", "worker"),
        Needed("worker/token/nomad", "token", "worker"),
        Needed("worker/tls/ca", "same", "worker", AUTHORITY),
        Needed("worker/tls/nomad", "certificate", "worker"),
    )


def folder_of(role: Role) -> Literal["server", "worker"]:
    """Below which name the secrets are that machines of the role read."""
    return "server" if role == "server" else "worker"


def secrets_of(cluster: Cluster, role: Role) -> tuple[str, ...]:
    """Names of the secrets that machines of the role read at boot."""
    reader = folder_of(role)
    return tuple(each.name for each in needed_secrets(cluster) if each.reader == reader)
