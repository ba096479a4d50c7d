"""Job files: mistakes with their place, layers with their origins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from toolkit.config.jobs import load_job
from toolkit.config.project import load_project
from toolkit.config.settings import Flags
from toolkit.config.tree import FolderTree, LayeredTree
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.agents import AgentPorts, AgentState
from toolkit.spec.jobspec import Check, Driver, JobSpec, Origin, Port, RolloutSettings, Route
from toolkit.spec.target import Endpoint, Target
from toolkit.spec.tree import DictTree

PROJECT = """\
[environments.dev]
local = true
driver = "raw_exec"
[environments.production]
"""
NOMAD = Endpoint("Nomad", "http://127.0.0.1:4646", "default")
CONSUL = Endpoint("Consul", "http://127.0.0.1:8500", "default")
PRODUCTION = Target("production", NOMAD, CONSUL)
DEV = Target("dev", NOMAD, CONSUL, local=True)
PLAIN = """\
variable "colour" {
  type = string
}
variable "release" { default = "1" }
job "shop" { type = "batch" }
"""


def load(
    text: str = "",
    *,
    project: str = PROJECT,
    target: Target = PRODUCTION,
    files: dict[str, str] | None = None,
    **flags: Any,
) -> JobSpec:
    tree = {"toolkit.toml": project, "jobs/web/job.toml": text, "jobs/db/job.toml": ""}
    tree.update(files if files is not None else {"jobs/web/job.nomad.hcl.j2": ""})
    loaded = load_project(DictTree({path: body.encode() for path, body in tree.items()}))
    return load_job(loaded, "web", target, Flags(**flags), python="/python")


def mistakes(text: str = "", **rest: Any) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as error:
        load(text, **rest)
    return error.value.mistakes


@pytest.mark.parametrize(
    ("text", "key", "line", "message", "hint"),
    [
        ("x", None, 1, "not valid TOML", None),
        ("cuont = 2", "cuont", 1, "unknown key", "count"),
        ('count = "2"', "count", 1, "must be an integer, not a string", None),
        ("count = 2.0", "count", 1, "must be an integer, not a float", None),
        ("count = true", "count", 1, "must be an integer, not a boolean", None),
        ("count = -1", "count", 1, "at least 0", None),
        ('kind = "sevice"', "kind", 1, '"batch" or "sysbatch"', "service"),
        ('name = "a b"', "name", 1, "letters", None),
        ('name = "a/b"', "name", 1, "letters", None),
        ("release = 1.0", "release", 1, "must be a string, not a float", "quotes"),
        ('release = ""', "release", 1, "empty", None),
        ('release = "1 0"', "release", 1, "spaces", None),
        ('release = "1\\u00a00"', "release", 1, "spaces", None),
        ('[release]\nversion = "1\\t0"', "release.version", 2, "control", None),
        ('[release]\nversion = "\\u001b[31m"', "release.version", 2, "control", None),
        ('[release]\nheader = "X"\njson = "a"', "release.json", 3, "beside", None),
        ('[release]\nverson = "1"', "release.verson", 2, "unknown key", "version"),
        ('driver = "docker"', "driver", 1, "must be a table", "[driver]"),
        ('[driver]\nimage = "x"', "driver.image", 2, "unknown key", "[driver.docker]"),
        ("[driver.docker]\nwhen = 07:32:00", "driver.docker.when", 2, "date", None),
        ("[resources]\nmemory = 64\nmemory_max = 32", "resources.memory_max", 3, "less", None),
        ("[resources]\nmemory_max = 100", "resources.memory_max", 2, "less", None),
        ("[environment]\nA = [1]", "environment.A", 2, "string, a number or a boolean", None),
        ('[environment]\n"A=B" = 1', 'environment."A=B"', 2, "no name", None),
        ("[ports.http]\nstatic = 0", "ports.http.static", 2, "at least 1", None),
        ("[ports.http]\nto = 65536", "ports.http.to", 2, "at most 65535", None),
        ("[ports.my-port]", "ports.my-port", 1, "no name", None),
        ("[ports]\nhttp = 80", "ports.http", 2, "must be a table", "[ports.http]"),
        ("[ports.http]\nstatic = 80", "ports.http.static", 2, "canary", "canaries = 0"),
        ("[rollout]\ncanaries = 0\n[ports.a]\nstatic = 80\n[ports.b]\nstatic = 80",
         "ports.b.static", 6, "port a already", None),
        ("[route]", "route", 1, 'needs port "http"', "[ports.http]"),
        ('[ports.web]\n[route]\nport = "wbe"', "route.port", 3, 'no port "wbe"', "web"),
        ('[ports.http]\n[route]\nhost = "a"\nhosts = ["b"]', "route.host", 3, "hosts", None),
        ('[ports.http]\n[route]\npath = "x"', "route.path", 3, "start with /", None),
        ('[ports.http]\n[route]\nvisibility = "all"', "route.visibility", 3, "public", None),
        ("[check]", "check", 1, 'needs port "http"', None),
        ('[ports.a]\n[check]\nport = "b"', "check.port", 3, 'no port "b"', "a"),
        ("[ports.http]\n[check]\ninterval = 0.5", "check.interval", 3, "at least 1 s", None),
        ('kind = "system"\ncount = 1', "count", 2, "no count", None),
        ('kind = "batch"\n[route]\n[ports.http]', "route", 2, "no route", None),
        ('[rollout]\nmin_healthy_time = "2m"', "rollout.min_healthy_time", 2,
         "shorter than healthy_deadline (2m)", None),
        ('[rollout]\nhealthy_deadline = "5s"', "rollout.healthy_deadline", 2,
         "longer than min_healthy_time (5s)", None),
        ('[rollout]\nprogress_deadline = "2m"', "rollout.progress_deadline", 2,
         "longer than healthy_deadline (2m)", None),
        ('[rollout]\nhealthy_deadline = "9s"\nprogress_deadline = "20s"',
         "rollout.progress_deadline", 3, "not be shorter than kill_timeout (25s)", None),
        ('[rollout]\nkill_timeout = "11m"',
         "rollout.kill_timeout", 2, "not be longer than progress_deadline (5m)", None),
        ('[rollout]\nhealthy_deadline = "9m"\nprogress_deadline = "9m"',
         "rollout.healthy_deadline", 2, "shorter than progress_deadline (9m)", None),
        ('[secrets]\nkeys = ["a-b"]', "secrets.keys", 2, "letters", None),
        ('secrets = ["a"]', "secrets", 1, "must be a table", None),
        ('depends = ["dc"]', "depends", 1, 'no job "dc"', "db"),
        ('depends = ["web"]', "depends", 1, "itself", None),
        ('template = "../../x"', "template", 1, "no such file", None),
        ('template = "/etc/passwd"', "template", 1, "no such file", None),
        ('template = "job.nomad.hcl.j3"', "template", 1, "no such file", "job.nomad.hcl.j2"),
        ("[env.prodction]\ncount = 1", "env.prodction", 1, "no environment", "production"),
        ("[env.dev]\ncuont = 1", "env.dev.cuont", 2, "unknown key", "count"),
        ("[env.dev.env.dev]", "env.dev.env", 1, "unknown key", None),
        ('[env.dev.rollout]\ncanaries = "x"', "env.dev.rollout.canaries", 2, '"all"', None),
        ("[env.production.ports.http]\nstatic = 80", "env.production.ports.http.static", 2,
         "canary", None),
        ("constraints = 1", "constraints", 1, "array of tables", None),
        ("[[constraints]]\n[[constraints]]\nvalu = 1", "constraints[1].valu", 3, "unknown",
         "value"),
    ],
)  # fmt: skip
def test_a_mistake(
    text: str, key: str | None, line: int | None, message: str, hint: str | None
) -> None:
    [found] = mistakes(text)
    assert (found.where, found.key, found.line) == ("jobs/web/job.toml", key, line)
    assert message in found.message
    assert hint is None or hint in (found.hint or "")


def test_every_mistake_at_once_flags_too(tmp_path: Path) -> None:
    found = mistakes(
        'kind = "system"\ncount = 2\nnmae = "x"\n[rollout]\nmin_healthy_time = "5m"\n'
        "[ports.http]\nto = 0\n[env.dev.check]\nkind = 1",
        variables=("colour=red", "nonsense", "environment.A=1"),
        var_files=(str(tmp_path / "missing.toml"),),
        release="1 0",
        count=-1,
    )
    assert {(mistake.where, mistake.key) for mistake in found} == {
        ("jobs/web/job.toml", "nmae"),
        ("jobs/web/job.toml", "rollout.min_healthy_time"),
        ("jobs/web/job.toml", "ports.http.to"),
        ("jobs/web/job.toml", "env.dev.check.kind"),
        ("--count", None),
        ("--release", None),
        ("--var", "colour"),
        ("--var", "nonsense"),
        ("--var-file", None),
    }


def test_clocks_from_two_files_name_both() -> None:
    [found] = mistakes(
        '[rollout]\nmin_healthy_time = "90s"',
        project=PROJECT + '[environments.production.rollout]\nhealthy_deadline = "1m"',
    )
    assert (found.where, found.line) == ("jobs/web/job.toml", 2)
    assert "toolkit.toml:6" in (found.hint or "")


def test_a_driver_without_settings_names_who_chose_it() -> None:
    [found] = mistakes("[driver.docker]\nimage = 'x'", target=DEV)
    assert 'driver "raw_exec" has no settings' in found.message
    assert "toolkit.toml" in (found.hint or "")
    [found] = mistakes("[driver.raw_exce]\ncommand = 'x'", target=DEV)
    assert "raw_exce" in (found.hint or "")


def test_a_job_without_a_template() -> None:
    [found] = mistakes("", files={})
    assert "neither job.nomad.hcl.j2 nor job.nomad.hcl" in found.message


def test_a_job_that_is_not_there() -> None:
    project = load_project(DictTree({"toolkit.toml": b"", "jobs/web/job.toml": b""}))
    with pytest.raises(ConfigError, match='did you mean "web"'):
        load_job(project, "weeb", PRODUCTION, Flags(), python="p")
    with pytest.raises(ConfigError, match=r"no toolkit\.toml here or above"):
        load_job(None, "web", PRODUCTION, Flags(), python="p")


def test_nothing_said_is_the_defaults() -> None:
    spec = load()
    assert (spec.name, spec.kind, spec.template) == ("web", "service", "jobs/web/job.nomad.hcl.j2")
    assert (spec.count, spec.count_origin) == (1, Origin("default"))
    assert (spec.release, spec.release_origin, spec.file_release) == (None, None, None)
    assert spec.rollout == RolloutSettings()
    assert (spec.driver, spec.route, spec.check, spec.served) == (None, None, None, None)
    assert spec.context["project"] == {"python": "/python"}
    assert "agents" not in spec.context


def test_a_full_job_file() -> None:
    spec = load(
        """
