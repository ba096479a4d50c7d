"""Where the kick server is said to be: toolkit.toml, KICK_ADDR, or nothing at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from toolkit.config.settings import Flags, load_settings
from toolkit.errors import ConfigError, Mistake
from toolkit.spec.agents import STATE_FILE, AgentPorts, AgentState
from toolkit.spec.target import Endpoint, Target

PROJECT = """
default_environment = "dev"
[environments.dev]
local = true
[environments.production]
nomad = "https://nomad.example.com:4646"
kick = "https://kick.example.com:8652"
proxy = "http://proxy.example.com:3128"
ca_file = "ca.pem"
[environments.open]
nomad = "https://nomad.example.com:4646"
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "toolkit.toml").write_text(PROJECT)
    (tmp_path / "ca.pem").touch()
    return tmp_path


def target(root: Path, environment: str, environ: dict[str, str] | None = None) -> Target:
    return load_settings(Flags(environment=environment), environ or {}, root).target


def kick(root: Path, environment: str, environ: dict[str, str] | None = None) -> Endpoint:
    found = target(root, environment, environ).kick
    assert found is not None
    return found


def mistakes(root: Path, environment: str, environ: dict[str, str]) -> list[Mistake]:
    with pytest.raises(ConfigError) as error:
        target(root, environment, environ)
    return list(error.value.mistakes)


def test_a_contradicting_kick_addr_is_refused_and_both_are_shown(root: Path) -> None:
    [found] = mistakes(root, "production", {"KICK_ADDR": "http://10.0.0.9:8652"})
    assert found.where == "KICK_ADDR"
    for said in ("https://kick.example.com:8652", "toolkit.toml:7", "http://10.0.0.9:8652"):
        assert said in found.message
    assert "unset KICK_ADDR" in (found.hint or "")


def test_the_local_server_is_in_the_local_consul_and_nowhere_else(root: Path) -> None:
    [found] = mistakes(root, "dev", {"KICK_ADDR": "http://10.0.0.9:8652"})
    assert found.message == "environment dev is local, but KICK_ADDR says http://10.0.0.9:8652"


@pytest.mark.parametrize("text", ["ftp://a", "http://user:pw@a", "http://a/path", "unix:/x"])
def test_an_address_that_is_none_is_told(root: Path, text: str) -> None:
    [found] = mistakes(root, "open", {"KICK_ADDR": text})
    assert found.where == "KICK_ADDR"
    assert "the address" in found.message


def test_a_local_environment_takes_no_address(root: Path) -> None:
    text = PROJECT.replace("local = true", 'local = true\nkick = "http://a:1"')
    (root / "toolkit.toml").write_text(text)
    [found] = mistakes(root, "dev", {})
    assert (found.key, "toolkit dev" in found.message) == ("environments.dev.kick", True)


def test_the_files_address_with_its_proxy_certificates_and_nomads_token(root: Path) -> None:
    found = kick(root, "production", {"NOMAD_TOKEN": "t0ken"})
    assert (found.system, found.address) == ("Kick", "https://kick.example.com:8652")
    assert found.origin == "toolkit.toml:7"
    assert found.proxy == "http://proxy.example.com:3128"
    assert found.ca_file == str(root / "ca.pem")
    assert found.token is not None
    assert found.token.reveal() == "t0ken"


def test_an_environment_that_leaves_it_open(root: Path) -> None:
    found = kick(root, "open")
    assert (found.address, found.origin) == ("", "Consul")
    found = kick(root, "open", {"KICK_ADDR": "kick.example.com"})
    assert (found.address, found.origin) == ("http://kick.example.com:8652", "KICK_ADDR")


def test_the_local_agents_token_goes_to_the_local_server(root: Path) -> None:
    state = AgentState(AgentPorts.at(200), (), "traefik", acl=True, nomad_token="management")
    (root / STATE_FILE).parent.mkdir(parents=True)
    (root / STATE_FILE).write_text(state.to_json())
    for environ in ({}, {"KICK_ADDR": "localhost:8852"}):
        found = kick(root, "dev", environ)
        assert (found.address, found.origin) == ("", "Consul")
        assert found.token is not None
        assert found.token.reveal() == "management"
    [wrong] = mistakes(root, "dev", {"KICK_ADDR": "http://127.0.0.1:8652"})
    assert "KICK_ADDR says http://127.0.0.1:8652" in wrong.message
