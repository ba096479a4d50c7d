"""Deployed by digest: from a real registry, by a real Nomad, whatever becomes of the tag."""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.services.engine import Engine
from tests.services.registry import Place, run_registry
from tests.services.test_docker_job import Project, project

__all__ = ["project"]

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.agents,
    pytest.mark.edge,
    pytest.mark.timeout(400),
]

ACCEPT = "application/vnd.docker.distribution.manifest.v2+json"


@dataclass(frozen=True, slots=True)
class Shop:
    """A project in whose environment `dev` images come from a registry."""

    project: Project
    registry: Place
    engine: Engine

    def image(self, release: str, page: str = "") -> dict[str, Any]:
        """Build and push; another `page`: another image. The engine keeps nothing of it."""
        dockerfile = self.project.root / "services" / "backend" / "Dockerfile"
        dockerfile.write_text(dockerfile.read_text() + f'\nLABEL page="{page}"\n')
        self.project.toolkit("image", "build", "backend", "--release", release)
        said = self.project.toolkit("image", "push", "backend", "--release", release, "--json")
        found: dict[str, Any] = json.loads(said)
        self.forget(found["image"])
        return found

    def forget(self, image: str) -> None:
        """The engine has to pull it again."""
        import docker

        with contextlib.closing(docker.DockerClient(base_url=self.engine.host)) as client:
            client.images.remove(image, force=True)

    def move(self, tag: str, to: str) -> None:
        """Let a tag stand for another image, as a registry without a rule lets anybody."""
        base = f"http://{self.registry.host}/v2/shop/backend/manifests"
        with httpx.Client(headers={"Accept": ACCEPT}, trust_env=False) as client:
            manifest = client.get(f"{base}/{to}")
            headers = {"Content-Type": manifest.headers["Content-Type"]}
            client.put(f"{base}/{tag}", content=manifest.content, headers=headers)

    def nomad(self, path: str) -> Any:
        address = f"http://127.0.0.1:{self.project.ports.nomad_http}"
        return httpx.get(f"{address}/v1/job/backend{path}", trust_env=False).json()

    def pulled(self) -> bool:
        """Whether Nomad's driver fetched every instance's image."""
        return all(
            any("Downloading image" in event["DisplayMessage"] for event in task["Events"])
            for allocation in self.nomad("/allocations")
            for task in allocation["TaskStates"].values()
        )

    def runs(self) -> set[str]:
        """The images of the live version's instances, as Nomad was told."""
        job = self.nomad("")
        return {task["Config"]["image"] for group in job["TaskGroups"] for task in group["Tasks"]}

    def refused(self, *arguments: str) -> dict[str, Any]:
        """The error of a command that changed nothing."""
        said = self.project.toolkit(*arguments, "--json", expect=1)
        found: dict[str, Any] = json.loads(said)["error"]
        return found


@pytest.fixture
def shop(
    project: Project,
    engine: Engine,
    base_image: str,
    contexts: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    root = project.root
    shutil.copytree(contexts["backend"], root / "services" / "backend")
    with (root / "jobs" / "backend" / "job.toml").open("a") as job:
        job.write("\n[env.dev]\ncount = 1\n\n[env.dev.image]\ncommand = []\n")
        job.write(f'\n[env.dev.image.args]\nBASE = "{base_image}"\n')
    with run_registry(tmp_path_factory.mktemp("registry")) as place:
        settings = (root / "toolkit.toml").read_text()
        at = "[environments.dev]\n"
        settings = settings.replace(at, f'{at}registry = "{place.host}/shop"\n')
        settings = settings.replace('["traefik", "backend", "frontend"]', '["traefik", "backend"]')
        (root / "toolkit.toml").write_text(settings)
        yield Shop(project, place, engine)


def test_by_digest_from_the_first_deploy_to_the_rollback(shop: Shop) -> None:
    project = shop.project

    # Nothing is there yet, and nothing is registered.
    error = shop.refused("deploy", "backend", "--yes")
    assert "there is no image" in error["message"]
    assert error["hint"] == "toolkit image push backend --release 1.0.0 -e dev"
    stack = json.loads(project.toolkit("deploy", "--all", "--yes", "--json", expect=1))
    said = {job["job"]: job["error"] for job in stack["jobs"] if job["error"]}
    assert list(said) == ["backend"]
    assert said["backend"]["message"] == error["message"]

    first, second = shop.image("1.0.0"), shop.image("1.1.0", "another page")
    assert first["digest"] != second["digest"]
    project.toolkit("deploy", "--all", "--yes")
    assert shop.runs() == {f"{shop.registry.host}/shop/backend@{first['digest']}"}

    assert shop.pulled()

    # Somebody moves the tag of what runs: it is said, and not done unasked.
    shop.move("1.0.0", to="1.1.0")
    plan = json.loads(project.toolkit("plan", "backend", "--json", expect=10))
    assert "release 1.0.0 is another image than the one that runs" in plan["question"]
    assert shop.refused("deploy", "backend")["kind"] == "NeedsAnswerError"

    report = project.toolkit("deploy", "backend", "--release", "1.1.0", "--yes", "--json")
    assert json.loads(report)["verdict"] == "deployed"
    assert shop.runs() == {f"{shop.registry.host}/shop/backend@{second['digest']}"}

    # What is gone back to is what ran, and not what its tag has become.
    report = project.toolkit("rollback", "backend", "--to", "1.0.0", "--yes", "--json")
    assert json.loads(report)["verdict"] == "deployed"
    assert shop.runs() == {f"{shop.registry.host}/shop/backend@{first['digest']}"}
