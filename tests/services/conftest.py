"""What the tests of the services share: a real Consul, a Docker engine, the services' images."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.services.base_image import python_as_tar
from tests.services.engine import Engine, run_engine
from tests.services.running import PATIENCE, until
from toolkit.agents.find import find_agent
from toolkit.spec.dev import Machine

SERVICES = Path(__file__).parents[2] / "services"


@pytest.fixture(scope="session")
def consul_binary() -> str:
    """Path of a Consul."""
    found = find_agent("consul", Machine.of(os.environ), None, say=lambda line: None)
    if found is None:
        pytest.skip("consul: no binary in the toolkit's cache and none on PATH")
    return str(found.path)


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


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    """A Docker engine of the tests' own."""
    with run_engine() as running:
        yield running


@pytest.fixture(scope="session")
def base_image(engine: Engine) -> str:
    """An image with the Python that runs the tests, and with nothing else."""
    import docker

    with contextlib.closing(docker.DockerClient(base_url=engine.host)) as client:
        client.api.import_image_from_data(
            python_as_tar().read(), repository="python-of-the-tests", tag="local"
        )
    return "python-of-the-tests:local"


@pytest.fixture(scope="session")
def contexts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The build context of each service, with wheels as `services/wheels.sh` collects them."""
    found = {}
    for name in ("backend", "frontend"):
        context = tmp_path_factory.mktemp(name)
        for file in ("Dockerfile", ".dockerignore"):
            shutil.copy(SERVICES / name / file, context)
        collected = subprocess.run(
            ["sh", str(SERVICES / "wheels.sh"), name, str(context / "wheels")],
            env={**os.environ, "PYTHON": sys.executable},
            capture_output=True,
            text=True,
        )
        assert collected.returncode == 0, collected.stderr
        found[name] = context
    return found


@pytest.fixture(scope="session")
def images(base_image: str, contexts: dict[str, Path]) -> dict[str, str]:
    """Each service's image, built by its Dockerfile without a network; as `name:1.0.0`."""
    from testcontainers.core.image import DockerImage

    built = {}
    for name, context in contexts.items():
        image = DockerImage(
            path=context,
            tag=f"{name}:1.0.0",
            clean_up=False,
            buildargs={"BASE": base_image},
            network_mode="none",
        )
        with image:
            built[name] = str(image)
    return built
