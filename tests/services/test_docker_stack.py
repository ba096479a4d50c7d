"""A stack of 24 containers on a real engine: deployed in layers, bumped under load, verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.services.engine import Engine
from tests.services.test_docker_job import CHECKOUT, Load, Project, project

__all__ = ["project"]

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.agents,
    pytest.mark.edge,
    pytest.mark.soak,
    pytest.mark.timeout(2400),
]

LAYERS = (("data", 2), ("api", 6), ("page", 4))
"""Twelve services of two containers; each layer waits for the one before it."""
RELEASES = ("1.0.0", "1.1.0")


@pytest.fixture
def stack(project: Project, engine: Engine) -> Iterator[Project]:
    import docker

    client = docker.DockerClient(base_url=engine.host)
    images = client.images
    for name in services():
        for release in RELEASES:
            images.get(f"backend:{release}").tag(name, release)
    images.get("backend:1.0.0").tag("migrate", "1")
    client.close()
    listed = ", ".join(f'"{name}"' for name in ("traefik", "migrate", *services()))
    settings = (project.root / "toolkit.toml").read_text()
    before = settings.index("[stack]")
    after = settings.index("[environments.dev]")
    (project.root / "toolkit.toml").write_text(
        f"{settings[:before]}[stack]\njobs = [{listed}]\nparallel = 6\n\n{settings[after:]}"
    )
    write(project.root, RELEASES[0])
    yield project


def services() -> list[str]:
    return [f"{layer}-{number}" for layer, count in LAYERS for number in range(count)]


def write(root: Path, release: str) -> None:
    """Every service at a release, and the migration that the second layer waits for."""
    text = (CHECKOUT / "jobs" / "backend" / "job.toml").read_text()
    below: list[str] = []
    for layer, count in LAYERS:
        names = [f"{layer}-{number}" for number in range(count)]
        needs = [*below, "migrate:done"] if layer == "api" else below
        for name in names:
            job = text.replace('version = "1.0.0"', f'version = "{release}"')
            job = job.replace('image = "backend"', f'image = "{name}"')
            job = job.replace("backend.localhost", f"{name}.localhost")
            # Twelve containers that start at once are not healthy in half a minute on two cores.
            job = job.replace('healthy_deadline = "30s"', 'healthy_deadline = "5m"')
            job = job.replace('progress_deadline = "60s"', 'progress_deadline = "8m"')
            # Nor do they answer a check within a second then.
            job = job.replace('interval = "1s"', 'interval = "2s"\ntimeout = "8s"')
            job = job.replace("count = 2\n", f"count = 2\ndepends = {json.dumps(needs)}\n")
            put(root, name, job + '\n[env.dev.driver]\nname = "docker"\n', "service")
        below = names
    put(root, "migrate", MIGRATE, "batch")


MIGRATE = """
kind = "batch"
depends = ["data-0", "data-1"]
release = "1"
[driver.docker]
image = "migrate"
entrypoint = ["python3"]
command = "-c"
args = ["print('migrated')"]
[resources]
cpu = 50
memory = 64
[env.dev.driver]
name = "docker"
"""


def put(root: Path, name: str, job: str, kind: str) -> None:
    folder = root / "jobs" / name
    folder.mkdir(exist_ok=True)
    (folder / "job.toml").write_text(job)
    (folder / "job.nomad.hcl.j2").write_text(f'[% extends "_lib/{kind}.nomad.hcl.j2" %]\n')


def all_of(project: Project, *arguments: str) -> dict[str, Any]:
    """One command about the stack, and what it took."""
    report: dict[str, Any] = json.loads(project.toolkit(*arguments, "--json", seconds=800))
    print(f"{' '.join(arguments)}: {report['sentence']}")
    return report


def test_24_containers_deploy_bump_and_verify(stack: Project, engine: Engine) -> None:
    import docker

    first = all_of(stack, "deploy", "--all", "--yes")
    words = {row["job"]: row["verdict"] for row in first["jobs"]}
    assert words.pop("migrate") == "completed"
    assert set(words.values()) == {"deployed"}
    client = docker.DockerClient(base_url=engine.host)
    running = [each for each in client.containers.list() if "nomad_init" not in each.name]
    client.close()
    assert len(running) == 24

    write(stack.root, RELEASES[1])
    load = Load(f"http://127.0.0.1:{stack.ports.edge_public}", host="api-3.localhost")
    report: dict[str, Any] = {}

    def bump() -> str:
        report.update(all_of(stack, "deploy", "--all", "--yes"))
        return ""

    load.during(bump)
    assert load.failures == [], (load.failures[:3], len(load.failures), len(load.releases))
    assert set(load.releases) == set(RELEASES)
    after = {row["job"]: row["verdict"] for row in report["jobs"]}
    assert (after.pop("traefik"), after.pop("migrate")) == ("unchanged", "unchanged")
    assert set(after.values()) == {"deployed"}

    verified = all_of(stack, "verify", "--all")
    assert {row["verdict"] for row in verified["jobs"]} == {"unchanged", "completed"}
    print(f"{len(load.releases)} requests during the bump, none failed")
