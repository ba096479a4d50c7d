"""A second machine for a local cluster: a Consul agent and a Nomad client of its own.

Each Nomad client needs its own Consul agent: it takes away what it did not register there itself.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents.cluster import LocalCluster, own_task_ports
from tests.agents.shop import ask
from tests.agents.workers import end, free_ports
from toolkit.agents import mounts
from toolkit.agents.configure import scrubbed_environment

LOOPBACK = "127.0.0.1"
OTHER = "127.0.0.2"
"""The second machine's address for fixed ports: all of 127.0.0.0/8 is this machine's."""
NAME = "dev-2"
META = "loopback"


@dataclass(frozen=True)
class SecondMachine:
    """A node beside the cluster's own."""

    cluster: LocalCluster
    node: str

    @property
    def first_node(self) -> str:
        """The id of the cluster's own node."""
        nodes = ask(f"{self.cluster.nomad_address}/v1/nodes")
        return str(next(node["ID"] for node in nodes if node["ID"] != self.node))

    def drain(self) -> None:
        """What `nomad node drain -enable -deadline 5m` sends."""
        self._drain({"DrainSpec": {"Deadline": 300 * 10**9, "IgnoreSystemJobs": False}})

    def open(self) -> None:
        """Take work again."""
        self._drain({"DrainSpec": None, "MarkEligible": True})

    def _drain(self, body: Mapping[str, Any]) -> None:
        address = f"{self.cluster.nomad_address}/v1/node/{self.node}/drain"
        ask(address, {"NodeID": self.node, **body})

    def drained(self) -> bool:
        """True when nothing that it ran runs any more."""
        found = ask(f"{self.cluster.nomad_address}/v1/node/{self.node}/allocations") or []
        return all(each["ClientStatus"] in {"complete", "failed", "lost"} for each in found)


@contextmanager
def second_machine(cluster: LocalCluster, root: Path) -> Iterator[SecondMachine]:
    """Join a node; drained and stopped at the end. Each node's address is its meta `loopback`."""
    state = cluster.state
    with ExitStack() as stack:
        # Of an allocation that was never collected a client leaves its secrets mounted.
        stack.callback(mounts.unmount, root)
        tasks = stack.enter_context(own_task_ports()) or (32000, 32700)
        http, serf, nomad_http = free_ports(3)
        consul = {
            "node_name": NAME, "datacenter": "dc1", "bind_addr": LOOPBACK, "client_addr": LOOPBACK,
            "ports": {"http": http, "https": -1, "dns": -1, "grpc": -1, "grpc_tls": -1,
                      "serf_lan": serf, "server": state.ports.consul_server},
            "retry_join": [f"{LOOPBACK}:{state.ports.consul_serf_lan}"],
            "retry_interval": "1s", "disable_update_check": True, "disable_host_node_id": True,
            "data_dir": str(root / "consul"),
        }  # fmt: skip
        nomad = {
            "name": NAME, "datacenter": "dc1", "bind_addr": LOOPBACK,
            "data_dir": str(root / "nomad"),
            "advertise": dict.fromkeys(("http", "rpc", "serf"), LOOPBACK),
            "ports": {"http": nomad_http}, "disable_update_check": True,
            "client": {
                "enabled": True, "network_interface": "lo", "meta": {META: OTHER},
                "servers": [f"{LOOPBACK}:{state.ports.nomad_rpc}"],
                "min_dynamic_port": tasks[0], "max_dynamic_port": tasks[1],
                "max_kill_timeout": "10m",
                "options": {"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean"},
            },
            "consul": {"address": f"{LOOPBACK}:{http}"},
            "plugin": [{"raw_exec": [{"config": [{"enabled": True}]}]}],
        }  # fmt: skip
        _start(stack, cluster, "consul", root, consul, "-config-file")
        # Nomad looks for Consul when it starts, and then every 15 s.
        agent = f"http://{LOOPBACK}:{http}"
        cluster.until("the second Consul has joined", lambda: bool(_leader(agent)))
        _start(stack, cluster, "nomad", root, nomad, "-config")
        cluster.until("the second machine is ready", lambda: NAME in _ready(cluster))
        machine = SecondMachine(cluster, _ready(cluster)[NAME])
        for node, address in ((machine.first_node, LOOPBACK), (machine.node, OTHER)):
            body = {"NodeID": node, "Meta": {META: address}}
            ask(f"{cluster.nomad_address}/v1/client/metadata?node_id={node}", body, "POST")
        try:
            yield machine
        finally:
            # Its tasks would outlive it.
            machine.drain()
            cluster.until("the second machine is empty", machine.drained)


def _leader(agent: str) -> str:
    """The leader that an agent knows; nothing while it does not answer."""
    try:
        return str(ask(f"{agent}/v1/status/leader") or "")
    except (OSError, AssertionError):
        return ""


def _ready(cluster: LocalCluster) -> dict[str, str]:
    """Name -> id of the nodes that take work with services in Consul."""
    nodes = ask(f"{cluster.nomad_address}/v1/nodes") or []
    return {
        str(node["Name"]): str(node["ID"])
        for node in nodes
        if node["Status"] == "ready"
        and (node["Drivers"] or {}).get("raw_exec", {}).get("Healthy")
        and "consul.version" in ask(f"{cluster.nomad_address}/v1/node/{node['ID']}")["Attributes"]
    }


def _start(
    stack: ExitStack,
    cluster: LocalCluster,
    name: Any,
    root: Path,
    config: Mapping[str, Any],
    flag: str,
) -> None:
    root.mkdir(parents=True, exist_ok=True)
    path = root / f"{name}.json"
    path.write_text(json.dumps(config))
    log = stack.enter_context((root / f"{name}.log").open("wb"))
    process = subprocess.Popen(
        [cluster.process(name).binary, "agent", f"{flag}={path}"],
        stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        env={**scrubbed_environment(cluster.machine, cluster.layout), "PATH": os.defpath},
    )  # fmt: skip
    stack.callback(end, process)


def on_both(text: str) -> str:
    """The shipped edge's template, with each node's own address instead of one for all."""
    for old, new in (
        ('"127.0.0.1" if env.local', '"${meta.loopback}" if env.local'),
        ("${NOMAD_IP_api}", "${meta.loopback}"),
        ('provider = "consul"', 'provider = "consul"\n      address  = "${meta.loopback}"'),
    ):
        assert old in text, old
        text = text.replace(old, new)
    return text
