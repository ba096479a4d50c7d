"""The variables that `toolkit cluster env` exports, read back: they lead into one environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from toolkit.config.settings import Flags, load_settings
from toolkit.errors import ConfigError
from toolkit.spec.cluster_access import Access, access_file
from toolkit.spec.target import Target

CLUSTER = """\
region = "eu-west-1"
[pools.frontend]
type = "t3.small"
[binaries.nomad]
version = "1.11.3"
[binaries.consul]
version = "1.22.7"
"""
TOKEN = "11111111-2222-3333-4444-555555555555"
VARIABLES = {
    "TOOLKIT_ACCESS": "prod",
    "TOOLKIT_PROXY": "socks5h://127.0.0.1:4321",
    "TOOLKIT_EDGE_PRIVATE": "http://10.42.0.32:8081",
    "TOOLKIT_TRAEFIK_PASSWORD": "secret",
    "NOMAD_ADDR": "https://server-1.prod.internal:4646",
    "NOMAD_TOKEN": TOKEN,
    "CONSUL_HTTP_ADDR": "https://server-1.prod.internal:8501",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    text = '[environments.dev]\nlocal = true\n[environments.old]\nnomad = "http://10.0.0.1:4646"\n'
    (tmp_path / "toolkit.toml").write_text(text)
    (tmp_path / "clusters").mkdir()
    (tmp_path / "clusters" / "prod.toml").write_text(CLUSTER)
    (tmp_path / "clusters" / "other.toml").write_text(CLUSTER)
    return tmp_path


def target(
    folder: Path,
    environment: str,
    environ: Mapping[str, str] = VARIABLES,
    more: Access | None = None,
) -> Target:
    flags = Flags(environment=environment)
    return load_settings(flags, environ, folder, access=more).target


def test_every_call_goes_through_the_proxy(project: Path) -> None:
    found = target(project, "prod")
    assert found.nomad.address == "https://server-1.prod.internal:4646"
    assert found.traefik is not None and found.kick is not None
    for each in (found.nomad, found.consul, found.traefik, found.kick):
        assert each.proxy == "socks5h://127.0.0.1:4321"
    assert found.edge["private"] == "http://10.42.0.32:8081"
    assert (found.traefik.username, found.traefik.token) == ("toolkit", found.traefik.token)


@pytest.mark.parametrize("environment", ["other", "prod-rehearsal", "old", "dev"])
def test_they_lead_into_no_other_environment(project: Path, environment: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target(project, environment)
    said = [each for each in caught.value.mistakes if each.where == "TOOLKIT_ACCESS"]
    assert [each.message for each in said] == [
        f"NOMAD_ADDR and others lead into prod, and the environment is {environment}"
    ]
    assert "toolkit cluster env prod --stop" in str(said[0].hint)


def test_without_a_project_there_is_nothing_to_mistake(tmp_path: Path) -> None:
    flags = Flags()
    found = load_settings(flags, VARIABLES, tmp_path, need_project=False).target
    assert found.nomad.proxy == "socks5h://127.0.0.1:4321"


def test_a_local_environment_has_no_proxy(project: Path) -> None:
    found = target(project, "dev", {"TOOLKIT_PROXY": "socks5h://127.0.0.1:4321"})
    assert (found.nomad.proxy, found.consul.proxy) == (None, None)


def test_two_proxies_are_refused_and_the_same_is_fine(project: Path) -> None:
    text = (project / "toolkit.toml").read_text() + 'proxy = "socks5h://127.0.0.1:1080"\n'
    (project / "toolkit.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"socks5h://127\.0\.0\.1:1080, but TOOLKIT_PROXY says"):
        target(project, "old", {"TOOLKIT_PROXY": "socks5h://127.0.0.1:4321"})
    same = {"TOOLKIT_PROXY": "socks5h://127.0.0.1:1080"}
    assert target(project, "old", same).nomad.proxy == "socks5h://127.0.0.1:1080"


def test_a_rehearsal_that_was_started_again_is_not_reached_by_the_old_way(project: Path) -> None:
    path = project / access_file("prod")
    path.parent.mkdir(parents=True)
    (path.parent / "ca.pem").write_text("")
    said = Access(
        "https://server.global.nomad:4646", "https://server.dc1.consul:8501",
        "socks5h://127.0.0.1:999", str(path.parent / "ca.pem"),
    )  # fmt: skip
    path.write_text(said.to_json())
    environ = {"TOOLKIT_ACCESS": "prod-rehearsal", "TOOLKIT_PROXY": "socks5h://127.0.0.1:4321"}
    with pytest.raises(ConfigError, match=r"TOOLKIT_PROXY says socks5h://127\.0\.0\.1:4321"):
        target(project, "prod-rehearsal", environ)
    assert target(project, "prod-rehearsal", {}).nomad.proxy == "socks5h://127.0.0.1:999"


def test_a_way_in_that_the_caller_has_is_the_way(project: Path) -> None:
    ca = project / "ca.pem"
    ca.write_text("")
    said = Access(
        "https://server-2.other.internal:4646", "https://server-2.other.internal:8501",
        "socks5h://127.0.0.1:999", str(ca),
    )  # fmt: skip
    environ = {key: value for key, value in VARIABLES.items() if key.startswith("TOOLKIT_")}
    found = target(project, "other", environ, said)
    assert (found.nomad.proxy, "private" in found.edge) == ("socks5h://127.0.0.1:999", False)


@pytest.mark.parametrize(
    ("name", "value"), [("TOOLKIT_PROXY", "socks4://x:1"), ("TOOLKIT_EDGE_PRIVATE", "ftp://x")]
)
def test_what_is_no_address_is_said_with_the_variable(project: Path, name: str, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        target(project, "old", {name: value})
    assert [each.where for each in caught.value.mistakes] == [name]
