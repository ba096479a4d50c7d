"""The environment, read once: what wins, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from toolkit.config.settings import Flags, Settings, load_settings
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.agents import STATE_FILE, AgentPorts, AgentState

PROJECT = """\
default_environment = "dev"
[environments.dev]
local = true
[environments.production]
nomad = "https://nomad.example.com:4646"
consul = "https://consul.example.com:8501"
edge.public = "https://www.example.com"
namespace = "shop"
region = "eu"
datacenters = ["dc1"]
node_pool = "big"
protected = true
[environments.open]
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").write_text(PROJECT)
    return tmp_path


def settings(root: Path, environ: dict[str, str] | None = None, **rest: Any) -> Settings:
    options = {name: rest.pop(name) for name in ("need_project", "contact") if name in rest}
    return load_settings(Flags(**rest), environ or {}, root, **options)


def mistakes(root: Path, environ: dict[str, str] | None = None, **rest: Any) -> list[Mistake]:
    with pytest.raises(ConfigError) as error:
        settings(root, environ, **rest)
    return list(error.value.mistakes)


def start(root: Path, offset: int = 0, **rest: Any) -> AgentState:
    state = AgentState(AgentPorts.at(offset), (), traefik="/bin/traefik", **rest)
    (root / STATE_FILE).parent.mkdir(parents=True)
    (root / STATE_FILE).write_text(state.to_json())
    return state


def test_no_project_here(tmp_path: Path) -> None:
    [found] = mistakes(tmp_path)
    assert found.where == "toolkit.toml"
    assert str(tmp_path) in found.message


def test_an_address_is_enough_where_there_is_no_project(tmp_path: Path) -> None:
    environ = {"NOMAD_ADDR": "http://10.0.0.1:4646"}
    assert settings(tmp_path, environ).project is None
    [found] = mistakes(tmp_path, environ, contact=False)
    assert found.where == "toolkit.toml"


def test_without_a_project_addresses_come_from_the_variables(tmp_path: Path) -> None:
    environ = {"NOMAD_ADDR": "http://10.0.0.1:4646/", "CONSUL_HTTP_ADDR": "10.0.0.1:8500"}
    target = settings(tmp_path, environ, need_project=False).target
    assert (target.nomad.address, target.nomad.origin) == ("http://10.0.0.1:4646", "NOMAD_ADDR")
    assert target.consul.address == "http://10.0.0.1:8500"
    assert target.consul.origin == "CONSUL_HTTP_ADDR"
    assert not target.local
    assert target.edge == {}
    nothing = settings(tmp_path, {}, need_project=False).target
    assert (nothing.nomad.address, nothing.nomad.origin) == ("http://127.0.0.1:4646", "default")
    assert nothing.consul.address == "http://127.0.0.1:8500"


@pytest.mark.parametrize(
    ("environ", "flags"), [({"TOOLKIT_ENV": "prod"}, {}), ({}, {"environment": "prod"})]
)
def test_without_a_project_no_environment_has_a_name(
    tmp_path: Path, environ: dict[str, str], flags: dict[str, str]
) -> None:
    [found] = mistakes(tmp_path, environ, need_project=False, **flags)
    assert '"prod"' in found.message


def test_an_unknown_environment(root: Path) -> None:
    [found] = mistakes(root, environment="prodction")
    assert (found.where, found.hint) == ("--env", 'did you mean "production"?')
    [found] = mistakes(root, {"TOOLKIT_ENV": "x"})
    assert found.where == "TOOLKIT_ENV"


def test_several_environments_and_no_default(root: Path) -> None:
    (root / "toolkit.toml").write_text("[environments.a]\n[environments.b]\n")
    [found] = mistakes(root)
    assert "several environments" in found.message
    (root / "toolkit.toml").write_text("[environments.only]\n")
    assert settings(root).target.environment == "only"


def test_flag_then_variable_then_default(root: Path) -> None:
    assert settings(root).target.environment == "dev"
    environ = {"TOOLKIT_ENV": "production"}
    assert settings(root, environ).target.environment == "production"
    assert settings(root, environ, environment="open").target.environment == "open"


