"""Small real jobs for tests of the clients."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

from toolkit.clients.nomad import Nomad

Make = Callable[..., dict[str, Any]]
_numbers = count(1)


@contextmanager
def making(nomad: Nomad) -> Iterator[Make]:
    """Makes job bodies with ids of their own and purges those jobs at the end."""
    made: list[str] = []

    def job(script: str = "sleep 600", name: str | None = None, **more: Any) -> dict[str, Any]:
        name = name or f"clients-{next(_numbers)}"
        made.append(name)
        task = {
            "Name": "app",
            "Driver": "raw_exec",
            "Config": {"command": "/bin/sh", "args": ["-c", script]},
            "Resources": {"CPU": 10, "MemoryMB": 16},
            "LogConfig": {"MaxFiles": 1, "MaxFileSizeMB": 1},
        }
        group = {
            "Name": "web",
            "Count": 1,
            "Tasks": [task],
            "EphemeralDisk": {"SizeMB": 20},
            "RestartPolicy": {"Attempts": 0, "Mode": "fail"},
            "Update": {
                "HealthCheck": "task_states",
                "MinHealthyTime": 100_000_000,
                "HealthyDeadline": 20_000_000_000,
                "ProgressDeadline": 30_000_000_000,
                "MaxParallel": 1,
            },
        }
        return {
            "ID": name, "Name": name, "Type": "service", "Datacenters": ["*"],
            "TaskGroups": [group], **more,
        }  # fmt: skip

    yield job
    for name in made:
        nomad.stop(name, purge=True)


def run(nomad: Nomad, job: dict[str, Any]) -> dict[str, Any]:
    """Register a new job and follow blocking queries until its allocation runs."""
    nomad.register(job, check_index=0)
    return wait_for(nomad, job["ID"], lambda stub: stub["ClientStatus"] == "running")


def wait_for(
    nomad: Nomad, job: str, holds: Callable[[dict[str, Any]], bool], seconds: float = 60.0
) -> dict[str, Any]:
    """The first allocation that `holds`, found by blocking queries."""
    deadline = time.monotonic() + seconds
    index = 0
    while time.monotonic() < deadline:
        page = nomad.allocations(job, index=index, wait=5.0)
        index = page.index
        for stub in page.value:
            if holds(stub):
                return dict(stub)
    raise AssertionError(f"no allocation of {job} in {seconds} s did what was waited for")


def follow(nomad: Nomad, deployment: str, status: str) -> None:
    """Block until the deployment has that status."""
    page = nomad.deployment(deployment)
    for _ in range(50):
        if page.value["Status"] == status:
            return
        page = nomad.deployment(deployment, index=page.index, wait=5.0)
    raise AssertionError(page.value)
