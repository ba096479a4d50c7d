"""Where a value of a job comes from: file, environment, release, command line; paths to jobs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.unit.job_files import CONSUL, DEV, NOMAD, PLAIN, PRODUCTION, PROJECT, load, mistakes
from toolkit.config.jobs import load_job
from toolkit.config.project import load_project
from toolkit.config.settings import Flags
from toolkit.config.tree import FolderTree, LayeredTree
from toolkit.errors import ConfigError
from toolkit.spec.agents import AgentPorts, AgentState
from toolkit.spec.jobspec import Driver, JobSpec, Origin, Port
from toolkit.spec.target import Target
from toolkit.spec.tree import DictTree

LAYERS = """\
[variables]
v = "project"
[rollout]
timeout = "1m"
[environments.production.variables]
v = "project, environment"
[environments.production.rollout]
timeout = "2m"
[environments.dev]
"""


@pytest.mark.parametrize(
    ("layers", "timeout", "variable"),
    [(1, 60, "project"), (2, 120, "project, environment"), (3, 180, "job"), (4, 240, "job, env"),
     (5, 240, "file 1"), (6, 240, "file 2"), (7, 240, "flag")],
)  # fmt: skip
def test_later_layers_win(tmp_path: Path, layers: int, timeout: float, variable: str) -> None:
    text = '[variables]\nv = "job"\n[rollout]\ntimeout = "3m"\n' if layers >= 3 else ""
    if layers >= 4:
        text += '[env.production.variables]\nv = "job, env"\n[env.production.rollout]\n'
        text += 'timeout = "4m"\n[env.dev.variables]\nv = "never"\n'
    (tmp_path / "1.toml").write_text('v = "file 1"')
    (tmp_path / "2.json").write_text('{"v": "file 2"}')
    files = (str(tmp_path / "1.toml"), str(tmp_path / "2.json"))[: max(0, layers - 4)]
    spec = load(
        text,
        project=LAYERS,
        target=DEV if layers == 1 else PRODUCTION,
        var_files=files,
        variables=("v=flag",) if layers >= 7 else (),
    )
    assert spec.rollout.timeout == timeout
    assert spec.variables == {"v": variable}


def test_an_environment_is_merged_deeply() -> None:
    text = """
