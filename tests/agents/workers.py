"""Several Nomad clients on one machine, unlike each other, with one server: a small cluster.

Nothing runs on them but what a test registers with the mock driver. Each has made-up amounts of
CPU, memory and disk, so that a job fits or does not by one MiB.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.agents.shop import ask
from toolkit.agents import mounts
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.rollout.world import World
from toolkit.spec.target import Endpoint, Target

LOOPBACK = "127.0.0.1"
READY_SECONDS = 90.0
_DENIED = "env_aws,env_gce,env_azure,env_digitalocean,cni,consul,vault"


@dataclass(frozen=True)
class Worker:
    """What one client says that it has."""

    name: str
    datacenter: str = "dc1"
    pool: str = "default"
    node_class: str = ""
    memory: int = 1000
    cpu: int = 2000
    disk: int = 4000
    reserved: Mapping[str, Any] = field(default_factory=dict)
    meta: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, bool] = field(default_factory=dict)
    """Name -> read-only."""
    networks: Mapping[str, str] = field(default_factory=dict)
    """Alias -> reserved ports."""
    dynamic: tuple[int, int] = (20000, 32000)
    raw_exec: bool = True
    most: int = 0

    def config(self, folder: Path, server: int, ports: tuple[int, int]) -> dict[str, Any]:
        """The client's configuration."""
        client: dict[str, Any] = {
            "enabled": True,
            "servers": [f"{LOOPBACK}:{server}"],
            "node_pool": self.pool,
            "node_class": self.node_class,
            "meta": dict(self.meta),
            "memory_total_mb": self.memory,
            "cpu_total_compute": self.cpu,
            "disk_total_mb": self.disk,
            "network_interface": "lo",
            "min_dynamic_port": self.dynamic[0],
            "max_dynamic_port": self.dynamic[1],
            "reserved": dict(self.reserved),
            "options": {"fingerprint.denylist": _DENIED, "driver.denylist": "java,qemu,docker"},
            "host_volume": [
                {name: {"path": str(folder), "read_only": read_only}}
                for name, read_only in self.volumes.items()
            ],
            "host_network": [
                {alias: {"cidr": f"{LOOPBACK}/32", "reserved_ports": reserved}}
                for alias, reserved in self.networks.items()
            ],
        }
        if self.most:
            client["node_max_allocs"] = self.most
        return {
            **_common(folder, ports),
            "name": self.name,
            "datacenter": self.datacenter,
            "client": client,
            "plugin": [{"raw_exec": [{"config": [{"enabled": self.raw_exec}]}]}],
        }


def _common(folder: Path, ports: tuple[int, ...]) -> dict[str, Any]:
    names = ("http", "rpc", "serf")
    return {
        "data_dir": str(folder / "data"),
        "bind_addr": LOOPBACK,
        "advertise": dict.fromkeys(names, LOOPBACK),
        "ports": dict(zip(names, ports, strict=False)),
        "disable_update_check": True,
        "log_level": "WARN",
        "consul": {"address": f"{LOOPBACK}:1", "client_auto_join": False,
                   "server_auto_join": False, "auto_advertise": False},
    }  # fmt: skip


def free_ports(number: int) -> tuple[int, ...]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(number)]
        for each in sockets:
            each.bind((LOOPBACK, 0))
        return tuple(int(each.getsockname()[1]) for each in sockets)


