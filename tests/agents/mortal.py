"""More machines for a local cluster, each with a Consul and a Nomad of its own, that can die."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.agents.cluster import LocalCluster
from tests.agents.shop import ask
from tests.agents.workers import end, free_ports
from toolkit.agents import mounts

LOOPBACK = "127.0.0.1"
SECONDS = 90.0
# Above what the windows of local clusters take, below what the kernel hands out.
_FIRST, _EACH = 32000, 200


@dataclass
class Mortal:
    """A machine that runs workloads."""

    name: str
    consul: subprocess.Popen[bytes]
    nomad: subprocess.Popen[bytes]

    def die(self) -> None:
        """Everything at once, without a word to anybody."""
        doomed = [self.consul.pid, self.nomad.pid]
        doomed += [each.pid for each in psutil.Process(self.nomad.pid).children(recursive=True)]
        for signum in (signal.SIGSTOP, signal.SIGKILL):
            for pid in doomed:
                os.kill(pid, signum)
        self.consul.wait()
        self.nomad.wait()


@contextmanager
def mortals(cluster: LocalCluster, folder: Path, *names: str) -> Iterator[dict[str, Mortal]]:
    """Machines that joined, stopped at the end unless they died; names end in a digit."""
    with ExitStack() as stack:
        # Of a client that was killed its tasks' secrets stay mounted.
        stack.callback(mounts.unmount, folder)
        made = {name: _start(stack, cluster, folder / name, name) for name in names}
        until(f"{names} are ready", lambda: ready(cluster) >= set(names))
        yield made


def ready(cluster: LocalCluster) -> set[str]:
    """Names of the machines that Nomad would give work."""
    return {
        str(node["Name"])
        for node in ask(f"{cluster.nomad_address}/v1/nodes")
        if node["Status"] == "ready" and (node["Drivers"] or {}).get("raw_exec", {}).get("Healthy")
    }


def _start(stack: ExitStack, cluster: LocalCluster, folder: Path, name: str) -> Mortal:
    folder.mkdir(parents=True)
    http = free_ports(1)[0]
    consul = _agent(stack, cluster, folder, "consul", _consul(cluster, folder, name, http))
    # Nomad looks for it at its start, and then not again for a while.
    leader = f"http://{LOOPBACK}:{http}/v1/status/leader"
    until(f"the Consul of {name} has joined", lambda: bool(ask(leader)))
    nomad = _agent(stack, cluster, folder, "nomad", _nomad(cluster, folder, name, http))
    return Mortal(name, consul, nomad)


def _agent(
    stack: ExitStack, cluster: LocalCluster, folder: Path, agent: Any, config: dict[str, Any]
) -> subprocess.Popen[bytes]:
    path = folder / f"{agent}.json"
    path.write_text(json.dumps(config))
    log = stack.enter_context((folder / f"{agent}.log").open("wb"))
    option = "-config-file" if agent == "consul" else "-config"
    process = subprocess.Popen(
        [cluster.process(agent).binary, "agent", f"{option}={path}"],
        env={"PATH": os.defpath, "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    stack.callback(_end, process)
    return process


def _consul(cluster: LocalCluster, folder: Path, name: str, http: int) -> dict[str, Any]:
    return {
        "node_name": name,
        "datacenter": "dc1",
        "data_dir": str(folder / "consul"),
        "bind_addr": LOOPBACK,
        "client_addr": LOOPBACK,
        "retry_join": [f"{LOOPBACK}:{cluster.state.ports.consul_serf_lan}"],
        "ports": {
            "http": http, "dns": -1, "grpc": -1, "grpc_tls": -1, "serf_wan": -1,
            "serf_lan": free_ports(1)[0], "server": free_ports(1)[0],
        },
        "disable_update_check": True,
        "disable_host_node_id": True,
    }  # fmt: skip


def _nomad(cluster: LocalCluster, folder: Path, name: str, consul: int) -> dict[str, Any]:
    first = _FIRST + _EACH * (int(name[-1]) - 1)
    loopback = dict.fromkeys(("http", "rpc", "serf"), LOOPBACK)
    return {
        "name": name,
        "datacenter": "dc1",
        "data_dir": str(folder / "nomad"),
        "bind_addr": LOOPBACK,
        "advertise": loopback,
        "ports": {purpose: free_ports(1)[0] for purpose in loopback},
        "disable_update_check": True,
        "consul": {"address": f"{LOOPBACK}:{consul}"},
        "client": {
            "enabled": True,
            "servers": [f"{LOOPBACK}:{cluster.state.ports.nomad_rpc}"],
            "network_interface": "lo",
            "min_dynamic_port": first,
            "max_dynamic_port": first + _EACH - 1,
            "options": {
                "fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean",
                "driver.denylist": "docker,java,qemu",
            },
        },
        "plugin": [{"raw_exec": [{"config": [{"enabled": True}]}]}],
    }


def _end(process: subprocess.Popen[bytes]) -> None:
    # A Nomad that is no development agent leaves what it runs.
    alive = process.poll() is None
    around = psutil.Process(process.pid).children(recursive=True) if alive else []
    end(process)
    for each in around:
        with suppress(psutil.NoSuchProcess):
            each.terminate()


def until(what: str, holds: Callable[[], bool]) -> None:
    """Ask until the answer is yes."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            if holds():
                return
        except (OSError, AssertionError):
            pass
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)
