"""What tests of the clients need beside a cluster: endpoints, processes of their own, ports."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError
from toolkit.spec.target import Endpoint, Target

FIRST_PORT, LAST_PORT, STEP = 14000, 14999, 10
STARTUP_SECONDS = 60.0


@dataclass(frozen=True)
class Lab:
    """A Nomad and a Consul that run."""

    nomad: Endpoint
    consul: Endpoint

    @classmethod
    def of(cls, target: Target) -> Lab:
        """The agents of an environment."""
        return cls(target.nomad, target.consul)

    def open_nomad(self, **how: Any) -> Nomad:
        """A client that the caller closes."""
        return Nomad(self.nomad, **how)

    def open_consul(self) -> Consul:
        """A client that the caller closes."""
        return Consul(self.consul)


@contextmanager
def running(
    folder: Path, command: list[str], settings: dict[str, Any] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a scrubbed environment, ended by SIGTERM; `settings` are for Nomad."""
    name = Path(command[0]).name
    if settings is not None:
        file = folder / f"{name}.json"
        file.write_text(json.dumps(settings))
        command = [*command, f"-config={file}"]
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def until(
    holds: Callable[[], bool],
    what: str,
    process: subprocess.Popen[bytes] | None = None,
    seconds: float = STARTUP_SECONDS,
) -> None:
    """Wait until `holds`, asked ten times a second; AssertionError names `what` otherwise.

    An end of `process` ends the wait.
    """
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{process.args!r} ended before {what}")
        try:
            if holds():
                return
        except (ApiError, requests.RequestException) as exc:
            last = exc
        # Nothing to block on: what is waited for is the thing that would answer.
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}") from last


@contextmanager
def ten_ports() -> Iterator[int]:
    """First of ten free ports in our range, ours alone among test runs at the same time."""
    for base in range(FIRST_PORT, LAST_PORT, STEP):
        with (Path(tempfile.gettempdir()) / f"clients-lab-{base}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            if all(_free(port) for port in range(base, base + STEP)):
                yield base
                return
    raise AssertionError(f"no ten free ports between {FIRST_PORT} and {LAST_PORT}")


def _free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