@pytest.mark.parametrize("name", ["namespace", "region"])
def test_namespace_and_region(root: Path, name: str) -> None:
    environ = {f"NOMAD_{name.upper()}": "variable"}
    here: dict[str, Any] = {"environment": "production"}
    assert getattr(settings(root, environ, **here, **{name: "flag"}).target, name) == "flag"
    assert getattr(settings(root, environ, **here).target, name) == "variable"
    assert (
        getattr(settings(root, **here).target, name) == {"namespace": "shop", "region": "eu"}[name]
    )
    open_one = settings(root, environment="open").target
    assert (open_one.namespace, open_one.region) == ("default", "global")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"NOMAD_ADDR": "https://other.example.com:4646"}, "other.example.com"),
        ({"NOMAD_ADDR": "http://nomad.example.com:4646"}, "http://nomad.example.com:4646"),
        ({"NOMAD_ADDR": "https://nomad.example.com"}, "https://nomad.example.com:443"),
        ({"CONSUL_HTTP_ADDR": "127.0.0.1:8500"}, "http://127.0.0.1:8500"),
    ],
)
def test_a_contradicting_address_is_refused_and_both_are_shown(
    root: Path, environ: dict[str, str], said: str
) -> None:
    [found] = mistakes(root, environ, environment="production")
    [name] = environ
    system, line = ("nomad", 5) if name == "NOMAD_ADDR" else ("consul", 6)
    assert found.where == name
    assert said in found.message
    assert f"https://{system}.example.com" in found.message
    assert f"toolkit.toml:{line}" in found.message
    assert name in (found.hint or "")


def test_the_same_address_spelled_otherwise_is_fine(root: Path) -> None:
    environ = {
        "NOMAD_ADDR": "HTTPS://Nomad.example.com:4646/",
        "CONSUL_HTTP_ADDR": "consul.example.com:8501",
        "CONSUL_HTTP_SSL": "true",
    }
    target = settings(root, environ, environment="production").target
    assert target.nomad.origin == "toolkit.toml:5"
    assert target.consul.address == "https://consul.example.com:8501"
    assert target.protected
    assert target.edge == {"public": "https://www.example.com"}
    assert (target.datacenters, target.node_pool) == (("dc1",), "big")


def test_a_flag_wins_over_both(root: Path) -> None:
    target = settings(
        root, {"NOMAD_ADDR": "http://a"}, environment="production", nomad_address="b:1"
    ).target
    assert (target.nomad.address, target.nomad.origin) == ("http://b:1", "--nomad-addr")
    [found] = mistakes(root, nomad_address="unix:///x")
    assert (found.where, "unix socket" in found.message) == ("--nomad-addr", True)


def test_an_open_environment_is_filled_by_variables(root: Path) -> None:
    target = settings(root, {"NOMAD_ADDR": "http://a:1"}, environment="open").target
    assert (target.nomad.address, target.nomad.origin) == ("http://a:1", "NOMAD_ADDR")
    assert (target.consul.address, target.consul.origin) == ("http://127.0.0.1:8500", "default")


def test_wrong_variables_are_all_said(root: Path) -> None:
    found = mistakes(
        root,
        {
            "NOMAD_ADDR": "unix:///run/nomad.sock",
            "CONSUL_HTTP_ADDR": "http://u:hunter2@x",
            "NOMAD_SKIP_VERIFY": "maybe",
            "CONSUL_HTTP_SSL": "2",
            "CONSUL_HTTP_SSL_VERIFY": "no",
            "CONSUL_HTTP_TOKEN_FILE": "/does/not/exist",
            "NOMAD_CACERT": "/does/not/exist.pem",
            "NOMAD_CLIENT_CERT": str(root / "toolkit.toml"),
            "TOOLKIT_ENV": "open",
        },
    )
    assert {mistake.where for mistake in found} == {
        "NOMAD_ADDR", "CONSUL_HTTP_ADDR", "NOMAD_SKIP_VERIFY", "CONSUL_HTTP_SSL",
        "CONSUL_HTTP_SSL_VERIFY", "CONSUL_HTTP_TOKEN_FILE", "TLS",
    }  # fmt: skip
    text = "\n".join(map(str, found))
    assert "/does/not/exist.pem" in text
    assert "needs its key" in text
    assert "hunter2" not in text