class Workers:
    """The running cluster."""

    def __init__(self, binary: Path, root: Path, stack: ExitStack) -> None:
        self.binary, self.root, self.stack = binary, root, stack
        self.http, self.rpc, self.serf = free_ports(3)
        self.address = f"http://{LOOPBACK}:{self.http}"
        self.processes: list[subprocess.Popen[bytes]] = []

    def _start(self, name: str, config: Mapping[str, Any]) -> None:
        folder = self.root / name
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "agent.json"
        path.write_text(json.dumps(config))
        log = self.stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            [str(self.binary), "agent", f"-config={path}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={"PATH": os.defpath, "HOME": str(folder)},
            start_new_session=True,
        )
        self.processes.append(process)
        self.stack.callback(end, process)

    def serve(self) -> None:
        """Start the server, and wait until it can sign what clients need."""
        folder = self.root / "server"
        server = {"enabled": True, "bootstrap_expect": 1, "raft_multiplier": 1}
        config = _common(folder, (self.http, self.rpc, self.serf))
        self._start("server", {**config, "name": "server", "server": server})
        # A client that comes before the keys waits long for its second try.
        self.until("the server has its keys", lambda: bool(
            (ask(f"{self.address}/.well-known/jwks.json") or {}).get("keys")))  # fmt: skip

    def join(self, *workers: Worker) -> None:
        """Start clients, and wait until all are ready."""
        for worker in workers:
            folder = self.root / worker.name
            self._start(worker.name, worker.config(folder, self.rpc, free_ports(2)))  # type: ignore[arg-type]
        names = {worker.name for worker in workers}
        self.until(f"{names} are ready", lambda: names <= set(self.ready()))

    def ready(self) -> dict[str, str]:
        """Name -> id of the nodes that are ready with their drivers known."""
        return {
            str(node["Name"]): str(node["ID"])
            for node in ask(f"{self.address}/v1/nodes") or []
            if node["Status"] == "ready"
            and (node["Drivers"] or {}).get("mock_driver", {}).get("Healthy")
        }

    def call(self, path: str, body: Any = None, method: str | None = None) -> Any:
        """Nomad's answer."""
        return ask(self.address + path, body, method or ("POST" if body is not None else None))

    def parse(self, hcl: str) -> dict[str, Any]:
        """A job as Nomad's parser reads it."""
        job = self.call("/v1/jobs/parse", {"JobHCL": hcl, "Canonicalize": True})
        assert isinstance(job, dict)
        return job

    def run(self, hcl: str) -> dict[str, Any]:
        """Register a job, and wait until its evaluation is done and what it placed runs."""
        job = self.parse(hcl)
        said = self.call("/v1/jobs", {"Job": job})
        self.until("the evaluation is done", lambda: self.call(
            f"/v1/evaluation/{said['EvalID']}")["Status"] == "complete")  # fmt: skip
        self.until("its instances run", lambda: all(
            each["ClientStatus"] == "running"
            for each in self.call(f"/v1/job/{job['ID']}/allocations")))  # fmt: skip
        return job

    def purge(self, name: str) -> None:
        """Forget a job, and wait until it takes nothing any more."""
        self.call(f"/v1/job/{name}", method="DELETE")
        # A purge while the scheduler still places the job kills a Nomad 1.11.3.
        self.until("the scheduler is done with it", lambda: all(
            each["Status"] in {"complete", "blocked", "canceled", "failed"}
            for each in self.call(f"/v1/job/{name}/evaluations") or []))  # fmt: skip
        self.until("it is gone", lambda: all(
            each["ClientStatus"] in {"complete", "failed", "lost"}
            for each in self.call(f"/v1/job/{name}/allocations") or []))  # fmt: skip
        self.call(f"/v1/job/{name}?purge=true", method="DELETE")

    def world(self) -> World:
        """Clients as the command has them; close `nomad`."""
        nomad = Endpoint("Nomad", self.address, "test")
        consul = Endpoint("Consul", f"http://{LOOPBACK}:1", "test")
        target = Target(environment="test", nomad=nomad, consul=consul)
        return World(target, Nomad(nomad), Consul(consul))

    def until(self, what: str, holds: Any, seconds: float = READY_SECONDS) -> None:
        """Ask until the answer is yes, for as long as every agent lives."""
        deadline = time.monotonic() + seconds
        while True:
            try:
                if holds():
                    return
            except (OSError, urllib.error.URLError, AssertionError):
                pass
            for process in self.processes:
                assert process.poll() is None, f"an agent ended: {process.args!r}"
            assert time.monotonic() < deadline, f"never: {what}"
            time.sleep(0.05)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    # A client leaves the log collectors of what it ran, if its server died before the tasks ended.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)


@contextmanager
def workers(binary: Path, root: Path, *joining: Worker) -> Iterator[Workers]:
    """A server and its clients, stopped at the end."""
    with ExitStack() as stack:
        cluster = Workers(binary, root, stack)
        try:
            cluster.serve()
            cluster.join(*joining)
            yield cluster
        finally:
            _stop_tasks(cluster)
    # Of an allocation that was never collected a client leaves its secrets mounted.
    mounts.unmount(root)
    shutil.rmtree(root, ignore_errors=True)


def _stop_tasks(cluster: Workers) -> None:
    try:
        for stub in cluster.call("/v1/jobs") or []:
            cluster.purge(stub["ID"])
    except (OSError, AssertionError):
        return