name = "shop"
count = 3
node_class = "big"
depends = ["db"]
[release]
version = "1.0.0"
json = "meta.release"
path = "/about"
[driver]
name = "docker"
[driver.docker]
image = "shop"
[resources]
cpu = 7
[environment]
A = "text"
B = 1
C = true
D = 1.5
[ports.http]
to = 8080
[ports.admin]
[route]
host = "shop.example.com"
visibility = "private"
[check]
kind = "tcp"
port = "admin"
timeout = "1500ms"
[rollout]
canaries = 1
shutdown_delay = "1m30s"
auto_revert = false
[secrets]
keys = ["db_password"]
[lint]
allow = ["count-one"]
[variables]
list = [1, { a = "b" }]
[[constraints]]
attribute = "${attr.cpu.arch}"
value = "amd64"
"""
    )
    assert (spec.name, spec.count) == ("shop", 3)
    assert (spec.release, spec.file_release) == ("1.0.0", "1.0.0")
    assert spec.release_origin == Origin("jobs/web/job.toml", "release.version", 7)
    assert spec.count_origin == Origin("jobs/web/job.toml", "count", 3)
    assert spec.served is not None
    assert (spec.served.json, spec.served.path) == ("meta.release", "/about")
    assert spec.driver == Driver("docker", {"image": "shop"})
    assert (spec.resources.cpu, spec.resources.memory) == (7, 128)
    assert spec.environment == {"A": "text", "B": "1", "C": "true", "D": "1.5"}
    assert spec.ports == (Port("http", None, 8080), Port("admin"))
    assert spec.route == Route(("shop.example.com",), "/", "private", "http")
    assert spec.check == Check("tcp", "/health", "admin", 2.0, 1.5)
    assert spec.rollout.canaries == 1
    assert spec.rollout.shutdown_delay == 90.0
    assert spec.rollout.auto_revert is False
    assert (spec.secrets, spec.lint_allow, spec.depends) == (
        ("db_password",), ("count-one",), ("db",)
    )  # fmt: skip
    assert spec.variables == {"list": [1, {"a": "b"}]}
    assert spec.node_class == "big"
    assert [item["value"] for item in spec.constraints] == ["amd64", "big"]


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
