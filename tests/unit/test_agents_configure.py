"""What the agents are told: loopback only, no credential of the shell's, no secret in arguments."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from toolkit.agents.acl import Tokens, consul_grants, make_tokens
from toolkit.agents.configure import (
    Setup,
    command_line,
    configuration,
    dynamic_ports,
    scrubbed_environment,
)
from toolkit.agents.layout import AGENTS, Layout
from toolkit.agents.ports import HIGHEST_OFFSET, PURPOSES, ports_at
from toolkit.errors import RefusedError
from toolkit.spec.agents import AgentPorts, AgentState
from toolkit.spec.dev import Machine

LAYOUT = Layout(Path("/project"))
NUMBERS = count(1)
TOKENS = make_tokens(lambda: f"token-{next(NUMBERS)}")


def setup(**how: Any) -> Setup:
    return Setup(LAYOUT, AgentPorts.at(how.pop("offset", 0)), **how)


def leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for inner, each in value.items():
            yield from leaves(each, inner)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each, key)
    else:
        yield key, value


SETUPS = [setup(), setup(data=True), setup(tokens=TOKENS), setup(data=True, tokens=TOKENS)]


@pytest.mark.parametrize("how", SETUPS)
@pytest.mark.parametrize("name", AGENTS)
def test_every_address_is_loopback_and_nothing_asks_the_internet(name: Any, how: Setup) -> None:
    config = configuration(name, how)
    addresses = []
    for _, value in leaves(config):
        host = str(value).partition(":")[0]
        try:
            addresses.append(ipaddress.ip_address(host))
        except ValueError:
            continue
    addresses = [each for each in addresses if each.packed != b"\0\0\0\0"]
    assert addresses
    assert all(each.is_loopback for each in addresses)
    assert config["bind_addr"] == "127.0.0.1"
    assert config["disable_update_check"] is True


def test_no_cloud_is_asked_for_its_metadata() -> None:
    denied = configuration("nomad", setup())["client"]["options"]["fingerprint.denylist"]
    assert set(denied.split(",")) == {"env_aws", "env_gce", "env_azure", "env_digitalocean"}


def test_the_environment_is_the_machines_and_not_the_shells() -> None:
    shell = {
        "PATH": "/bin", "HOME": "/home/a", "AWS_SECRET_ACCESS_KEY": "x", "NOMAD_TOKEN": "y",
        "CONSUL_HTTP_TOKEN": "z", "AWS_CA_BUNDLE": "/pem",
    }  # fmt: skip
    assert scrubbed_environment(Machine.of(shell), LAYOUT) == {
        "PATH": "/bin",
        "HOME": "/home/a",
        "TOOLKIT_DEV_DIR": "/project/.toolkit/dev",
    }


@pytest.mark.parametrize("how", SETUPS)
@pytest.mark.parametrize("name", AGENTS)
def test_no_secret_is_in_an_argument(name: Any, how: Setup) -> None:
    arguments = " ".join(command_line(name, "/bin/agent", how))
    assert "token-" not in arguments
    assert ("-dev" in arguments.split()) is not how.data


def test_tokens_go_where_they_are_needed_and_nowhere_else() -> None:
    consul = json.dumps(configuration("consul", setup(tokens=TOKENS)))
    nomad = json.dumps(configuration("nomad", setup(tokens=TOKENS)))
    assert TOKENS.consul in consul
    assert TOKENS.nomad_agent in nomad
    for absent in (TOKENS.nomad, TOKENS.traefik):
        assert absent not in consul + nomad
    assert TOKENS.consul not in nomad


def test_without_tokens_access_control_is_off() -> None:
    assert "acl" not in configuration("consul", setup())
    assert "acl" not in configuration("nomad", setup())


def test_traefik_may_only_read() -> None:
    rules = {grant.name: grant.rules for grant in consul_grants(TOKENS)}
    assert "write" not in rules["toolkit-traefik"]
    assert 'service_prefix "" { policy = "write" }' in rules["toolkit-nomad"]


def test_tokens_are_fresh_and_never_printed() -> None:
    first, second = make_tokens(), make_tokens()
    assert first != second
    assert first.nomad not in repr(first)
    assert first.consul not in repr(consul_grants(first))
    assert Tokens.from_json(first.to_json()) == first


def test_all_ports_move_together() -> None:
    for name in AGENTS:
        here = {value for _, value in leaves(configuration(name, setup())["ports"])}
        there = {value for _, value in leaves(configuration(name, setup(offset=300))["ports"])}
        assert {value + 300 for value in here if value > 0} == there - {-1}


def test_nomad_gives_no_task_a_port_of_ours() -> None:
    reserved = configuration("nomad", setup(offset=12_000))["client"]["reserved"]["reserved_ports"]
    wanted = {getattr(AgentPorts.at(12_000), name) for name in PURPOSES}
    asked = {20_080, 20_081, 20_082, 20_652, 20_653, 20_654, 20_655}  # by shipped jobs
    assert {int(port) for port in reserved.split(",")} == wanted - asked


def test_clusters_a_hundred_apart_give_tasks_other_ports() -> None:
    windows = [dynamic_ports(offset) for offset in range(0, 1200, 100)]
    ports = [port for first, last in windows for port in range(first, last + 1)]
    assert len(ports) == len(set(ports))
    assert (min(ports), max(ports)) == (20_000, 31_999)


@pytest.mark.parametrize("offset", [-1, HIGHEST_OFFSET + 1])
def test_an_offset_that_leaves_the_range_is_refused(offset: int) -> None:
    with pytest.raises(RefusedError, match="out of range"):
        ports_at(offset)


def test_the_highest_offset_fits() -> None:
    ports = ports_at(HIGHEST_OFFSET)
    assert max(getattr(ports, name) for name in PURPOSES) == 65535


def test_every_port_has_a_purpose() -> None:
    fields = set(AgentPorts.__slots__) - {"offset"}
    assert set(PURPOSES) == fields


def test_agents_of_before_a_port_was_there_have_it_at_their_offset() -> None:
    state = AgentState(AgentPorts.at(300), (), "traefik", nomad_token="t")
    known = json.loads(state.to_json())
    del known["ports"]["hook_http"]
    assert AgentState.from_json(json.dumps(known)) == state


def test_docker_keeps_local_images_and_talks_to_the_engine_named() -> None:
    plugins = configuration("nomad", setup(docker_endpoint="unix:///run/d.sock"))["plugin"]
    docker = next(each["docker"][0]["config"][0] for each in plugins if "docker" in each)
    assert docker == {"gc": [{"image": False}], "endpoint": "unix:///run/d.sock"}


def test_the_node_has_no_class() -> None:
    assert "node_class" not in configuration("nomad", setup())["client"]


def test_relative_cache_folders_are_ignored_as_the_standard_says() -> None:
    machine = Machine.of({"HOME": "/home/a", "XDG_CACHE_HOME": "here"})
    assert machine.cache == Path("/home/a/.cache")
    assert Machine.of({"HOME": "/h", "XDG_CACHE_HOME": "/c"}).cache == Path("/c")


def test_a_build_sees_proxies_and_no_credentials() -> None:
    machine = Machine.of(
        {"HOME": "/h", "GOPROXY": "p", "HTTPS_PROXY": "q", "AWS_SECRET_ACCESS_KEY": "x"}
    )
    assert machine.go_environment == {"HOME": "/h", "GOPROXY": "p", "HTTPS_PROXY": "q"}


def test_the_files_of_many_ended_instances_stay() -> None:
    assert configuration("nomad", setup())["client"]["gc_max_allocs"] > 50
