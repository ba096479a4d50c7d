"""Nomad's configuration: mutual TLS, ACLs, tasks known to Consul by the identity Nomad signs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.cluster.config import places
from toolkit.cluster.config.consul import RETRY, STABLE
from toolkit.cluster.network import slots
from toolkit.spec.cluster import SERVERS, Cluster, Role

REGION = "global"
AUDIENCE = "consul.io"
"""For whom Nomad signs what tasks and services show to Consul."""
IDENTITY_TTL = "1h"
_MAX_KILL_TIMEOUT = "10m"
# Nomad's default of 30 s silently cuts a longer kill_timeout of a job.
_OTHER_CLOUDS = "env_gce,env_azure,env_digitalocean"
_CLOUDS = f"env_aws,{_OTHER_CLOUDS}"
REGISTRIES = "/etc/docker/registries.json"
"""Which helper knows how to log in where; written on the machine, it holds no secret."""


def nomad_agent(cluster: Cluster, role: Role) -> dict[str, Any]:
    """What every machine of the role is told, without secrets."""
    own = "{{ GetPrivateIP }}"
    pair = f"{places.NOMAD}/{places.TLS}/agent.pem"
    config: dict[str, Any] = {
        "region": REGION,
        "datacenter": cluster.datacenter,
        "name": "@name@",
        "data_dir": f"{places.DATA}/nomad",
        "bind_addr": "0.0.0.0",  # noqa: S104 - one interface; security groups decide who reaches it
        "advertise": {"http": own, "rpc": own, "serf": own},
        "disable_update_check": True,
        "acl": {"enabled": True},
        "tls": {
            "http": True,
            "rpc": True,
            "ca_file": f"{places.NOMAD}/{places.TLS}/ca.pem",
            "cert_file": pair,
            "key_file": pair,
            "verify_server_hostname": True,
            # People and tools have tokens, not certificates.
            "verify_https_client": False,
        },
    }
    return config | (_server(cluster) if role == "server" else _client(cluster))


def nomad_first() -> dict[str, Any]:
    """How many servers make the first raft."""
    return {"server": {"bootstrap_expect": SERVERS}}


def nomad_secrets(values: Mapping[str, str], role: Role) -> dict[str, Any]:
    """The part that is secret, from the role's values by name below the role."""
    secret: dict[str, Any] = {"consul": {"token": values["token/nomad"]}}
    if role == "server":
        secret["server"] = {"encrypt": values["gossip/nomad"]}
    return secret


def nomad_control() -> dict[str, Any]:
    """On the control machine: where jobs find what has to outlive their tasks, by volume."""
    volumes = {"kick": places.KICK, "hook": places.HOOK}
    kept = {name: [{"path": path}] for name, path in volumes.items()}
    return {"client": {"host_volume": [kept]}}


def nomad_rehearsal() -> dict[str, Any]:
    """On machines that are namespaces: no cloud to ask, and tasks are plain processes."""
    return {
        "client": {"options": {"fingerprint.denylist": _CLOUDS}},
        "plugin": [{"raw_exec": [{"config": [{"enabled": True}]}]}],
    }


def _server(cluster: Cluster) -> dict[str, Any]:
    identity = {"aud": [AUDIENCE], "ttl": IDENTITY_TTL}
    return {
        "server": {"enabled": True, "server_join": _join(cluster)},
        "autopilot": {
            "cleanup_dead_servers": True,
            "server_stabilization_time": STABLE,
            "min_quorum": SERVERS,
        },
        # Ctrl-C, and so a planned farewell, leaves raft; a reboot (SIGTERM) does not.
        "leave_on_interrupt": True,
        "consul": {
            "address": f"127.0.0.1:{places.CONSUL_HTTP}",
            "server_auto_join": False,
            "service_identity": identity,
            "task_identity": identity,
        },
    }


def _client(cluster: Cluster) -> dict[str, Any]:
    return {
        "client": {
            "enabled": True,
            "node_class": "@class@",
            "node_pool": "@pool@",
            "meta": {"zone": "@zone@", "pool": "@group@"},
            "server_join": _join(cluster),
            "cni_path": places.CNI,
            "max_kill_timeout": _MAX_KILL_TIMEOUT,
            "options": {"fingerprint.denylist": _OTHER_CLOUDS},
        },
        "consul": {
            "address": f"127.0.0.1:{places.CONSUL_HTTP}",
            "client_auto_join": False,
        },
        "plugin": [
            {
                "docker": [
                    {
                        "config": [
                            {"allow_privileged": False, "auth": [{"config": REGISTRIES}]},
                        ]
                    }
                ]
            }
        ],
        "leave_on_terminate": True,
    }


def _join(cluster: Cluster) -> dict[str, Any]:
    return {"retry_join": [slot.host for slot in slots(cluster)], "retry_interval": RETRY}
