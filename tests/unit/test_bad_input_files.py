"""Mistakes in the user's files and flags: told at once, before anybody is asked anything."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scripted import Reply, Scripted
from tests.faults.shell import call, files, refusal
from toolkit.workflows.init import init

TEMPLATE = "jobs/hello/job.nomad.hcl.j2"
JOB = "jobs/hello/job.toml"
CHANGING = ("deploy hello", "plan hello", "deploy hello --detach")


@pytest.fixture
def agent() -> Iterator[Scripted]:
    """In place of Nomad and Consul; whatever reaches it is a mistake of ours."""
    with Scripted(Reply(status=500, body=b"nobody should have asked")) as server:
        yield server
        assert server.asked == []


@pytest.fixture
def project(tmp_path: Path, agent: Scripted) -> Iterator[Path]:
    """A project as `toolkit init` makes it; no command may change a file of it."""
    root = tmp_path / "project"
    init(root)
    # The shipped template is one line that extends another: nothing could be appended to it.
    (root / TEMPLATE).write_text('job "[[ job.name ]]" {\n}\n')
    (root / "toolkit.toml").write_text(
        f'[environments.dev]\nnomad = "{agent.address}"\nconsul = "{agent.address}"\n'
        'driver = "raw_exec"\n'
    )
    yield root


def append(project: Path, file: str, text: str) -> int:
    """Add a last line to a file; its number."""
    path = project / file
    path.write_text(path.read_text().rstrip("\n") + "\n" + text + "\n")
    return path.read_text().count("\n")


@pytest.mark.parametrize("line", [*CHANGING, "verify hello", "status", "validate", "render hello"])
def test_no_project_here(tmp_path: Path, line: str) -> None:
    said = call(tmp_path, *line.split())
    assert said.code == 1
    assert f"toolkit.toml: is neither in {tmp_path} nor in a folder above" in said.err
    assert "hint: toolkit init makes a project" in said.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", [*(c.replace("hello", "helo") for c in CHANGING), "bump helo 1"])
def test_an_unknown_job(project: Path, line: str) -> None:
    said = refusal(project, *line.split())
    assert 'there is no job "helo"' in said
    assert 'did you mean "hello"?' in said


@pytest.mark.parametrize("line", CHANGING)
def test_an_unknown_environment(project: Path, line: str) -> None:
    said = refusal(project, *line.split(), "--env", "dve")
    assert 'toolkit.toml has no environment "dve"' in said
    assert 'did you mean "dev"?' in said


def test_an_unknown_environment_of_the_variable(project: Path) -> None:
    said = refusal(project, "deploy", "hello", environ={"TOOLKIT_ENV": "moon"})
    assert "TOOLKIT_ENV" in said
    assert '"moon"' in said
    assert "known: dev" in said


@pytest.mark.parametrize("line", CHANGING)
def test_an_unknown_variable(project: Path, line: str) -> None:
    append(project, JOB, '[variables]\ngreeting = "hi"')
    said = refusal(project, *line.split(), "--var", "greting=hello")
    assert "--var: greting: unknown variable" in said
    assert 'did you mean "greeting"?' in said


@pytest.mark.parametrize("file", ["toolkit.toml", JOB])
def test_toml_syntax(project: Path, file: str) -> None:
    number = append(project, file, "[broken")
    said = refusal(project, "deploy", "hello")
    assert f"{file}:{number}: is not valid TOML" in said


def test_an_undefined_template_variable(project: Path) -> None:
    number = append(project, TEMPLATE, "[[ relase ]]")
    said = refusal(project, "deploy", "hello")
    assert f"{TEMPLATE}:{number}: 'relase' is undefined; near names: release" in said


@pytest.mark.parametrize(
    "template",
    [
        "[[ job.__class__.__mro__ ]]",
        "[[ ''.__class__.__base__.__subclasses__() ]]",
        "[[ '{0.__class__}'.format(job) ]]",
        "[[ self.__init__.__globals__ ]]",
        "[[ job.name.__init__.__globals__['os'].environ ]]",
        "[[ rollout.update({'canaries': 0}) ]]",
    ],
)
def test_a_template_that_reaches_for_pythons_internals(
    project: Path, template: str, tmp_path: Path
) -> None:
    number = append(project, TEMPLATE, template)
    environ = {"NOMAD_TOKEN": "correct horse battery staple"}
    said = refusal(project, "deploy", "hello", environ=environ)
    assert said.startswith(f"{TEMPLATE}:{number}: ")
    assert "correct horse" not in said
    assert "<class" not in said


@pytest.mark.parametrize(
    "name", ["../../../secret.txt", "/SECRET", "_lib/../../../../secret.txt", "link.txt"]
)
def test_a_template_that_reaches_for_a_file_outside_the_tree(
    project: Path, tmp_path: Path, name: str
) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("correct horse battery staple")
    (project / "jobs/hello/link.txt").symlink_to(outside)
    wanted = name.replace("/SECRET", str(outside))
    number = append(project, TEMPLATE, f'[% include "{wanted}" %]')
    said = refusal(project, "deploy", "hello")
    assert TEMPLATE in said
    assert str(number) in said or "link.txt" in said
    assert "correct horse" not in said


def test_a_template_that_is_itself_outside_the_tree(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("correct horse battery staple")
    text = (project / JOB).read_text()
    (project / JOB).write_text(f'template = "../../../secret.txt"\n{text}')
    said = refusal(project, "deploy", "hello")
    assert "template" in said
    assert "correct horse" not in said


@pytest.mark.parametrize(
    ("release", "why"),
    [
        ("", "must not be empty"),
        ("1.0 0", "must not hold spaces"),
        (" ", "must not hold spaces"),
        ("1.0\n", "must not hold control characters"),
    ],
)
@pytest.mark.parametrize("line", CHANGING)
def test_a_release_that_is_none(project: Path, line: str, release: str, why: str) -> None:
    before = files(project)
    said = call(project, *line.split(), "--release", release)
    assert said.code == 1
    assert f"--release: {why}" in said.err
    assert files(project) == before


@pytest.mark.parametrize("release", ["", "1.0 0"])
def test_a_release_that_is_none_in_the_job_file_and_to_bump(project: Path, release: str) -> None:
    text = (project / JOB).read_text()
    before = files(project)
    assert call(project, "bump", "hello", release).code == 1
    assert files(project) == before
    (project / JOB).write_text(text.replace('"1.0.0"', f'"{release}"'))
    said = call(project, "deploy", "hello")
    assert said.code == 1
    assert f"{JOB}:" in said.err
    assert "release" in said.err


@pytest.mark.parametrize("variable", ["NOMAD_ADDR", "CONSUL_HTTP_ADDR"])
@pytest.mark.parametrize("line", [*CHANGING, "verify hello", "status"])
def test_an_address_that_contradicts_the_environment(
    project: Path, agent: Scripted, line: str, variable: str
) -> None:
    said = refusal(project, *line.split(), environ={variable: "http://10.1.2.3:4711"})
    assert agent.address in said
    assert f"{variable} says http://10.1.2.3:4711" in said
    assert "toolkit.toml:" in said
    assert f"unset {variable}" in said


def test_every_mistake_at_once(project: Path) -> None:
    number = append(project, "toolkit.toml", 'colour = "red"')
    append(project, JOB, "cuont = 2")
    said = refusal(project, "deploy", "hello", environ={"NOMAD_ADDR": "http://10.1.2.3:4711"})
    assert f"toolkit.toml:{number}" in said
    assert "colour" in said
