"""Start-up imports what it needs and nothing else: judged by `sys.modules`, never by a clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROBE = """
import sys
before = set(sys.modules)
sys.argv = ["toolkit", *sys.argv[1:]]
from toolkit.__main__ import main
code = main()
after = set(sys.modules) - before
import json
sys.stderr.write("\\n" + json.dumps([code, sorted(after)]))
"""

WIRE = {"requests", "urllib3", "nomad", "consul", "boto3", "httpx"}
TEMPLATES = {"jinja2", "markupsafe"}
TALK = {"rich", "pydantic", "pygments"}
EDITOR = {"tomlkit"}


def imported(folder: Path, *arguments: str) -> tuple[int, set[str]]:
    """The exit code of a command line and what it imported, in a process of its own."""
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=True,
    )
    code, modules = json.loads(done.stderr.rsplit("\n", 1)[1])
    return code, set(modules)


def roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project whose Nomad and Consul are ports that nobody listens on."""
    job = tmp_path / "jobs" / "web"
    job.mkdir(parents=True)
    (tmp_path / "toolkit.toml").write_text(
        'default_environment = "test"\n'
        "[environments.test]\n"
        'nomad = "http://127.0.0.1:9"\nconsul = "http://127.0.0.1:9"\n'
    )
    (job / "job.toml").write_text('release = "1.0.0"\n[driver]\nname = "raw_exec"\n')
    (job / "job.nomad.hcl.j2").write_text('job [[ job.name | hcl ]] {\n  type = "service"\n}\n')
    return tmp_path


@pytest.mark.parametrize(
    "line",
    ["", "--help", "-h", "--version", "help", "help deploy", "deploy --help", "dev up -h", "dev"],
)
def test_help_and_version_import_nothing_but_their_page(tmp_path: Path, line: str) -> None:
    code, modules = imported(tmp_path, *line.split())
    assert code == 0
    # `toolkit` itself is empty, and codecs may be loaded for the page's text.
    assert {name for name in modules if not name.startswith("encodings")} <= {
        "toolkit",
        "toolkit.__main__",
        "toolkit._help",
    }


def test_help_after_other_arguments_is_left_to_typer(tmp_path: Path) -> None:
    code, modules = imported(tmp_path, "deploy", "backend", "--help")
    assert code == 0
    assert "typer" in modules


def test_render_talks_to_nobody(project: Path) -> None:
    code, modules = imported(project, "render", "web")
    assert code == 0
    assert not roots(modules) & (WIRE | TALK | EDITOR)
    assert "jinja2" in modules  # the probe sees what is imported


@pytest.mark.parametrize("line", ["status", "history web", "logs web", "secret list web"])
def test_looking_needs_no_templates_and_no_tables(project: Path, line: str) -> None:
    code, modules = imported(project, *line.split())
    assert code == 1
    assert not roots(modules) & (TALK | EDITOR)
    assert "requests" in modules


def test_a_command_that_is_told_wrong_imports_no_client(project: Path) -> None:
    code, modules = imported(project, "deploy", "web", "--timeout", "soon")
    assert code == 2
    assert not roots(modules) & (WIRE | TEMPLATES | TALK | EDITOR)


def test_init_needs_no_client(tmp_path: Path) -> None:
    code, modules = imported(tmp_path, "init", "shop")
    assert code == 0
    assert not roots(modules) & (WIRE | TEMPLATES | TALK | EDITOR)


@pytest.mark.parametrize("line", ["_jobs", "_environments"])
def test_names_for_completion_need_no_typer(project: Path, line: str) -> None:
    code, modules = imported(project, line)
    assert code == 0
    assert not roots(modules) & (WIRE | TEMPLATES | TALK | EDITOR | {"typer"})


def test_no_command_module_imports_a_client_to_say_its_options(tmp_path: Path) -> None:
    code, modules = imported(tmp_path, "completion", "bash")
    assert code == 0
    assert "toolkit.cli.deploy" in modules
    assert not roots(modules) & (WIRE | TEMPLATES | TALK | EDITOR)
    assert not any(name.startswith(("toolkit.workflows", "toolkit.rollout")) for name in modules)
