"""Bare agents for tests that need them as no environment of the tool starts them.

Binaries: `NOMAD_BIN`/`CONSUL_BIN`, then the PATH; without one the test is skipped by name.
Agents run on loopback with a scrubbed environment and end by SIGTERM.
"""

from __future__ import annotations

import atexit
import fcntl
import functools
import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError
from toolkit.spec.target import Endpoint, Secret

FIRST_OFFSET, LAST_OFFSET, STEP = 14000, 14999, 10
STARTUP_SECONDS = 60.0
_DENIED = {"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean"}


@dataclass(frozen=True)
class Lab:
    """A Nomad and a Consul that run."""

    nomad: Endpoint
    consul: Endpoint
    folder: Path

    def open_nomad(self, **how: Any) -> Nomad:
        """A client that the caller closes."""
        return Nomad(self.nomad, **how)

    def open_consul(self) -> Consul:
        """A client that the caller closes."""
        return Consul(self.consul)


def binary(name: str) -> str:
    """Path of an agent's binary; skips the test when there is none."""
    path = os.environ.get(f"{name.upper()}_BIN") or shutil.which(name)
    if path is None:
        pytest.skip(f"needs a {name} binary ({name.upper()}_BIN or PATH)")
    return path


@functools.cache
def shared_lab() -> Lab:
    """One Nomad and one Consul without access control, until the interpreter ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(lab())


@contextmanager
def lab(*, acl: str = "", nomad: dict[str, Any] | None = None) -> Iterator[Lab]:
    """A Nomad and a Consul of their own; `acl` is the secret of both management tokens (a UUID).

    `nomad`: more configuration for Nomad.
    """
    token = Secret(acl) if acl else None
    with ExitStack() as stack:
        base = stack.enter_context(ten_ports())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="clients-lab-")))
        consul_at = Endpoint("Consul", f"http://127.0.0.1:{base}", "the test", token=token)
        nomad_at = Endpoint("Nomad", f"http://127.0.0.1:{base + 4}", "the test", token=token)
        agent = stack.enter_context(
            running(
                folder,
                [binary("consul"), "agent", "-dev", "-disable-host-node-id"],
                _consul_configuration(base, acl),
            )
        )
        with Consul(consul_at) as consul:
            until(lambda: consul.leader() != "", "Consul has a leader", agent)
        settings = {**_nomad_configuration(base, acl), **(nomad or {})}
        agent = stack.enter_context(running(folder, [binary("nomad"), "agent", "-dev"], settings))
        with Nomad(nomad_at) as client:
            until(lambda: client.leader() != "", "Nomad has a leader", agent)
            if acl:
                until(lambda: bool(client.bootstrap_acl(acl)), "Nomad's ACLs are bootstrapped")
            until(lambda: client.ready_nodes() == 1, "Nomad's node is ready")
        yield Lab(nomad_at, consul_at, folder)


@contextmanager
def running(
    folder: Path, command: list[str], settings: dict[str, Any] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a scrubbed environment, ended by SIGTERM."""
    name = Path(command[0]).name
    if settings is not None:
        file = folder / f"{name}.json"
        file.write_text(json.dumps(settings))
        command = [*command, f"-config={file}" if name == "nomad" else f"-config-file={file}"]
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
    for base in range(FIRST_OFFSET, LAST_OFFSET, STEP):
        with (Path(tempfile.gettempdir()) / f"clients-lab-{base}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            if all(_free(port) for port in range(base, base + STEP)):
                yield base
                return
    pytest.skip(f"needs ten free ports between {FIRST_OFFSET} and {LAST_OFFSET}")


def _free(port: int) -> bool:
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _consul_configuration(base: int, acl: str) -> dict[str, Any]:
    access: dict[str, Any] = {"enabled": bool(acl)}
    if acl:
        access |= {
            "default_policy": "deny",
            "tokens": {"initial_management": acl, "agent": acl},
        }
    return {
        "bind_addr": "127.0.0.1",
        "client_addr": "127.0.0.1",
        "disable_update_check": True,
        "acl": access,
        "ports": {
            "http": base,
            "server": base + 1,
            "serf_lan": base + 2,
            "serf_wan": base + 3,
            "dns": -1,
            "grpc": -1,
            "grpc_tls": -1,
        },
    }


def _nomad_configuration(base: int, acl: str) -> dict[str, Any]:
    consul: dict[str, Any] = {"address": f"127.0.0.1:{base}"}
    if acl:
        consul["token"] = acl
    return {
        "bind_addr": "127.0.0.1",
        "disable_update_check": True,
        "ports": {"http": base + 4, "rpc": base + 5, "serf": base + 6},
        "consul": consul,
        "acl": {"enabled": bool(acl)},
        "client": {"options": _DENIED},
    }
