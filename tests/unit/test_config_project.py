"""toolkit.toml: every mistake at once, with key, line and near names."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest

from toolkit.config.project import find_project, load_project
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.tree import DictTree

JOBS = {"jobs/backend/job.toml": b"", "jobs/frontend/job.toml": b""}


def load(text: str | bytes) -> object:
    raw = text.encode() if isinstance(text, str) else text
    return load_project(DictTree({"toolkit.toml": raw, **JOBS}, name="here"))


def mistakes(text: str | bytes) -> tuple[Mistake, ...]:
    with pytest.raises(ConfigError) as error:
        load(text)
    return error.value.mistakes


@pytest.mark.parametrize(
    ("text", "key", "line", "message", "hint"),
    [
        ("x =", None, 1, "not valid TOML", None),
        ("a = 1\nname = backend", None, 2, "not valid TOML", "quotes"),
        ("a = 1\na = 2", None, 2, "not valid TOML", None),
        ('a = "\\ud800"', None, 1, "not valid TOML", None),
        (b"# \xff", None, 1, "UTF-8", "UTF-8"),
        (b"\n\n# \xff", None, 3, "UTF-8", "UTF-8"),
        ("a = " + "[" * 5000, None, None, "nested too deeply", None),
        ("a = " + "[" * 60 + "]" * 60, None, None, "nested too deeply", None),
        ("variables." + ".".join("a" * 300) + " = 1", None, None, "nested too deeply", None),
        ("a = " + "9" * 5000, None, None, "not valid TOML", None),
        ("default_enviroment = 1", "default_enviroment", 1, "unknown key", "default_environment"),
        ('default_environment = "dev"', "default_environment", 1, "no environment", "[environ"),
        ("\nenvironments = 1", "environments", 2, "must be a table, not an integer", "["),
        ("[environments]\ndev = true", "environments.dev", 2, "must be a table", "["),
        ("[environments.dev]\nlocl = true", "environments.dev.locl", 2, "unknown", "local"),
        ("[environments.dev]\nlocal = 1", "environments.dev.local", 2, "true or false", None),
        ('[environments.p]\ntoken = "x"', "environments.p.token", 2, "secret", "NOMAD_TOKEN"),
        ('[environments.p]\npassword="x"', "environments.p.password", 2, "secret", "PASSWORD"),
        ('nomad_token = "x"', "nomad_token", 1, "secret", "NOMAD_TOKEN"),
        ('[environments.p]\nnomad = "ftp://x"', "environments.p.nomad", 2, "http://", None),
        ('[environments.p]\nnomad = "http://u:p@x"', "environments.p.nomad", 2, "password", None),
        ('[environments.p]\nconsul = "unix:///x"', "environments.p.consul", 2, "unix", None),
        ('[environments.p]\nedge.world = "x"', "environments.p.edge.world", 2, "unknown", "public"),
        ('[environments.p]\nedge.public = ""', "environments.p.edge.public", 2, "empty", None),
        ('[environments.p]\nproxy = "socks5://x"', "environments.p.proxy", 2, "http://", None),
        ('[environments.p]\nnamespace = "a\\nb"', "environments.p.namespace", 2, "control", None),
        ('[environments.p]\ndatacenters = "dc1"', "environments.p.datacenters", 2, "array", "["),
        ('[environments.p]\ncert_file = "c"', "environments.p.cert_file", 2, "key_file", None),
        ('[environments.p]\nconsul_key_file = "c"', "environments.p.consul_key_file", 2,
         "consul_cert_file", None),
        ('[environments.d]\nlocal = true\nnomad = "http://x"', "environments.d.nomad", 3,
         "toolkit dev", None),
        ('[environments.d]\nlocal = true\nedge.public = "http://x"', "environments.d.edge", 3,
         "toolkit dev", None),
        ('[stack]\njobs = "backend"', "stack.jobs", 2, "array of strings", "["),
        ('[stack]\njobs = ["bakend"]', "stack.jobs", 2, 'no job "bakend"', "backend"),
        ('[stack]\njobs = ["backend", "backend"]', "stack.jobs", 2, "twice", None),
        ("[stack]\nparallel = 0", "stack.parallel", 2, "at least 1", None),
        ("[rollout]\ncanaries = true", "rollout.canaries", 2, '"all"', None),
        ("[rollout]\ncanaries = -1", "rollout.canaries", 2, '"all"', None),
        ('[rollout]\ntimeout = "soon"', "rollout.timeout", 2, "duration", "1m30s"),
        ("[rollout]\nmax_parallel = 0", "rollout.max_parallel", 2, "at least 1", None),
        ("[variables]\nwhen = 2024-01-01", "variables.when", 2, "date", "quotes"),
        ("[variables]\nx = nan", "variables.x", 2, "finite", None),
        ('[variables]\n"a b" = 1', 'variables."a b"', 2, "no name", None),
        ("[environments.d.rollout]\ncanarys = 1", "environments.d.rollout.canarys", 2,
         "unknown key", "canaries"),
        ("[environments.a]\n[environments.a.variables]\nx = [1979-05-27]",
         "environments.a.variables.x", 3, "date", None),
    ],
)  # fmt: skip
def test_a_mistake(
    text: str | bytes, key: str | None, line: int | None, message: str, hint: str | None
) -> None:
    [found] = mistakes(text)
    assert (found.where, found.key, found.line) == ("toolkit.toml", key, line)
    assert message in found.message
    assert not found.message.endswith(".")
    assert hint is None or hint in (found.hint or "")


def test_every_mistake_at_once() -> None:
    found = mistakes(
        "default_environment = 1\n"
        '[stack]\njobs = ["nope"]\n'
        '[rollout]\ncanaries = "some"\nshutdown_delay = -1\n'
        '[environments.p]\nnomad = 1\nregion = ""\ntyp = 1\n'
    )
    assert sorted((mistake.key, mistake.line) for mistake in found if mistake.key) == [
        ("default_environment", 1),
        ("environments.p.nomad", 8),
        ("environments.p.region", 9),
        ("environments.p.typ", 10),
        ("rollout.canaries", 5),
        ("rollout.shutdown_delay", 6),
        ("stack.jobs", 3),
    ]


def test_a_secret_in_the_wrong_place_is_not_repeated() -> None:
    [found] = mistakes('[environments.p]\nlocal = "hunter2"')
    assert "hunter2" not in str(found)


def test_no_toolkit_toml_in_the_tree() -> None:
    with pytest.raises(ConfigError, match="does not exist in here") as error:
        load_project(DictTree({}, name="here"))
    assert error.value.hint


def test_an_empty_file_is_a_project() -> None:
    file = load_project(DictTree({"toolkit.toml": b""})).file
    assert (file.default_environment, dict(file.environments), file.stack) == (None, {}, ())


def test_a_full_file() -> None:
    text = """
