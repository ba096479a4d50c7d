"""More Nomad clients of a local cluster, each on this machine with ports and folders of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.agents.gallery.hcl import block
from tests.agents.gallery.stage import Stage
from tests.faults.lab import running, ten_ports, until
from toolkit.agents import mounts, processes

READY = 60.0


@dataclass(frozen=True)
class Node:
    """A client that runs."""

    name: str
    id: str
    process: subprocess.Popen[bytes]
    alloc_dir: Path


@contextmanager
def client(stage: Stage, folder: Path, name: str, alloc_dir: Path | None = None) -> Iterator[Node]:
    """A client called `name`; its tasks are ended before it is.

    Such an agent leaves its tasks alone when it ends: the jobs are purged first.
    """
    folder.mkdir(parents=True)
    where = alloc_dir or folder / "alloc"
    state = stage.shop.cluster.state
    with ten_ports() as port:
        client = {
            "enabled": True,
            "servers": [f"127.0.0.1:{state.ports.nomad_rpc}"],
            "alloc_dir": str(where),
            "network_interface": "lo",
            "min_dynamic_port": port + 3,
            "max_dynamic_port": port + 9,
            "options": {"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean"},
        }
        settings: dict[str, Any] = {
            "name": name,
            "data_dir": str(folder / "data"),
            "bind_addr": "127.0.0.1",
            "advertise": dict.fromkeys(("http", "rpc", "serf"), "127.0.0.1"),
            "ports": {"http": port, "rpc": port + 1, "serf": port + 2},
            "disable_update_check": True,
            "client": client,
            "consul": {"address": f"127.0.0.1:{state.ports.consul_http}"},
            "plugin": [{"raw_exec": [{"config": [{"enabled": True}]}]}],
        }
        binary = next(each.binary for each in state.processes if each.name == "nomad")
        with running(folder, [binary, "agent"], settings) as process:
            until(lambda: bool(find(stage, name)), f"{name} is ready", process, READY)
            try:
                yield Node(name, find(stage, name), process, where)
            finally:
                stage.shop.close()
                until(lambda: not _tasks(where), f"{name} runs nothing", process, READY)
        mounts.unmount(folder)
        if where.exists():
            mounts.unmount(where)


def find(stage: Stage, name: str) -> str:
    """Id of the ready node of that name; empty while there is none."""
    ready = [n for n in stage.nomad("/v1/nodes") if n["Name"] == name and n["Status"] == "ready"]
    return str(ready[0]["ID"]) if ready else ""


def memory(stage: Stage, node: Node) -> int:
    """Megabytes that a node says it has."""
    resources = stage.nomad(f"/v1/node/{node.id}")["NodeResources"]
    return int(resources["Memory"]["MemoryMB"])


def only_on(name: str) -> str:
    """A constraint to one node."""
    return block("constraint", attribute="${node.unique.name}", value=name)


def _tasks(alloc_dir: Path) -> list[int]:
    """Processes of the tasks of a client, whatever Nomad's servers think of them."""
    inside = f"{alloc_dir}/"
    variables = ((pid, processes.environment(pid)) for pid in processes.pids())
    return [pid for pid, said in variables if said.get("NOMAD_ALLOC_DIR", "").startswith(inside)]
