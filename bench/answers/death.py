"""A machine dies under load: its Consul, its Nomad and all that it ran, at one moment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from bench.answers.machines import free_port
from bench.answers.project import Project, project, read, until
from bench.answers.rollouts import RATE, TARGETS
from bench.load import Load
from toolkit.agents import mounts

NOT_THE_SERVER = """\
[[constraints]]
attribute = "${node.unique.name}"
operator = "!="
value = "dev-1"

[[constraints]]
operator = "distinct_hosts"
value = "true"

"""
GRACE = 4.0
"""Seconds for which the load goes on after the last thing that was waited for."""


@dataclass(frozen=True, slots=True)
class Death:
    """Seconds are since the kill."""

    requests: int
    failed: int
    last_failed: float | None
    noticed: float
    """Nomad calls the machine down."""
    whole: float
    """Both instances run and pass again, on machines that live."""


@dataclass
class Node:
    """A machine that runs workloads: a Consul client and a Nomad client."""

    name: str
    consul: subprocess.Popen[bytes]
    nomad: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Everything at once, without a word to anybody."""
        doomed = [self.consul.pid, self.nomad.pid]
        doomed += [each.pid for each in psutil.Process(self.nomad.pid).children(recursive=True)]
        for pid in doomed:
            os.kill(pid, signal.SIGSTOP)
        for pid in doomed:
            os.kill(pid, signal.SIGKILL)
        self.consul.wait()
        self.nomad.wait()


def measure(folder: Path) -> Death:
    """Three machines, an instance on each of two; one of these dies."""
    with ExitStack() as stack:
        # Of a client that was killed its tasks' secrets stay mounted.
        stack.callback(mounts.unmount, folder)
        shop = stack.enter_context(project(folder / "shop", more=NOT_THE_SERVER))
        nodes = {
            name: stack.enter_context(node(shop, folder / name, name))
            for name in ("worker-1", "worker-2", "worker-3")
        }
        until("the workers are ready", lambda: _ready(shop) >= set(nodes))
        shop.must("deploy", "backend", "--yes")
        doomed = next(alloc["NodeName"] for alloc in _running(shop))
        with Load(shop.edge, TARGETS, rate=RATE) as load:
            load.wait_for(int(RATE))
            died, offset = time.monotonic(), load.now
            nodes[doomed].kill()
            noticed = until("Nomad notices", lambda: doomed not in _ready(shop)) - died
            whole = until("two run elsewhere", lambda: _is_whole(shop, doomed)) - died
            load.wait_for(len(load.hits) + int(RATE * GRACE))
        hits = [hit for hit in load.hits if hit.at >= offset]
        failed = [hit for hit in hits if hit.problem]
        shop.must("stop", "backend", "--purge", "--yes")
    last = max((hit.at - offset for hit in failed), default=None)
    return Death(len(hits), len(failed), last, noticed, whole)


def _ready(shop: Project) -> set[str]:
    nodes = read(f"{shop.cluster.nomad_address}/v1/nodes")
    return {node["Name"] for node in nodes if node["Status"] == "ready"}


def _running(shop: Project) -> list[dict[str, Any]]:
    stubs = read(f"{shop.cluster.nomad_address}/v1/job/backend/allocations")
    return [
        stub
        for stub in stubs
        if (stub["ClientStatus"], stub["DesiredStatus"]) == ("running", "run")
    ]


def _is_whole(shop: Project, doomed: str) -> bool:
    mine = {alloc["ID"] for alloc in _running(shop) if alloc["NodeName"] != doomed}
    found = read(f"{shop.cluster.consul_address}/v1/health/service/backend?passing=1")
    passing = {entry["Service"]["ID"] for entry in found}
    return len(mine) == 2 and all(any(alloc in name for name in passing) for alloc in mine)


@contextmanager
def node(shop: Project, folder: Path, name: str) -> Iterator[Node]:
    """A machine that joins the project's Consul and Nomad."""
    state = shop.cluster.state
    http = free_port()
    consul = {
        "node_name": name,
        "datacenter": "dc1",
        "data_dir": str(folder / "consul"),
        "bind_addr": "127.0.0.1",
        "client_addr": "127.0.0.1",
        "retry_join": [f"127.0.0.1:{state.ports.consul_serf_lan}"],
        "ports": {
            "http": http, "dns": -1, "grpc": -1, "grpc_tls": -1,
            "serf_lan": free_port(), "serf_wan": -1, "server": free_port(),
        },
        "disable_update_check": True,
        "disable_host_node_id": True,
    }  # fmt: skip
    loopback = dict.fromkeys(("http", "rpc", "serf"), "127.0.0.1")
    first = 33000 + 300 * int(name[-1])
    nomad = {
        "name": name,
        "datacenter": "dc1",
        "data_dir": str(folder / "nomad"),
        "bind_addr": "127.0.0.1",
        "advertise": loopback,
        "ports": {purpose: free_port() for purpose in loopback},
        "disable_update_check": True,
        "consul": {"address": f"127.0.0.1:{http}"},
        "client": {
            "enabled": True,
            "servers": [f"127.0.0.1:{state.ports.nomad_rpc}"],
            "network_interface": "lo",
            "min_dynamic_port": first,
            "max_dynamic_port": first + 299,
            "options": {
                "fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean",
                "driver.denylist": "docker",
            },
        },
        "plugin": [{"raw_exec": [{"config": [{"enabled": True}]}]}],
    }
    folder.mkdir(parents=True)
    started = []
    with ExitStack() as stack:
        for agent, config, said in (
            ("consul", consul, "-config-file"),
            ("nomad", nomad, "-config"),
        ):
            path = folder / f"{agent}.json"
            path.write_text(json.dumps(config))
            log = stack.enter_context((folder / f"{agent}.log").open("wb"))
            binary = shop.cluster.process(agent).binary  # type: ignore[arg-type]
            process = subprocess.Popen(
                [binary, "agent", f"{said}={path}"],
                env={"PATH": os.defpath, "HOME": str(folder)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            started.append(process)
            stack.callback(_end, process)
        yield Node(name, *started)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
