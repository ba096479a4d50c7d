"""Consul's configuration: gossip and RPC encrypted, nothing without a token, three servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.cluster.config import places
from toolkit.cluster.network import slots
from toolkit.spec.cluster import SERVERS, Cluster, Role

RETRY = "3s"
"""Between two attempts to join: the default of 30 s is most of a machine's start."""
STABLE = "10s"
"""How long a new server must be well before it votes."""


def consul_agent(cluster: Cluster, role: Role) -> dict[str, Any]:
    """What every machine of the role is told, without secrets."""
    config: dict[str, Any] = {
        "datacenter": cluster.datacenter,
        "node_name": "@name@",
        "node_meta": {"zone": "@zone@"},
        "data_dir": f"{places.DATA}/consul",
        "server": role == "server",
        "bind_addr": "0.0.0.0",  # noqa: S104 - one interface; security groups decide who reaches it
        "advertise_addr": "{{ GetPrivateIP }}",
        "client_addr": "127.0.0.1",
        "retry_join": [slot.host for slot in slots(cluster)],
        "retry_interval": RETRY,
        "disable_update_check": True,
        "acl": {
            "enabled": True,
            "default_policy": "deny",
            # Tokens that were good stay so while no server answers.
            "down_policy": "extend-cache",
        },
    }
    return config | (_server() if role == "server" else _client())


def consul_first() -> dict[str, Any]:
    """How many servers make the first raft."""
    return {"bootstrap_expect": SERVERS}


def consul_secrets(values: Mapping[str, str]) -> dict[str, Any]:
    """The part that is secret, from the role's values by name below the role."""
    tokens = {"agent": values["token/agent"], "dns": values["token/dns"]}
    return {"encrypt": values["gossip/consul"], "acl": {"tokens": tokens}}


def _server() -> dict[str, Any]:
    return {
        # Others reach it with TLS only; plain HTTP is for this machine's Nomad.
        "addresses": {"https": "0.0.0.0"},  # noqa: S104
        "ports": {
            "http": places.CONSUL_HTTP,
            "https": places.CONSUL_HTTPS,
            "grpc": -1,
            "grpc_tls": -1,
        },
        "tls": {
            "defaults": _trust() | _pair(),
            # People and tools have tokens, not certificates.
            "https": {"verify_incoming": False},
            "internal_rpc": {"verify_server_hostname": True},
        },
        # Clients get certificates from the servers, by their gossip key and token.
        "auto_encrypt": {"allow_tls": True},
        "performance": {"raft_multiplier": 1},
        "autopilot": {
            "cleanup_dead_servers": True,
            "server_stabilization_time": STABLE,
            # A dead server stays a voter until its slot has another: never two that decide alone.
            "min_quorum": SERVERS,
        },
        # A reboot is no farewell.
        "leave_on_terminate": False,
    }


def _client() -> dict[str, Any]:
    return {
        "ports": {"http": places.CONSUL_HTTP, "grpc": -1, "grpc_tls": -1},
        "tls": {"defaults": _trust(), "internal_rpc": {"verify_server_hostname": True}},
        "auto_encrypt": {"tls": True},
        "leave_on_terminate": True,
    }


def _trust() -> dict[str, Any]:
    ca = f"{places.CONSUL}/{places.TLS}/ca.pem"
    return {"ca_file": ca, "verify_incoming": True, "verify_outgoing": True}


def _pair() -> dict[str, Any]:
    both = f"{places.CONSUL}/{places.TLS}/agent.pem"
    return {"cert_file": both, "key_file": both}