default_environment = "production"
[stack]
jobs = ["frontend", "backend"]
[variables]
colour = "blue"
[rollout]
canaries = 1
[environments.production]
nomad = "https://nomad.example.com:4646"
edge.public = "https://www.example.com"
datacenters = ["dc1", "dc2"]
protected = true
[environments.production.variables]
nested = { deep = [1, 2.5, true] }
[environments.production.rollout]
timeout = "20m"
"""
    file = load_project(DictTree({"toolkit.toml": text.encode(), **JOBS})).file
    production = file.environments["production"]
    assert file.stack == ("frontend", "backend")
    assert production.nomad == "https://nomad.example.com:4646"
    assert production.edge == {"public": "https://www.example.com"}
    assert production.datacenters == ("dc1", "dc2")
    assert production.protected
    assert not production.local
    assert production.variables == {"nested": {"deep": [1, 2.5, True]}}
    assert production.rollout == {"timeout": "20m"}
    with pytest.raises((FrozenInstanceError, AttributeError)):
        production.nomad = "elsewhere"  # type: ignore[misc]


def test_the_project_is_found_upwards(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "toolkit.toml").write_text('[stack]\njobs = ["traefik"]\n')
    (tmp_path / "a" / "toolkit.toml").mkdir()  # a folder of that name is no project
    project = find_project(deep)
    assert project is not None
    assert project.root == tmp_path
    assert project.file.stack == ("traefik",)  # comes with toolkit


def test_a_folder_in_no_project(tmp_path: Path) -> None:
    assert find_project(tmp_path) is None


def test_the_shipped_project_is_right() -> None:
    root = Path(__file__).parents[2]
    project = find_project(root)
    assert project is not None
    assert project.root == root
    assert project.file.default_environment == "dev"
    assert project.file.environments["dev"].local
    assert project.file.stack == ("traefik", "backend", "frontend")


def test_the_commented_example_of_the_shipped_project_is_right() -> None:
    text = (Path(__file__).parents[2] / "toolkit.toml").read_text()
    rows = [
        row.removeprefix("# ") if "=" in row or row.startswith("# [") else row
        for row in text.splitlines()
    ]
    uncommented = "\n".join(rows)
    tree = DictTree(
        {
            "toolkit.toml": uncommented.encode(),
            **{f"jobs/{name}/job.toml": b"" for name in ("traefik", "backend", "frontend")},
        }
    )
    assert load_project(tree).file.environments["production"].protected
