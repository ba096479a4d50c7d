"""`toolkit dev up --acl`: nobody gets in without a token, and what must work still does."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster, local_cluster
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.errors import DeniedError
from toolkit.spec.dev import Machine
from toolkit.spec.target import Endpoint, Secret
from toolkit.workflows import dev

pytestmark = pytest.mark.agents

SERVICE = {
    "ID": "guarded",
    "Name": "guarded",
    "Type": "service",
    "Datacenters": ["*"],
    "TaskGroups": [
        {
            "Name": "web",
            "Count": 1,
            "Services": [{"Name": "guarded", "Provider": "consul"}],
            "Tasks": [
                {
                    "Name": "app",
                    "Driver": "raw_exec",
                    "Config": {"command": "/bin/sleep", "args": ["3600"]},
                    "Resources": {"CPU": 10, "MemoryMB": 16},
                }
            ],
        }
    ],
}


@pytest.fixture(scope="module")
def guarded(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    root = tmp_path_factory.mktemp("guarded")
    with local_cluster(root, acl=True, data=True, machine=machine) as running:
        with running.nomad() as nomad:
            nomad.register(SERVICE, check_index=0)
        yield running


def consul_as(cluster: LocalCluster, token: str | None) -> Consul:
    secret = None if token is None else Secret(token)
    return Consul(Endpoint("Consul", cluster.consul_address, "test", token=secret))


def test_nobody_gets_in_without_a_token(guarded: LocalCluster) -> None:
    with Nomad(Endpoint("Nomad", guarded.nomad_address, "test")) as nomad:
        for ask in (nomad.jobs, nomad.agent_self, nomad.nodes):
            with pytest.raises(DeniedError):
                ask()
    with consul_as(guarded, None) as consul:
        assert consul.services() == {}
        with pytest.raises(DeniedError):
            consul.agent_self()


def test_what_nomad_registers_is_seen_with_traefiks_token(guarded: LocalCluster) -> None:
    with consul_as(guarded, guarded.state.traefik_token) as consul:
        guarded.until("the service is in Consul", lambda: "guarded" in consul.services())
        assert consul.service("guarded").value


def test_traefiks_token_may_not_change_anything(guarded: LocalCluster) -> None:
    with consul_as(guarded, guarded.state.traefik_token) as consul:
        guarded.until("the service is in Consul", lambda: "guarded" in consul.services())
        for instance in consul.service("guarded").value:
            with pytest.raises(DeniedError):
                consul.deregister("dev-1", instance["Service"]["ID"])
        assert consul.service("guarded").value
        with pytest.raises(DeniedError):
            consul.put_policy("mine", 'operator = "write"')


def test_traefiks_token_is_where_its_job_reads_it(guarded: LocalCluster) -> None:
    with guarded.nomad() as nomad:
        variable = nomad.variable("nomad/jobs/traefik")
    assert variable is not None
    assert variable["Items"] == {"consul_token": guarded.state.traefik_token}


@pytest.mark.parametrize("job", ["kick", "hook"])
def test_our_servers_may_read_jobs_and_consul_and_nothing_else(
    guarded: LocalCluster, job: str
) -> None:
    with guarded.nomad() as nomad:
        variable = nomad.variable(f"nomad/jobs/{job}")
        policy = nomad.acl_policy(f"toolkit-{job}")
    assert variable is not None
    assert variable["Items"] == {"consul_token": guarded.state.traefik_token}
    assert policy is not None
    assert policy["Rules"].strip() == ('namespace "*" { capabilities = ["list-jobs", "read-job"] }')
    # Of the tasks of this very job, in this very namespace.
    assert policy["JobACL"] == {"Namespace": "default", "JobID": job, "Group": "", "Task": ""}


def test_no_token_is_in_arguments_environments_logs_or_open_files(guarded: LocalCluster) -> None:
    state = guarded.state
    secrets = {state.nomad_token, state.consul_token, state.traefik_token}
    secrets.add(guarded.nomad_agent_token())
    assert "" not in secrets
    assert len(secrets) == 4
    for each in state.processes:
        for what in ("cmdline", "environ"):
            text = Path(f"/proc/{each.pid}/{what}").read_bytes().decode(errors="replace")
            assert not [secret for secret in secrets if secret in text]
        assert not [secret for secret in secrets if secret in guarded.log(each.name)]
    layout = guarded.layout
    for path in (layout.state, layout.tokens, layout.config("consul"), layout.config("nomad")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not [secret for secret in secrets if secret in repr(state)]


def test_kept_data_keeps_its_tokens(guarded: LocalCluster) -> None:
    before = guarded.state
    dev.down(guarded.root)
    assert not guarded.layout.config("nomad").exists()
    dev.up(
        guarded.root, machine=guarded.machine, acl=True, data=True,
        port_offset=before.ports.offset,
    )  # fmt: skip
    after = guarded.state
    assert (after.nomad_token, after.consul_token, after.traefik_token) == (
        before.nomad_token, before.consul_token, before.traefik_token,
    )  # fmt: skip
    with guarded.nomad() as nomad:
        assert nomad.token_self()["Type"] == "management"
