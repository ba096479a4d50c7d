"""No text in a file or a flag does anything but load or raise ConfigError."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from toolkit.config.jobs import load_job
from toolkit.config.project import load_project
from toolkit.config.schema import ANY, JOB_KEYS, PROJECT_KEYS, Key
from toolkit.config.settings import Flags, read_variables
from toolkit.config.target import resolve_target
from toolkit.errors import ConfigError
from toolkit.spec.target import Endpoint, Target
from toolkit.spec.tree import DictTree

TARGET = Target(
    "dev",
    Endpoint("Nomad", "http://127.0.0.1:4646", "default"),
    Endpoint("Consul", "http://127.0.0.1:8500", "default"),
)
TEMPLATE = {"jobs/web/job.nomad.hcl.j2": b""}

odd = st.one_of(
    st.integers(),
    st.floats(),
    st.booleans(),
    st.text(max_size=6),
    st.sampled_from(
        ["all", "5s", "1m30s", "-1s", "http", "tcp", "service", "system", "batch", "dev", "web",
         "raw_exec", "1.0.0", "/x", "public", "http://x:1", "unix:///x", "x.hcl", "${", ".", "../x"]
    ),
    st.lists(st.one_of(st.text(max_size=3), st.integers()), max_size=3),
    st.builds(dict),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)  # fmt: skip
names = st.sampled_from(["dev", "http", "docker", "raw_exec", "a", "a b", ""])


@st.composite
def tables(draw: st.DrawFn, keys: tuple[Key, ...]) -> dict[str, Any]:
    """Tables of keys that exist, with values that may not."""
    data: dict[str, Any] = {}
    for key in draw(st.lists(st.sampled_from(keys), max_size=8)):
        parts = [draw(names) if part == ANY else part for part in key.path.split(".")]
        if keys is JOB_KEYS and draw(st.booleans()) and parts[0] != "env":
            parts = ["env", "dev", *parts]
        table = data
        for part in parts[:-1]:
            inner = table.setdefault(part, {})
            if not isinstance(inner, dict):
                break
            table = inner
        else:
            table[parts[-1]] = draw(odd)
    return data


def as_toml(value: Any) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f"{quoted(k)} = {as_toml(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_toml, value)) + "]"
        case str():
            return quoted(value)
        case bool():
            return str(value).lower()
        case _:
            return repr(value)


def quoted(text: str) -> str:
    return json.dumps(text).replace("\x7f", "\\u007f")


def as_file(data: dict[str, Any]) -> bytes:
    text = "\n".join(f"{quoted(name)} = {as_toml(value)}" for name, value in data.items())
    return text.encode("utf-8", errors="replace")


def load(project: bytes, job: bytes, **flags: Any) -> None:
    files = {"toolkit.toml": project, "jobs/web/job.toml": job, **TEMPLATE}
    try:
        loaded = load_project(DictTree(files))
    except ConfigError as error:
        check(error)
        loaded = load_project(DictTree({**files, "toolkit.toml": b""}))
    for action in (
        lambda: resolve_target(loaded, Flags(), read_variables({})[0]),
        lambda: load_job(loaded, "web", TARGET, Flags(**flags), python="p"),
    ):
        try:
            action()
        except ConfigError as error:
            check(error)


def check(error: ConfigError) -> None:
    """Every mistake has a place and one sentence, on one line of the terminal."""
    assert error.mistakes
    for mistake in error.mistakes:
        assert mistake.where
        assert mistake.message
        assert "\x1b" not in str(mistake)
        assert "\n" not in str(mistake)


@settings(deadline=None)
@given(st.one_of(st.text(), st.text("[]{}=\"'.#\n\\ab1,")), st.text())
def test_any_text(project: str, job: str) -> None:
    load(project.encode(errors="replace"), job.encode(errors="replace"))


@settings(deadline=None)
@given(st.binary(), st.binary())
def test_any_bytes(project: bytes, job: bytes) -> None:
    load(project, job)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tables(PROJECT_KEYS), tables(JOB_KEYS))
def test_keys_that_exist_with_values_that_may_not(
    project: dict[str, Any], job: dict[str, Any]
) -> None:
    load(as_file(project), as_file(job))


@settings(deadline=None)
@given(
    st.lists(st.one_of(st.text(), st.text("ab=.[]{}\"'\n1"), st.builds("v={}".format, st.text()))),
    st.one_of(st.none(), st.text()),
    st.one_of(st.none(), st.integers()),
)
def test_any_flags(variables: list[str], release: str | None, count: int | None) -> None:
    job = b"[variables]\nv = 1\na = { b = 'x' }\n"
    load(b"", job, variables=tuple(variables), release=release, count=count)


VARIABLES = ["NOMAD_ADDR", "CONSUL_HTTP_ADDR", "NOMAD_SKIP_VERIFY", "CONSUL_HTTP_SSL",
             "NOMAD_CACERT", "CONSUL_HTTP_TOKEN_FILE", "TOOLKIT_ENV", "NOMAD_TOKEN",
             "NOMAD_CLIENT_KEY"]  # fmt: skip


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(VARIABLES), st.text()))
def test_any_environment_variables(environ: dict[str, str]) -> None:
    variables, mistakes = read_variables(environ)
    assert all(mistake.where in environ for mistake in mistakes)
    try:
        resolve_target(None, Flags(), variables)
    except ConfigError as error:
        assert error.mistakes
