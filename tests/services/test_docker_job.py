"""The backend as a Nomad job with the docker driver: deployed, bumped, safe from a bad one."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from tests.agents.cluster import free_offset
from tests.services.engine import Engine
from tests.services.running import NO_TLS
from toolkit.spec.agents import AgentPorts

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.agents,
    pytest.mark.edge,
    # The first test of the session that needs the images waits for their build too.
    pytest.mark.timeout(400),
]

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Project:
    """A project whose backend runs in containers, and the tool as a user runs it."""

    root: Path
    environment: dict[str, str]
    ports: AgentPorts

    def toolkit(self, *arguments: str, expect: int = 0, seconds: float = 150) -> str:
        """Run the tool and return what it printed, after a look at its exit code."""
        ended = subprocess.run(
            [sys.executable, "-m", "toolkit", *arguments],
            cwd=self.root,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=seconds,
        )
        said = f"toolkit {' '.join(arguments)}\n{ended.stdout}{ended.stderr}"
        assert ended.returncode == expect, said
        return ended.stdout


@pytest.fixture
def project(
    engine: Engine, images: dict[str, str], consul_binary: str, tmp_path: Path
) -> Iterator[Project]:
    import docker

    client = docker.DockerClient(base_url=engine.host)
    # The release is the image's tag; one build serves as two releases, told apart by RELEASE.
    client.images.get(images["backend"]).tag("backend", "1.1.0")
    client.close()
    shutil.copytree(CHECKOUT / "jobs", tmp_path / "jobs")
    shutil.copy(CHECKOUT / "toolkit.toml", tmp_path)
    with (tmp_path / "jobs" / "backend" / "job.toml").open("a") as job:
        job.write('\n[env.dev.driver]\nname = "docker"\n')
    theirs = ("NOMAD_", "CONSUL_", "TRAEFIK_", "TOOLKIT_")
    kept = {key: text for key, text in os.environ.items() if not key.startswith(theirs)}
    ports = AgentPorts.at(free_offset())
    variables = {**kept, "DOCKER_HOST": engine.host, "CONSUL_BIN": consul_binary}
    made = Project(tmp_path, variables, ports)
    try:
        made.toolkit("dev", "up", f"--port-offset={ports.offset}")
        yield made
    finally:
        made.toolkit("dev", "down")


@dataclass
class Load:
    """Requests through the edge, one after the other, for as long as something else goes on."""

    edge: str
    host: str = "backend.localhost"
    releases: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def during(self, work: Callable[[], str]) -> str:
        """Run `work` and count what the edge answers meanwhile."""
        done = threading.Event()
        thread = threading.Thread(target=self._ask, args=(done,))
        thread.start()
        try:
            return work()
        finally:
            done.set()
            thread.join(30)

    def _ask(self, done: threading.Event) -> None:
        with httpx.Client(headers={"Host": self.host}, trust_env=False, verify=NO_TLS) as client:
            while not done.wait(0.02):
                try:
                    answer = client.get(self.edge)
                except httpx.TransportError as exc:
                    self.failures.append(type(exc).__name__)
                    continue
                if answer.status_code == 200:
                    self.releases.append(answer.headers["X-Release"])
                else:
                    self.failures.append(f"{answer.status_code} {answer.text[:40]!r}")


def test_deployed_bumped_and_kept(project: Project) -> None:
    project.toolkit("deploy", "traefik", "--yes")
    project.toolkit("deploy", "backend", "--yes")
    edge = f"http://127.0.0.1:{project.ports.edge_public}"
    load = Load(edge)

    report = load.during(
        lambda: project.toolkit("deploy", "backend", "--release", "1.1.0", "--yes", "--json")
    )
    assert json.loads(report)["verdict"] == "deployed"
    assert load.failures == []
    assert set(load.releases) == {"1.0.0", "1.1.0"}

    # No image has this tag, and no registry is asked for one in vain for long.
    kept = Load(edge)
    report = kept.during(
        lambda: project.toolkit(
            "deploy", "backend", "--release", "9.9.9", "--yes", "--json", expect=8
        )
    )
    assert json.loads(report)["verdict"] == "reverted"
    assert kept.failures == []
    assert set(kept.releases) == {"1.1.0"}
