"""What the tests of the services share: a real Consul."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.services.running import PATIENCE, until


def find_agent(name: str) -> str | None:
    """The pinned build in the user's cache, else whatever the search path has."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    built = sorted(cache.glob(f"**/toolkit/**/{name}"), key=lambda path: path.stat().st_mtime)
    files = [path for path in built if path.is_file() and os.access(path, os.X_OK)]
    return str(files[-1]) if files else shutil.which(name)


@pytest.fixture(scope="session")
def consul_binary() -> str:
    """Path of a Consul."""
    if (found := find_agent("consul")) is None:
        pytest.skip("consul: no binary in the toolkit's cache and none on PATH")
    return found


@pytest.fixture
def consul(consul_binary: str, tmp_path: Path) -> Iterator[httpx.Client]:
    """A client of a real Consul with a leader, this test's alone; `base_url` is its address."""
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(4)]
        http, server, lan, wan = (listener.getsockname()[1] for listener in held)
    command = [consul_binary, "agent", "-dev", "-bind=127.0.0.1", "-client=127.0.0.1"]
    command += ["-disable-host-node-id", "-node=tests", "-dns-port=-1", "-grpc-tls-port=-1"]
    command += [f"-http-port={http}", f"-server-port={server}", "-grpc-port=-1"]
    command += [f"-serf-lan-port={lan}", f"-serf-wan-port={wan}"]
    command += ["-hcl=disable_update_check = true"]
    with (tmp_path / "consul.log").open("wb") as log:
        agent = subprocess.Popen(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    base = f"http://127.0.0.1:{http}"
    try:
        with httpx.Client(base_url=base, trust_env=False, timeout=PATIENCE) as client:
            until(lambda: _has_leader(client), "Consul has a leader")
            yield client
    finally:
        agent.terminate()
        agent.wait(PATIENCE)


def _has_leader(client: httpx.Client) -> bool:
    try:
        answer = client.get("/v1/status/leader")
    except httpx.TransportError:
        return False
    return answer.status_code == 200 and answer.json() != ""
