"""A Consul and a Nomad with access control on and nobody in yet, as a cluster's servers begin."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.agents.cluster import free_offset, give_back, pinned_machine
from toolkit.agents.find import pinned_agents
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError
from toolkit.spec.agents import AgentPorts
from toolkit.spec.target import Endpoint, Secret

LOOPBACK = "127.0.0.1"
READY_SECONDS = 60.0


@dataclass(frozen=True)
class Fresh:
    """The addresses of the two."""

    consul_address: str
    nomad_address: str

    def consul(self, token: str = "", address: str = "") -> Consul:
        """A client that does not pause between attempts; close it."""
        secret = Secret(token) if token else None
        endpoint = Endpoint("Consul", address or self.consul_address, "test", token=secret)
        return Consul(endpoint, sleep=lambda _seconds: None)

    def nomad(self, token: str = "", address: str = "") -> Nomad:
        """A client that does not pause between attempts; close it."""
        secret = Secret(token) if token else None
        endpoint = Endpoint("Nomad", address or self.nomad_address, "test", token=secret)
        return Nomad(endpoint, sleep=lambda _seconds: None)


@contextmanager
def fresh_agents(folder: Path) -> Iterator[Fresh]:
    """One server of each, in memory; stopped at the end."""
    machine = pinned_machine()
    binaries = pinned_agents(machine, say=lambda _text: None)
    offset = free_offset()
    ports = AgentPorts.at(offset)
    folder.mkdir(parents=True, exist_ok=True)
    configs = {"consul": _consul(ports), "nomad": _nomad(ports, folder)}
    started: list[subprocess.Popen[bytes]] = []
    try:
        for name, config in configs.items():
            path = folder / f"{name}.json"
            path.write_text(json.dumps(config))
            option = "-config-file" if name == "consul" else "-config"
            argv = [str(binaries[name].path), "agent", "-dev", f"{option}={path}"]  # type: ignore[index]
            with (folder / f"{name}.log").open("wb") as log:
                process = subprocess.Popen(
                    argv, stdout=log, stderr=log, env={"PATH": os.environ["PATH"]}
                )
            started.append(process)
        fresh = Fresh(
            f"http://{LOOPBACK}:{ports.consul_http}", f"http://{LOOPBACK}:{ports.nomad_http}"
        )
        _await_leaders(fresh, started)
        yield fresh
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(timeout=30)
        give_back(offset)


def _await_leaders(fresh: Fresh, started: list[subprocess.Popen[bytes]]) -> None:
    end = time.monotonic() + READY_SECONDS
    with fresh.consul() as consul, fresh.nomad() as nomad:
        while True:
            try:
                if consul.leader() and nomad.leader():
                    return
            except ApiError:
                assert all(process.poll() is None for process in started), "an agent ended"
            assert time.monotonic() < end, "no leaders"
            time.sleep(0.05)


def _consul(ports: AgentPorts) -> dict[str, object]:
    return {
        "bind_addr": LOOPBACK,
        "client_addr": LOOPBACK,
        "disable_update_check": True,
        "ports": {
            "http": ports.consul_http,
            "dns": ports.consul_dns,
            "server": ports.consul_server,
            "serf_lan": ports.consul_serf_lan,
            "serf_wan": ports.consul_serf_wan,
            "grpc": -1,
            "grpc_tls": -1,
        },
        "acl": {"enabled": True, "default_policy": "deny"},
    }


def _nomad(ports: AgentPorts, folder: Path) -> dict[str, object]:
    return {
        "bind_addr": LOOPBACK,
        "disable_update_check": True,
        "ports": {"http": ports.nomad_http, "rpc": ports.nomad_rpc, "serf": ports.nomad_serf},
        "acl": {"enabled": True},
        "client": {"enabled": False},
        # The folder's path would be too long for the sockets of plugins, and there are no tasks.
        "data_dir": "",
        "consul": {"address": f"{LOOPBACK}:{ports.consul_http}"},
    }
