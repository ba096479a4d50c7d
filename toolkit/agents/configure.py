"""What each agent is told: configuration and environment, pure.

Everything listens on loopback, nothing asks the internet, and no credential of the user's shell
reaches an agent or, through it, a task.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from toolkit.agents.acl import Tokens
from toolkit.agents.layout import Layout
from toolkit.agents.ports import PURPOSES
from toolkit.agents.processes import MARKER
from toolkit.spec.agents import AgentName, AgentPorts
from toolkit.spec.dev import Machine

LOOPBACK = "127.0.0.1"
NODE_NAME = "dev-1"
DATACENTER = "dc1"

# Nothing on a laptop answers the metadata address, and some of them end the agent when they fail.
_CLOUD_FINGERPRINTS = "env_aws,env_gce,env_azure,env_digitalocean"

# Nomad's default of 30 s silently cuts a longer kill_timeout of a job.
_MAX_KILL_TIMEOUT = "10m"
# Nomad's 50 are soon passed where jobs are tried out, and with the files goes what an instance said
# before it failed.
_KEPT_ALLOCATIONS = 300

_DYNAMIC_FIRST = 20000
_DYNAMIC_WINDOW = 1000
_DYNAMIC_WINDOWS = 12


@dataclass(frozen=True, slots=True)
class Setup:
    """All that decides how the local agents run."""

    layout: Layout
    ports: AgentPorts
    data: bool = False
    """Keep state in the data folder, so that an agent can be restarted."""
    tokens: Tokens | None = None
    """With tokens, access control is on."""
    docker_endpoint: str | None = None


def scrubbed_environment(machine: Machine, layout: Layout) -> dict[str, str]:
    """The whole environment of an agent: where programs are, a home, and whose it is."""
    return {"PATH": machine.path, "HOME": str(machine.home), MARKER: str(layout.dev)}


def command_line(name: AgentName, binary: str, setup: Setup) -> list[str]:
    """The agent's arguments; never a secret."""
    dev = [] if setup.data else ["-dev"]
    match name:
        case "consul":
            return [binary, "agent", *dev, f"-config-file={setup.layout.config(name)}"]
        case "nomad":
            return [binary, "agent", *dev, f"-config={setup.layout.config(name)}"]


def configuration(name: AgentName, setup: Setup) -> dict[str, Any]:
    """The agent's configuration, as JSON both agents read."""
    match name:
        case "consul":
            return _consul(setup)
        case "nomad":
            return _nomad(setup)


def _consul(setup: Setup) -> dict[str, Any]:
    ports = setup.ports
    config: dict[str, Any] = {
        "node_name": NODE_NAME,
        "datacenter": DATACENTER,
        "log_level": "INFO",
        "bind_addr": LOOPBACK,
        "client_addr": LOOPBACK,
        "ports": {
            "http": ports.consul_http,
            "https": -1,
            "dns": ports.consul_dns,
            "server": ports.consul_server,
            "serf_lan": ports.consul_serf_lan,
            "serf_wan": ports.consul_serf_wan,
            "grpc": ports.consul_grpc,
            "grpc_tls": ports.consul_grpc_tls,
        },
        "ui_config": {"enabled": True},
        "disable_update_check": True,
        "disable_host_node_id": True,
    }
    if setup.data:
        config |= {
            "server": True,
            "bootstrap": True,
            "data_dir": str(setup.layout.data / "consul"),
            "connect": {"enabled": True},
            "performance": {"raft_multiplier": 1},
        }
    if setup.tokens is not None:
        config["acl"] = {
            "enabled": True,
            "default_policy": "deny",
            "tokens": {
                "initial_management": setup.tokens.consul,
                "agent": setup.tokens.consul,
            },
        }
    return config


def _nomad(setup: Setup) -> dict[str, Any]:
    ports = setup.ports
    first, last = dynamic_ports(ports.offset)
    client: dict[str, Any] = {
        "enabled": True,
        "network_interface": "lo",
        "max_kill_timeout": _MAX_KILL_TIMEOUT,
        "gc_max_allocs": _KEPT_ALLOCATIONS,
        "min_dynamic_port": first,
        "max_dynamic_port": last,
        "reserved": {"reserved_ports": _reserved(ports)},
        "options": {"fingerprint.denylist": _CLOUD_FINGERPRINTS},
    }
    config: dict[str, Any] = {
        "name": NODE_NAME,
        "datacenter": DATACENTER,
        "log_level": "INFO",
        "bind_addr": LOOPBACK,
        # Without -dev Nomad refuses to guess loopback.
        "advertise": {"http": LOOPBACK, "rpc": LOOPBACK, "serf": LOOPBACK},
        "ports": {"http": ports.nomad_http, "rpc": ports.nomad_rpc, "serf": ports.nomad_serf},
        "disable_update_check": True,
        "client": client,
        "consul": _consul_of_nomad(setup),
        "plugin": [
            {"raw_exec": [{"config": [{"enabled": True}]}]},
            {"docker": [{"config": [_docker(setup)]}]},
        ],
    }
    if setup.data:
        config["data_dir"] = str(setup.layout.data / "nomad")
        config["server"] = {"enabled": True, "bootstrap_expect": 1, "raft_multiplier": 1}
        client["servers"] = [f"{LOOPBACK}:{ports.nomad_rpc}"]
        client["alloc_dir"] = str(setup.layout.kept_alloc)
    else:
        client["state_dir"] = str(setup.layout.client)
        client["alloc_dir"] = str(setup.layout.alloc)
    if setup.tokens is not None:
        config["acl"] = {"enabled": True}
    return config


def _consul_of_nomad(setup: Setup) -> dict[str, Any]:
    consul: dict[str, Any] = {
        "address": f"{LOOPBACK}:{setup.ports.consul_http}",
        "grpc_address": f"{LOOPBACK}:{setup.ports.consul_grpc}",
    }
    if setup.tokens is not None:
        consul["token"] = setup.tokens.nomad_agent
    return consul


def _docker(setup: Setup) -> dict[str, Any]:
    # The collector would delete images that were built here and are nowhere else.
    config: dict[str, Any] = {"gc": [{"image": False}]}
    if setup.docker_endpoint is not None:
        config["endpoint"] = setup.docker_endpoint
    return config


def _reserved(ports: AgentPorts) -> str:
    """Our own ports but those that the jobs `traefik`, `kick` and `hook` ask Nomad for."""
    asked = {"edge_public", "edge_private", "traefik_api"}
    asked |= {"kick_http", "kick_dns", "kick_dns_private", "hook_http"}
    return ",".join(str(getattr(ports, name)) for name in PURPOSES if name not in asked)


def dynamic_ports(offset: int) -> tuple[int, int]:
    """First and last port that Nomad may give to tasks.

    A window by offset, so that clusters whose offsets lie 100 apart do not hand out the same port.
    """
    first = _DYNAMIC_FIRST + (offset // 100) % _DYNAMIC_WINDOWS * _DYNAMIC_WINDOW
    return first, first + _DYNAMIC_WINDOW - 1
