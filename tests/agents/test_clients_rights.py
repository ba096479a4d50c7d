"""Tokens and certificates, on real agents that ask for them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.agents.cluster import local_cluster
from tests.faults.lab import Lab, running, ten_ports, until
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, ConflictError, DeniedError, TlsError, UnreachableError
from toolkit.spec.dev import Machine
from toolkit.spec.target import Endpoint, Secret

pytestmark = pytest.mark.agents

UNKNOWN = "5f3a1c4e-2222-4222-8222-feedfacebeef"
READER = 'namespace "default" { policy = "read" }\nnode { policy = "read" }'


@pytest.fixture(scope="module")
def guarded(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with local_cluster(tmp_path_factory.mktemp("acl"), acl=True, machine=machine) as cluster:
        yield Lab.of(cluster.target())


@pytest.fixture(scope="module")
def reader(guarded: Lab) -> Secret:
    """A Nomad token that may read and nothing else."""
    assert guarded.nomad.token is not None
    address, headers = guarded.nomad.address, {"X-Nomad-Token": guarded.nomad.token.reveal()}
    policy = {"Name": "reader", "Rules": READER}
    token = {"Name": "reader", "Type": "client", "Policies": ["reader"]}
    requests.post(f"{address}/v1/acl/policy/reader", json=policy, headers=headers, timeout=9)
    answer = requests.post(f"{address}/v1/acl/token", json=token, headers=headers, timeout=9)
    return Secret(answer.json()["SecretID"])


JOB = {
    "ID": "x",
    "Name": "x",
    "Datacenters": ["*"],
    "TaskGroups": [{"Name": "g", "Tasks": [{"Name": "t", "Driver": "mock_driver"}]}],
}
CALLS: dict[str, Callable[[Nomad], object]] = {
    "job": lambda nomad: nomad.job("x"),
    "parse": lambda nomad: nomad.parse('job "x" {}'),
    "plan": lambda nomad: nomad.plan(JOB),
    "register": lambda nomad: nomad.register(JOB, check_index=0),
    "variable": lambda nomad: nomad.variable("nomad/jobs/x"),
    "nodes": lambda nomad: nomad.nodes(),
    "agent": lambda nomad: nomad.agent_self(),
    "page": lambda nomad: nomad.allocations("x", index=1, wait=1.0),
}


@pytest.mark.parametrize("name", CALLS)
def test_without_a_token(guarded: Lab, name: str) -> None:
    with Nomad(replace(guarded.nomad, token=None)) as nomad, pytest.raises(DeniedError) as caught:
        CALLS[name](nomad)
    assert caught.value.hint == "set NOMAD_TOKEN: it was asked without a token"


@pytest.mark.parametrize("token", [UNKNOWN, "mistyped"])
@pytest.mark.parametrize("name", CALLS)
def test_with_a_token_that_is_not_known(guarded: Lab, name: str, token: str) -> None:
    there = replace(guarded.nomad, token=Secret(token))
    with Nomad(there) as nomad, pytest.raises(DeniedError) as caught:
        CALLS[name](nomad)
    assert "not known there" in (caught.value.hint or "")
    seen: BaseException | None = caught.value
    while seen is not None:
        assert token not in str(seen)
        seen = seen.__cause__


@pytest.mark.parametrize("name", ["register", "plan"])
def test_with_a_token_without_the_right(guarded: Lab, reader: Secret, name: str) -> None:
    with Nomad(replace(guarded.nomad, token=reader)) as nomad:
        assert nomad.job("x") is None
        assert nomad.token_self()["Policies"] == ["reader"]
        with pytest.raises(DeniedError) as caught:
            CALLS[name](nomad)
    assert caught.value.hint == "the token in NOMAD_TOKEN lacks the right for this"


def test_acls_are_bootstrapped_once(guarded: Lab) -> None:
    with guarded.open_nomad() as nomad, pytest.raises(ConflictError):
        nomad.bootstrap_acl(UNKNOWN)
    with guarded.open_consul() as consul, pytest.raises((ConflictError, DeniedError)):
        consul.bootstrap_acl(UNKNOWN)


def test_consul_says_that_it_hides_something(guarded: Lab) -> None:
    with guarded.open_consul() as consul:
        assert consul.service("nomad").value
        consul.put_policy("nothing", 'service "other" { policy = "read" }')
        made = consul.put_token(description="blind", policies=["nothing"])
    blind = replace(guarded.consul, token=Secret(made["SecretID"]))
    with Consul(blind) as consul:
        page = consul.service("nomad")
        assert (page.value, page.filtered) == ([], True)
        with pytest.raises(DeniedError) as caught:
            consul.put_policy("more", "")
    assert caught.value.hint == "the token in CONSUL_HTTP_TOKEN lacks the right for this"


def test_consul_with_a_token_that_is_not_known(guarded: Lab) -> None:
    with (
        Consul(replace(guarded.consul, token=Secret(UNKNOWN))) as consul,
        pytest.raises(DeniedError) as caught,
    ):
        consul.service("nomad")
    assert "CONSUL_HTTP_TOKEN is not known" in (caught.value.hint or "")


def test_consul_without_a_token_sees_nothing_and_says_so(guarded: Lab) -> None:
    with Consul(replace(guarded.consul, token=None)) as consul:
        page = consul.service("nomad")
        assert (page.value, page.filtered) == ([], True)
        assert consul.service("nobody", index=page.index, wait=0.01).filtered


# TLS.


@pytest.fixture(scope="module")
def sealed(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    """A Nomad that speaks TLS only and asks for a client certificate."""
    folder = tmp_path_factory.mktemp("tls")
    nomad = str(machine.nomad_bin)
    for arguments in (["ca", "create"], ["cert", "create", "-server"], ["cert", "create", "-cli"]):
        subprocess.run([nomad, "tls", *arguments], cwd=folder, check=True, capture_output=True)
    with ten_ports() as base:
        settings: dict[str, Any] = {
            "bind_addr": "127.0.0.1",
            "disable_update_check": True,
            "ports": {"http": base, "rpc": base + 1, "serf": base + 2},
            "consul": {"auto_advertise": False, "client_auto_join": False},
            "tls": {
                "http": True,
                "rpc": True,
                "ca_file": "nomad-agent-ca.pem",
                "cert_file": "global-server-nomad.pem",
                "key_file": "global-server-nomad-key.pem",
                "verify_https_client": True,
            },
            "client": {
                "enabled": False,
                "options": {"fingerprint.denylist": "env_aws,env_gce,env_azure,env_digitalocean"},
            },
        }
        there = Endpoint(
            "Nomad",
            f"https://127.0.0.1:{base}",
            "the test",
            ca_file=str(folder / "nomad-agent-ca.pem"),
            cert_file=str(folder / "global-cli-nomad.pem"),
            key_file=str(folder / "global-cli-nomad-key.pem"),
        )
        with running(folder, [nomad, "agent", "-dev"], settings) as agent, Nomad(there) as client:
            until(lambda: client.leader() != "", "Nomad has a leader", agent)
            yield there


def refused(there: Endpoint) -> TlsError:
    with Nomad(there) as nomad, pytest.raises(ApiError) as caught:
        nomad.register({"ID": "x"}, check_index=0)
    assert isinstance(caught.value, TlsError), caught.value.message
    return caught.value


def test_an_authority_that_is_not_trusted(sealed: Endpoint) -> None:
    error = refused(replace(sealed, ca_file=None))
    assert "not trusted" in error.message
    assert "ca_file" in (error.hint or "")


def test_a_certificate_for_another_name(sealed: Endpoint) -> None:
    error = refused(replace(sealed, tls_server_name="server.mars.nomad"))
    assert "for another name" in error.message
    assert "tls_server_name" in (error.hint or "")


def test_a_client_certificate_that_is_missing(sealed: Endpoint) -> None:
    there = replace(sealed, cert_file=None, key_file=None)
    with Nomad(there) as nomad:
        with pytest.raises(TlsError) as caught:
            nomad.jobs()
        assert "asks for a client certificate" in caught.value.message
        # A body may already be on its way when the server turns us away.
        with pytest.raises((TlsError, UnreachableError)) as written:
            nomad.register({"ID": "x"}, check_index=0)
    for error in (caught.value, written.value):
        assert "cert_file" in (error.hint or "")


def test_plain_spoken_to_tls(sealed: Endpoint) -> None:
    error = refused(replace(sealed, address=sealed.address.replace("https", "http")))
    assert "https://" in (error.hint or "")


@pytest.mark.parametrize("field", ["ca_file", "cert_file", "key_file"])
def test_a_file_that_is_not_there(sealed: Endpoint, field: str) -> None:
    error = refused(replace(sealed, **{field: "no/such.pem"}))  # type: ignore[arg-type]
    assert "no/such.pem" in error.message


def test_a_file_that_is_no_certificate(sealed: Endpoint, tmp_path: Path) -> None:
    (tmp_path / "x.pem").write_text("nothing")
    for field in ("ca_file", "cert_file"):
        error = refused(replace(sealed, **{field: str(tmp_path / "x.pem")}))  # type: ignore[arg-type]
        assert "check ca_file" in (error.hint or "")


def test_the_name_in_the_certificate_is_what_counts(sealed: Endpoint) -> None:
    with Nomad(replace(sealed, tls_server_name="server.global.nomad")) as nomad:
        assert nomad.leader()
        with nomad.clone() as other:
            assert other.namespaces()


def test_a_folder_of_authorities_without_the_right_one(sealed: Endpoint, tmp_path: Path) -> None:
    assert "not trusted" in refused(replace(sealed, ca_file=None, ca_path=str(tmp_path))).message


def test_checks_that_were_switched_off(sealed: Endpoint) -> None:
    with Nomad(replace(sealed, ca_file=None, verify=False)) as nomad:
        assert nomad.leader()