[driver.docker]
image = "a"
args = ["x"]
[driver]
name = "docker"
[ports.http]
to = 1
[variables]
t = { a = 1, b = 2 }
[env.production.driver.docker]
args = []
[env.production.ports.http]
[env.production.variables.t]
b = 3
"""
    spec = load(text)
    assert spec.driver == Driver("docker", {"image": "a", "args": []})
    assert spec.ports == (Port("http", None, 1),)
    assert spec.variables == {"t": {"a": 1, "b": 3}}


DRIVERS = '[driver]\nname = "docker"\n[driver.docker]\n[driver.raw_exec]\n[driver.exec]\n'


def test_the_environment_s_driver_is_between_the_job_s_own_and_its_env() -> None:
    assert load(DRIVERS).driver == Driver("docker")
    assert load(DRIVERS, target=DEV).driver == Driver("raw_exec")
    spec = load(DRIVERS + '[env.dev.driver]\nname = "exec"', target=DEV)
    assert spec.driver == Driver("exec")


@pytest.mark.parametrize(
    ("text", "release", "key", "line"),
    [
        ('release = "1"', "1", "release", 1),
        ('[release]\nversion = "1"', "1", "release.version", 2),
        ('release = "1"\n[env.production]\nrelease = "2"', "2", "env.production.release", 3),
        ('release = "1"\n[env.production.release]\nversion = "2"', "2",
         "env.production.release.version", 3),
        ('release = "1"\n[env.dev]\nrelease = "2"', "1", "release", 1),
        ('[variables]\nrelease = "3"', "3", "variables.release", 2),
    ],
)  # fmt: skip
def test_where_a_release_comes_from(text: str, release: str, key: str, line: int) -> None:
    spec = load(text)
    assert (spec.release, spec.file_release) == (release, release)
    assert spec.release_origin == Origin("jobs/web/job.toml", key, line)


def test_a_release_on_the_command_line_keeps_what_the_file_says() -> None:
    spec = load('release = "1"', release="2")
    assert (spec.release, spec.file_release) == ("2", "1")
    assert spec.release_origin == Origin("--release")
    assert load(release="2").file_release is None


def test_a_count_on_the_command_line() -> None:
    spec = load("count = 1", count=5)
    assert (spec.count, spec.count_origin) == (5, Origin("--count"))
    [found] = mistakes('kind = "system"', count=5)
    assert (found.where, found.message) == ("--count", "a system job has no count")


TYPED = """[variables]
text = "a"
number = 1
flag = true
list = []
table = { a = 1 }
[environment]
OLD = "1"
"""


@pytest.mark.parametrize(
    ("flag", "name", "value"),
    [
        ("text=b", "text", "b"), ("text=", "text", ""), ("text=1.10", "text", "1.10"),
        ("text=true", "text", "true"), ('text="quoted"', "text", "quoted"),
        ("text=a=b", "text", "a=b"), ("text=1\nx = 2", "text", "1\nx = 2"),
        ("number=2", "number", 2), ("number=2.5", "number", 2.5), ("flag=false", "flag", False),
        ('list=["a", 1]', "list", ["a", 1]), ("table={ b = 2 }", "table", {"b": 2}),
        ("table.a=5", "table", {"a": 5}), ("table.new=5", "table", {"a": 1, "new": 5}),
    ],
)  # fmt: skip
def test_a_variable_on_the_command_line(flag: str, name: str, value: Any) -> None:
    assert load(TYPED, variables=(flag,)).variables[name] == value


@pytest.mark.parametrize(
    ("flag", "message", "hint"),
    [
        ("txet=b", "unknown variable", "text"), ("text", "name=value", None),
        ("=x", "name=value", None), ("number=x", "must be an integer", None),
        ("flag=1", "must be a boolean", None), ("list=x", "must be an array", None),
        ("table=x", "must be a table", None), ("number=nan", "must be an integer", None),
        ("environment.A=\0", "zero byte", None), ("a..b=1", "name=value", None),
    ],
)  # fmt: skip
def test_a_wrong_variable_on_the_command_line(flag: str, message: str, hint: str | None) -> None:
    [found] = mistakes(TYPED, variables=(flag,))
    assert found.where == "--var"
    assert message in found.message
    assert hint is None or hint in (found.hint or "")


def test_environment_variables_on_the_command_line_are_text() -> None:
    spec = load(TYPED, variables=("environment.NEW=true", "environment.OLD=2"))
    assert spec.environment == {"OLD": "2", "NEW": "true"}


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("v.toml", "x", "not valid TOML"), ("v.json", "{", "not valid JSON"),
        ("v.json", "[]", "an object"), ("v.json", '{"x": null}', "not no TOML value"),
        ("v.json", "[" * 100_000, "nested"), ("v.json", '{"x": 1e999}', "finite"),
        ("v.toml", "x = 2024-01-01", "date"), ("v.hcl", "x = 1", "neither TOML nor JSON"),
    ],
)  # fmt: skip
def test_a_wrong_var_file(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    [found] = mistakes(var_files=(str(tmp_path / name),))
    assert message in found.message


def test_a_local_environment_moves_the_edge_s_ports_and_ignores_node_classes() -> None:
    agents = AgentState(AgentPorts.at(1000), (), traefik="/bin/traefik", acl=True)
    target = Target("dev", NOMAD, CONSUL, local=True, agents=agents)
    text = (
        'kind = "system"\nnode_class = "edge"\n'
        "[ports.http]\nstatic = 8080\n[ports.other]\nstatic = 9999"
    )
    spec = load(text, target=target)
    assert spec.ports == (Port("http", 9080), Port("other", 9999))
    assert (spec.node_class, spec.constraints, spec.count) == (None, (), None)
    assert spec.context["agents"]["ports"]["edge_public"] == 9080
    assert spec.context["agents"]["acl"] is True
    assert load(text, target=DEV).ports[0] == Port("http", 8080)
    remote = load(text)
    assert remote.ports[0] == Port("http", 8080)
    assert remote.node_class == "edge"


def test_a_built_in_job_may_know_environments_that_the_project_has_not() -> None:
    files = {"jobs/web/job.toml": b"[env.elsewhere]\n", "jobs/web/job.nomad.hcl.j2": b""}
    own = {"toolkit.toml": PROJECT.encode()}
    project = load_project(LayeredTree(DictTree(own), DictTree(files)))
    assert load_job(project, "web", PRODUCTION, Flags(), python="p").name == "web"


# Plain job files


def test_a_plain_job_takes_what_it_declares() -> None:
    project = PROJECT + '[variables]\ncolour = "blue"\nother = 1\n'
    spec = load("[lint]\nallow = ['x']", project=project, files={"jobs/web/job.nomad.hcl": PLAIN})
    assert (spec.plain, spec.name, spec.kind) == (True, "shop", "batch")
    assert spec.template == "jobs/web/job.nomad.hcl"
    assert spec.variables == {"colour": "blue"}
    assert spec.lint_allow == ("x",)
    assert spec.count is None


def test_a_plain_job_s_flags() -> None:
    files = {"jobs/web/job.nomad.hcl": PLAIN}
    spec = load(files=files, variables=("colour=1.10",), release="2")
    assert spec.variables == {"colour": "1.10", "release": "2"}
    [found] = mistakes(files=files, variables=("color=x",))
    assert "colour" in (found.hint or "")
    [found] = mistakes(files=files, variables=("environment.A=x",))
    assert "no effect" in found.message


def test_keys_that_a_plain_job_would_not_see() -> None:
    found = mistakes("[resources]\ncpu = 1\n[check]", files={"jobs/web/job.nomad.hcl": PLAIN})
    assert [(mistake.key, mistake.line) for mistake in found] == [("resources", 1), ("check", 3)]
    assert all("plain job file" in mistake.message for mistake in found)


@pytest.mark.parametrize("text", ["", 'job "a" {}\njob "b" {}', "\xff"])
def test_a_plain_file_with_no_job(text: str) -> None:
    [found] = mistakes(files={"jobs/web/job.nomad.hcl": text})
    assert "job block" in found.message


def test_a_plain_file_of_another_name() -> None:
    [found] = mistakes('name = "web"', files={"jobs/web/job.nomad.hcl": PLAIN})
    assert 'calls the job "shop"' in found.message


# Paths


def at(path: Path, **flags: Any) -> JobSpec:
    return load_job(None, str(path), PRODUCTION, Flags(**flags), python="p")


def test_a_path_needs_no_project(tmp_path: Path) -> None:
    (tmp_path / "shop.nomad.hcl").write_text(PLAIN)
    spec = at(tmp_path / "shop.nomad.hcl", variables=("colour=red",))
    assert (spec.name, spec.source, spec.template) == ("shop", "shop.nomad.hcl", "shop.nomad.hcl")
    assert spec.variables == {"colour": "red"}


def test_a_path_to_a_job_s_folder(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "job.toml").write_text("count = 2")
    (folder / "job.nomad.hcl.j2").write_text("")
    for path in (folder, folder / "job.toml"):
        spec = at(path)
        assert (spec.name, spec.source, spec.count) == ("shop", "job.toml", 2)


@pytest.mark.parametrize(
    ("name", "message"),
    [("./missing.hcl", "no file"), ("notes.txt", "no job file"), ("empty", "neither"),
     ("job.nomad.hcl.j2", "no job file")],
)  # fmt: skip
def test_a_path_to_no_job(tmp_path: Path, name: str, message: str) -> None:
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / "job.nomad.hcl.j2").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=message):
        at(tmp_path / name)


def test_a_path_inside_the_project_is_read_from_its_tree(tmp_path: Path) -> None:
    (tmp_path / "toolkit.toml").write_text('[variables]\ncolour = "green"\n[environments.dev]')
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "shop.nomad.hcl").write_text(PLAIN)
    project = load_project(FolderTree(tmp_path), tmp_path)
    path = str(tmp_path / "deep" / "shop.nomad.hcl")
    spec = load_job(project, path, DEV, Flags(), python="p")
    assert spec.source == "deep/shop.nomad.hcl"
    assert spec.variables == {"colour": "green"}


def test_a_var_file_with_the_release(tmp_path: Path) -> None:
    (tmp_path / "toolkit.toml").write_text("")
    (tmp_path / "jobs" / "web").mkdir(parents=True)
    (tmp_path / "jobs" / "web" / "job.nomad.hcl").write_text(PLAIN)
    (tmp_path / "values.json").write_text(json.dumps({"release": "7", "unrelated": [1]}))
    project = load_project(FolderTree(tmp_path), tmp_path)
    flags = Flags(var_files=(str(tmp_path / "values.json"),))
    spec = load_job(project, "web", DEV, flags, python="p")
    assert (spec.release, spec.variables) == ("7", {"release": "7"})
    assert spec.release_origin == Origin("values.json", "release")
