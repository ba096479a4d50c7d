"""`render` and `validate` on project folders, with nobody to talk to."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from toolkit.config.settings import Flags, load_settings
from toolkit.errors import ConfigError, ExitCode
from toolkit.workflows.init import init
from toolkit.workflows.render import render_job
from toolkit.workflows.validate import validate


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A new project whose environment points at a port where nothing listens."""
    init(tmp_path)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    (tmp_path / "toolkit.toml").write_text(
        f'default_environment = "dev"\n[environments.dev]\nnomad = "http://127.0.0.1:{port}"\n'
        f'consul = "http://127.0.0.1:{port}"\ndriver = "raw_exec"\n'
    )
    return tmp_path


def test_an_unknown_job(project: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        render_job(load_settings(Flags(), {}, project), "nowhere")


def test_every_mistake_of_every_job_at_once(project: Path) -> None:
    (project / "jobs/hello/job.toml").write_text('kind = "servce"\ncuont = 2\n')
    bad = project / "jobs/other"
    bad.mkdir()
    (bad / "job.toml").write_text("count = 1\n")
    (bad / "job.nomad.hcl.j2").write_text("job [[ job.name ]] {\n  x = [[ nothing ]]\n}\n")
    report = validate(load_settings(Flags(), {}, project))
    assert report.code is ExitCode.REFUSED
    assert report.jobs == ("hello", "other")
    places = {(m.where, m.line) for m in report.mistakes}
    assert ("jobs/other/job.nomad.hcl.j2", 2) in places
    assert len([m for m in report.mistakes if m.where == "jobs/hello/job.toml"]) == 2


def test_what_is_no_job_is_told_without_nomad(project: Path) -> None:
    (project / "jobs/hello/job.nomad.hcl.j2").write_text("# nothing\n")
    report = validate(load_settings(Flags(), {}, project), ("hello",))
    assert "no job block" in report.mistakes[0].message


def test_nobody_answering_is_said_and_is_no_failure(project: Path) -> None:
    report = validate(load_settings(Flags(), {}, project))
    assert (report.code, report.judge, report.mistakes) == (ExitCode.OK, "offline", ())
    assert "127.0.0.1" in report.judge_detail
    assert report.jobs == ("hello",)


def test_a_new_project_renders(project: Path) -> None:
    hcl = render_job(load_settings(Flags(release="2.3.4"), {}, project), "hello").hcl
    assert 'release = "2.3.4"' in hcl
    assert str(project / "services/hello/main.py") in hcl


def test_rendering_imports_no_client(project: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from toolkit.config.settings import Flags, load_settings\n"
        "from toolkit.workflows.render import render_job\n"
        f"render_job(load_settings(Flags(), {{}}, Path({str(project)!r})), 'hello')\n"
        "loaded = [m for m in sys.modules if m.split('.')[0] in {'requests', 'nomad', 'consul'}\n"
        "          or m.startswith('toolkit.clients')]\n"
        "sys.exit(', '.join(loaded) or 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
