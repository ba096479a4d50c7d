"""A Docker engine of the tests' own, and containers on it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest

from tests.services.running import PATIENCE, until

if TYPE_CHECKING:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.network import Network


@dataclass(frozen=True, slots=True)
class Engine:
    """A running engine; `DOCKER_HOST` names it for as long as it runs."""

    host: str


@contextlib.contextmanager
def run_engine() -> Iterator[Engine]:
    """Start an engine with folders of its own, and leave nothing of it behind.

    Skips by name where there is no engine to start or no right to start one. `--iptables=false` and
    `--ip-forward=false` keep the machine's network as it was; ports are published by a proxy.
    """
    if os.geteuid() != 0:
        pytest.skip("docker: starting dockerd needs root")
    if (program := shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")) is None:
        pytest.skip("docker: no dockerd; on Debian: apt-get install docker.io")
    bridge_was_there = Path("/sys/class/net/docker0").exists()
    # Not under pytest's own folder: the path of a socket may have 108 bytes only.
    folder = Path(tempfile.mkdtemp(prefix="engine-"))
    host = f"unix://{folder}/docker.sock"
    command = [program, "--host", host, "--data-root", f"{folder}/root"]
    command += ["--exec-root", f"{folder}/exec", "--pidfile", f"{folder}/dockerd.pid"]
    command += ["--iptables=false", "--ip-forward=false"]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(
            command,
            env={"PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin", "HOME": str(folder)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("DOCKER_HOST", host)
            # Ryuk would be pulled from a registry. The mode is said, because testcontainers takes a
            # machine with /.dockerenv for a container. Both are read at its import.
            patch.setenv("TESTCONTAINERS_RYUK_DISABLED", "true")
            patch.setenv("TESTCONTAINERS_CONNECTION_MODE", "docker_host")
            patch.setenv("TESTCONTAINERS_HOST_OVERRIDE", "127.0.0.1")
            until(lambda: _answers(daemon, folder), "the Docker engine answers")
            yield Engine(host)
    finally:
        daemon.terminate()
        daemon.wait(PATIENCE)
        if not bridge_was_there and shutil.which("ip"):
            subprocess.run(["ip", "link", "delete", "docker0"], capture_output=True)
        # The engine keeps the machine's own network namespace mounted, of host network containers.
        for mounted in (folder / "exec/netns").glob("*"):
            subprocess.run(["umount", "--lazy", str(mounted)], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def _answers(daemon: subprocess.Popen[bytes], folder: Path) -> bool:
    import docker

    if daemon.poll() is not None:
        last = (folder / "log").read_text(errors="replace").splitlines()[-5:]
        raise AssertionError("dockerd ended: " + "\n".join(last))
    if not (folder / "docker.sock").exists():
        return False
    client = docker.DockerClient(base_url=f"unix://{folder}/docker.sock")
    try:
        return bool(client.ping())
    except (docker.errors.APIError, OSError):
        return False
    finally:
        client.close()


@dataclass(frozen=True, slots=True)
class Box:
    """A running container of a service."""

    container: DockerContainer

    @property
    def wrapped(self) -> Any:
        """The engine's own handle on it."""
        return self.container.get_wrapped_container()

    @property
    def host(self) -> str:
        return "127.0.0.1"

    @property
    def port(self) -> int:
        """On this machine."""
        self.wrapped.reload()
        (binding,) = next(iter(filter(None, self.wrapped.ports.values())))
        return int(binding["HostPort"])

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    def address_in(self, network: Network) -> str:
        """Its address for the other containers."""
        self.wrapped.reload()
        found = self.wrapped.attrs["NetworkSettings"]["Networks"][network.name]["IPAddress"]
        return str(found)

    def log(self) -> str:
        """Everything that it said."""
        return bytes(self.wrapped.logs()).decode()

    def ask_python(self, code: str) -> str:
        """What a line of Python says inside, run as the container's user."""
        result = self.container.exec(["python3", "-c", code])
        return result.output.decode().strip()

    def wait(self) -> int:
        """Its exit code."""
        return int(self.wrapped.wait(timeout=PATIENCE)["StatusCode"])


@contextlib.contextmanager
def run_box(
    image: str,
    *,
    port: int = 8080,
    network: Network | None = None,
    alias: str = "",
    command: list[str] | None = None,
    environment: dict[str, str] | None = None,
    volumes: dict[Path, tuple[str, Literal["ro", "rw"]]] | None = None,
    **settings: Any,
) -> Iterator[Box]:
    """A container for the length of a block, its port published on loopback only.

    `volumes`: paths of this machine, and where each one is inside.
    """
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(image, env=dict(environment or {}))
    if settings.get("network_mode") != "host":
        container.ports[f"{port}/tcp"] = ("127.0.0.1", None)  # type: ignore[assignment]
    if command:
        container.with_command(command)
    if network:
        container.with_network(network)
        container.with_network_aliases(alias or image.split(":")[0])
    for path, (inside, mode) in (volumes or {}).items():
        container.with_volume_mapping(str(path), inside, mode)
    container.with_kwargs(**settings)
    with container:
        yield Box(container)
