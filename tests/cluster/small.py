"""The smallest rehearsal: a server and a worker whose agents are a small program."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.cluster import machines
from tests.cluster.sandbox import AGENT
from toolkit.cluster.rehearsal import plan
from toolkit.cluster.rehearsal.machines import (
    said_by,
    start_balancer,
    start_machine,
    start_operator,
    start_switch,
)
from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import Process, first_child, within
from toolkit.cluster.rehearsal.programs import place_programs
from toolkit.cluster.rehearsal.state import make_folder
from toolkit.cluster.secrets import make_secrets
from toolkit.cluster.secrets.folder import FolderStore
from toolkit.spec.cluster import Cluster, Machine

LIMIT = 60.0


def need_root() -> None:
    """Skip by name where there is none."""
    if os.geteuid() != 0:
        pytest.skip("root: machines of a rehearsal are namespaces and cgroups")


@dataclass
class Small:
    """A rehearsal of one server and one worker, whose agents are a small program."""

    places: Places
    cluster: Cluster
    switch: Process
    operator: Process
    port: int
    balancer: Process
    started: dict[str, Process]
    machines: dict[str, Machine]

    def inside(self, name: str, line: str) -> str:
        """What a shell line says on a machine."""
        [init] = first_child(self.started[name].pid)
        done = subprocess.run(
            [*within(init.pid), "/bin/bash", "-c", line],
            capture_output=True,
            text=True,
            timeout=LIMIT,
        )
        return done.stdout + done.stderr


def is_in(places: Places, name: str) -> None:
    end = time.monotonic() + LIMIT
    while not (said := said_by(places.machine(name))):
        assert time.monotonic() < end, (places.machine(name) / "init.log").read_text()
        time.sleep(0.02)
    assert said[-1].startswith("success"), said


def programs(folder: Path) -> dict[str, plan.Program]:
    found = {}
    for name in ("nomad", "consul"):
        path = folder / name
        path.write_text(AGENT)
        path.chmod(0o755)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found[name] = plan.Program(str(path), {"nomad": "1.11.3", "consul": "1.22.7"}[name], digest)
    return found


def begin(root: Path) -> Small:
    own = Places(root, "prod")
    make_folder(own)
    agents = programs(root)
    cluster = plan.rehearsed(machines.cluster(), agents, machines.ARCH)  # type: ignore[arg-type]
    store = FolderStore(own.store)
    make_secrets(store, cluster, datetime.now(UTC))
    place_programs(own, agents)  # type: ignore[arg-type]
    server, worker = plan.server_machines(cluster)[0], plan.worker_machines(cluster, 1)[0]
    own.names.write_text(json.dumps(plan.names(cluster, (server, worker))))
    own.targets.write_text(json.dumps(plan.targets(cluster, (server, worker))))
    switch = start_switch(own, cluster)
    operator, port = start_operator(own, cluster, switch)
    balancer = start_balancer(own, cluster, switch)
    started = {each.name: start_machine(own, cluster, each, switch) for each in (server, worker)}
    for name in started:
        is_in(own, name)
    found = {each.name: each for each in (server, worker)}
    return Small(own, cluster, switch, operator, port, balancer, started, found)
