"""Job files: mistakes with their place, layers with their origins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.job_files import DEV, PRODUCTION, PROJECT, load, mistakes
from toolkit.config.jobs import load_job
from toolkit.config.project import load_project
from toolkit.config.settings import Flags
from toolkit.errors import ConfigError
from toolkit.spec.jobspec import Check, Driver, Origin, Port, RolloutSettings, Route
from toolkit.spec.tree import DictTree


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
        ('depends = ["db:doen"]', "depends", 1, 'no gate "doen"', "done"),
        ('depends = ["db:"]', "depends", 1, 'no gate ""', "done, verified"),
        ('depends = ["db", "db:done"]', "depends", 1, 'names job "db" twice', None),
        ('[depends]\ndb = "done"\ndc = "done"', "depends", 1, 'no job "dc"', "db"),
        ('[depends]\ndb = "later"', "depends.db", 2, '"verified" or "done"', None),
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


def test_what_a_job_waits_for_is_a_list_or_a_table() -> None:
    for text, said in (
        ('depends = ["db:verified"]', ("db:verified",)),
        ('[depends]\ndb = "verified"', ("db:verified",)),
        ('[depends]\ndb = "verified"\n[env.production]\ndepends = []', ()),
    ):
        spec = load(text)
        assert spec.depends == said
        assert spec.depends_origin is not None
        assert spec.depends_origin.source == "jobs/web/job.toml"