def test_all_of_nomad_s_and_consul_s_variables(root: Path) -> None:
    for name in ("ca", "cert", "key", "token"):
        (root / name).write_text(f" {name}-text\n")
    environ = {
        "NOMAD_TOKEN": "nomad-token", "NOMAD_CACERT": str(root / "ca"), "NOMAD_CAPATH": "/ca",
        "NOMAD_CLIENT_CERT": str(root / "cert"), "NOMAD_CLIENT_KEY": str(root / "key"),
        "NOMAD_TLS_SERVER_NAME": "server.global.nomad", "NOMAD_SKIP_VERIFY": "1",
        "CONSUL_HTTP_TOKEN": "loses", "CONSUL_HTTP_TOKEN_FILE": str(root / "token"),
        "CONSUL_CACERT": str(root / "ca"), "CONSUL_CAPATH": "/ca2",
        "CONSUL_CLIENT_CERT": str(root / "cert"), "CONSUL_CLIENT_KEY": str(root / "key"),
        "CONSUL_TLS_SERVER_NAME": "server.dc1.consul", "CONSUL_HTTP_SSL_VERIFY": "false",
        "CONSUL_HTTP_SSL": "1", "TOOLKIT_TRAEFIK_PASSWORD": "edge-password",
        "TOOLKIT_ENV": "open",
    }  # fmt: skip
    target = settings(root, environ).target
    nomad, consul, traefik = target.nomad, target.consul, target.traefik
    assert nomad.token is not None
    assert nomad.token.reveal() == "nomad-token"
    assert (nomad.ca_file, nomad.ca_path) == (str(root / "ca"), "/ca")
    assert (nomad.cert_file, nomad.key_file) == (str(root / "cert"), str(root / "key"))
    assert (nomad.tls_server_name, nomad.verify) == ("server.global.nomad", False)
    assert consul.token is not None
    assert consul.token.reveal() == "token-text"
    assert consul.address == "https://127.0.0.1:8500"
    assert (consul.ca_file, consul.ca_path) == (str(root / "ca"), "/ca2")
    assert (consul.tls_server_name, consul.verify) == ("server.dc1.consul", False)
    assert traefik is not None
    assert traefik.token is not None
    assert (traefik.username, traefik.token.reveal()) == ("toolkit", "edge-password")
    for secret in ("nomad-token", "token-text", "edge-password", "loses"):
        assert secret not in repr(settings(root, environ))


@pytest.mark.parametrize("text", ["", "0", "f", "false", "False", " "])
def test_a_boolean_is_parsed_not_tested_for_presence(root: Path, text: str) -> None:
    target = settings(root, {"NOMAD_SKIP_VERIFY": text, "CONSUL_HTTP_SSL": text}).target
    assert target.nomad.verify
    assert target.consul.address.startswith("http://")


def test_empty_variables_are_not_set(root: Path) -> None:
    names = ["NOMAD_ADDR", "NOMAD_TOKEN", "NOMAD_NAMESPACE", "NOMAD_REGION", "NOMAD_CACERT",
             "CONSUL_HTTP_ADDR", "CONSUL_HTTP_TOKEN", "CONSUL_HTTP_TOKEN_FILE", "TOOLKIT_ENV",
             "NOMAD_BIN", "CONSUL_BIN", "TRAEFIK_BIN", "NO_COLOR", "XDG_CACHE_HOME", "HOME",
             "TOOLKIT_TRAEFIK_PASSWORD"]  # fmt: skip
    assert settings(root, dict.fromkeys(names, "")) == settings(root)


def test_files_of_an_environment_are_beside_toolkit_toml(root: Path) -> None:
    (root / "toolkit.toml").write_text(
        '[environments.p]\nca_file = "ca.pem"\ncert_file = "c.pem"\nkey_file = "k.pem"\n'
        'tls_server_name = "nomad"\nconsul_cert_file = "cc.pem"\nconsul_key_file = "ck.pem"\n'
        'proxy = "http://127.0.0.1:3128"\ntraefik_user = "me"\n'
    )
    assert len(mistakes(root)) == 6
    for name in ("ca", "c", "k", "cc", "ck"):
        (root / f"{name}.pem").write_text("")
    target = settings(root).target
    assert target.nomad.ca_file == target.consul.ca_file == str(root / "ca.pem")
    assert target.nomad.cert_file == str(root / "c.pem")
    assert target.consul.cert_file == str(root / "cc.pem")
    assert target.consul.key_file == str(root / "ck.pem")
    assert (target.nomad.tls_server_name, target.consul.tls_server_name) == ("nomad", None)
    assert target.nomad.proxy == target.consul.proxy == "http://127.0.0.1:3128"
    assert target.traefik is not None
    assert (target.traefik.username, target.traefik.token) == ("me", None)
    (root / "other.pem").write_text("")
    environ = {"NOMAD_CACERT": str(root / "other.pem")}
    assert settings(root, environ).target.nomad.ca_file == str(root / "other.pem")


