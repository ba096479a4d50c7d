"""What the tests of `toolkit dev` share: a job, a driver in a process of its own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tests.agents.cluster import LocalCluster
from toolkit.agents import mounts, processes
from toolkit.agents.layout import Layout
from toolkit.spec.dev import Machine

STUBBORN = "(setsid sleep 3600 &) ; trap '' TERM; while :; do sleep 1; done"
"""A task that leaves a process of a session of its own, and ignores SIGTERM."""


def job(name: str, script: str = "exec sleep 3600", **group: Any) -> dict[str, Any]:
    task = {
        "Name": "app",
        "Driver": "raw_exec",
        "Config": {"command": "/bin/sh", "args": ["-c", script]},
        "Resources": {"CPU": 10, "MemoryMB": 16},
        "KillTimeout": 1_000_000_000,
    }
    return {
        "ID": name,
        "Name": name,
        "Type": "service",
        "Datacenters": ["*"],
        "TaskGroups": [{"Name": "web", "Count": 1, "Tasks": [task], **group}],
    }


def run_job(cluster: LocalCluster, body: dict[str, Any]) -> None:
    """Register a job and wait until its allocation runs."""
    with cluster.nomad() as nomad:
        nomad.register(body, check_index=0)

        def runs() -> bool:
            return any(
                each["ClientStatus"] == "running" for each in nomad.allocations(body["ID"]).value
            )

        cluster.until(f"{body['ID']} runs", runs)


def owner(pid: int) -> int | None:
    """User id of the process; None when it is gone."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except FileNotFoundError:
        return None


def nothing_left(root: Path) -> None:
    layout = Layout.of(root)
    assert processes.belonging_to(layout.dev) == ()
    assert mounts.below(layout.dev) == ()
    assert not layout.state.exists()
    assert not layout.alloc.exists()


@contextmanager
def driver(root: Path, machine: Machine, **order: Any) -> Iterator[subprocess.Popen[str]]:
    """`toolkit dev up` or `down` in a process of its own."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.agents.dev_driver"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        json.dump(
            {
                "root": str(root),
                "nomad_bin": str(machine.nomad_bin),
                "consul_bin": str(machine.consul_bin),
                "traefik_bin": str(machine.traefik_bin),
                **order,
            },
            process.stdin,
        )
        process.stdin.close()
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)


def read_until(out: IO[str] | None, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    assert out is not None
    seen = []
    for text in out:
        line = json.loads(text)
        seen.append(line)
        if wanted(line):
            return dict(line)
    raise AssertionError(f"the process ended after saying {seen}")