# A local environment


def test_local_agents_that_are_not_started_have_the_standard_ports(root: Path) -> None:
    target = settings(root).target
    assert target.local
    assert target.agents is None
    assert target.nomad.address == "http://127.0.0.1:4646"
    assert target.edge == {"public": "http://127.0.0.1:8080", "private": "http://127.0.0.1:8081"}


def test_local_agents_say_where_they_are_and_who_we_are(root: Path) -> None:
    state = start(root, 200, acl=True, nomad_token="from-state", consul_token="consul-state")
    target = settings(root).target
    assert target.agents == state
    assert (target.nomad.address, target.nomad.origin) == ("http://127.0.0.1:4846", "toolkit dev")
    assert target.consul.address == "http://127.0.0.1:8700"
    assert target.edge == {"public": "http://127.0.0.1:8280", "private": "http://127.0.0.1:8281"}
    assert target.nomad.token is not None
    assert target.nomad.token.reveal() == "from-state"
    assert target.consul.token is not None
    assert target.consul.token.reveal() == "consul-state"
    mine = settings(root, {"NOMAD_TOKEN": "mine"}).target.nomad.token
    assert mine is not None
    assert mine.reveal() == "mine"


def test_a_token_of_the_local_agents_goes_nowhere_else(root: Path) -> None:
    start(root, acl=True, nomad_token="from-state")
    assert settings(root, nomad_address="http://elsewhere:4646").target.nomad.token is None


def test_a_variable_that_contradicts_the_local_agents(root: Path) -> None:
    start(root, 200)
    environ = {"NOMAD_ADDR": "http://127.0.0.1:4646"}
    [found] = mistakes(root, environ)
    assert "http://127.0.0.1:4846" in found.message
    assert "http://127.0.0.1:4646" in found.message
    assert settings(root, {"NOMAD_ADDR": "http://localhost:4846/"}).target.local
    assert settings(root, environ, contact=False).target.nomad.address == "http://127.0.0.1:4846"


def test_agents_that_are_not_started_and_a_variable(root: Path) -> None:
    [found] = mistakes(root, {"NOMAD_ADDR": "https://nomad.example.com"})
    assert "http://127.0.0.1:4646" in found.message
    target = settings(root, {"NOMAD_ADDR": "http://127.0.0.1:14646"}).target
    assert (target.nomad.address, target.nomad.origin) == ("http://127.0.0.1:14646", "NOMAD_ADDR")


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"ports": 1, "processes": []}', "\x00"])
def test_a_damaged_state_file(root: Path, text: str) -> None:
    start(root)
    (root / STATE_FILE).write_text(text)
    [found] = mistakes(root)
    assert (found.where, "damaged" in found.message) == (STATE_FILE, True)
    assert settings(root, contact=False).target.agents is None


# The rest


def test_binaries_colour_and_cache(root: Path) -> None:
    environ = {"NOMAD_BIN": "/n", "CONSUL_BIN": "/c", "TRAEFIK_BIN": "/t", "NO_COLOR": "1",
               "HOME": "/home/me", "XDG_CACHE_HOME": "/cache"}  # fmt: skip
    found = settings(root, environ)
    assert (found.nomad_bin, found.consul_bin, found.traefik_bin) == ("/n", "/c", "/t")
    assert found.no_color
    assert found.cache_dir == Path("/cache/nomad-toolkit")
    environ["XDG_CACHE_HOME"] = "relative"
    assert settings(root, environ).cache_dir == Path("/home/me/.cache/nomad-toolkit")
    assert settings(root).cache_dir == root / ".toolkit" / "cache"
