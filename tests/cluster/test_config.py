"""The agents' configuration: what it promises, and that the real agents read it."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import pinned_machine
from tests.cluster import machines
from toolkit.agents.find import pinned_agents
from toolkit.cluster.config import (
    agent_files,
    first_files,
    places,
    rehearsal_files,
    secret_files,
)
from toolkit.cluster.secrets import needed_secrets, secrets_of
from toolkit.spec.cluster import Machine, Role
from toolkit.spec.target import Secret

MACHINES = {
    "server": machines.SERVER, "worker": machines.WORKER, "control": machines.CONTROL,
}  # fmt: skip
GOSSIP = "8Mk3GJ1w1UvMnT1eT9Qb8J0cK0hT1q5Yp0m6O5e8b3A="
CANARY = "canary-secret-value"


def secrets(role: Role, value: str = CANARY) -> dict[str, Secret]:
    names = secrets_of(machines.cluster(), role)
    return {name: Secret(GOSSIP if "/gossip/" in name else value) for name in names}


def files(machine: Machine) -> dict[str, bytes]:
    return {
        **agent_files(machines.cluster(), machine),
        **first_files(machine.role),
        **secret_files(machine.role, secrets(machine.role)),
    }


def merged(machine: Machine, agent: str) -> dict[str, Any]:
    """What the agent makes of its folder."""
    found: dict[str, Any] = {}
    for path in sorted(files(machine)):
        if path.startswith(f"/etc/{agent}.d/") and path.endswith(".json"):
            merge(found, machines.loaded(files(machine)[path]))
    return found


def merge(into: dict[str, Any], more: dict[str, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            merge(into[key], value)
        else:
            assert key not in into, f"{key} is said twice"
            into[key] = value


@pytest.fixture(scope="module")
def programs() -> dict[str, Path]:
    found = pinned_agents(pinned_machine(), say=lambda _text: None)
    return {name: binary.path for name, binary in found.items()}


@pytest.mark.agents
@pytest.mark.parametrize("role", MACHINES)
@pytest.mark.parametrize("rehearsed", [False, True])
def test_the_real_agents_find_nothing_wrong(
    tmp_path: Path, programs: dict[str, Path], role: str, rehearsed: bool
) -> None:
    machine = MACHINES[role]
    more = rehearsal_files(machine) if rehearsed else {}
    for path, text in {**files(machine), **more}.items():
        there = tmp_path / path.lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(text)
    etc = tmp_path / "etc"
    commands: tuple[list[str | Path], ...] = (
        [programs["consul"], "validate", etc / "consul.d"],
        [programs["nomad"], "config", "validate", etc / "nomad.d"],
    )
    for argv in commands:
        said = subprocess.run(argv, capture_output=True, text=True, timeout=60, env={})
        assert said.returncode == 0, said.stdout + said.stderr
        assert "valid" in said.stdout
        # The paths of a machine are not there; anything else they say would be ours.
        talk = [line for line in said.stderr.splitlines() if "/tls/ca.pem" not in line]
        assert talk in ([], ["bootstrap_expect > 0: expecting 3 servers"])


@pytest.mark.agents
def test_the_real_agents_would_find_something(tmp_path: Path, programs: dict[str, Path]) -> None:
    (tmp_path / "x.json").write_text('{"retry_joins": []}')
    commands: tuple[list[str | Path], ...] = (
        [programs["consul"], "validate", tmp_path],
        [programs["nomad"], "config", "validate", tmp_path],
    )
    for argv in commands:
        assert subprocess.run(argv, capture_output=True, env={}).returncode != 0


@pytest.mark.parametrize("role", MACHINES)
def test_no_static_file_has_a_secret_or_an_unfilled_mark(role: str) -> None:
    for text in agent_files(machines.cluster(), MACHINES[role]).values():
        assert CANARY.encode() not in text and GOSSIP.encode() not in text
        assert b"@" not in text


@pytest.mark.parametrize("role", MACHINES)
def test_files_are_the_same_each_time_and_end_with_a_line(role: str) -> None:
    assert files(MACHINES[role]) == files(MACHINES[role])
    assert all(text.endswith(b"\n") for text in files(MACHINES[role]).values())


@pytest.mark.parametrize("role", MACHINES)
def test_nothing_is_allowed_unless_said_and_nothing_goes_in_the_clear(role: str) -> None:
    consul, nomad = merged(MACHINES[role], "consul"), merged(MACHINES[role], "nomad")
    assert consul["acl"]["enabled"] and consul["acl"]["default_policy"] == "deny"
    assert consul["encrypt"] == GOSSIP
    tls = consul["tls"]["defaults"]
    assert tls["verify_incoming"] and tls["verify_outgoing"]
    assert consul["tls"]["internal_rpc"]["verify_server_hostname"]
    # Plain HTTP is for the machine itself.
    assert consul["client_addr"] == "127.0.0.1"
    assert set(consul.get("addresses", {})) <= {"https"}
    assert nomad["acl"] == {"enabled": True}
    assert nomad["tls"]["http"] and nomad["tls"]["rpc"] and nomad["tls"]["verify_server_hostname"]


def test_three_servers_begin_together_and_two_never_decide_alone() -> None:
    consul, nomad = merged(machines.SERVER, "consul"), merged(machines.SERVER, "nomad")
    assert consul["bootstrap_expect"] == nomad["server"]["bootstrap_expect"] == 3
    assert consul["autopilot"]["min_quorum"] == nomad["autopilot"]["min_quorum"] == 3
    assert nomad["server"]["encrypt"] == GOSSIP
    assert set(first_files("worker")) == set(first_files("control")) == set()


def test_servers_are_found_by_name_and_nobody_asks_aws() -> None:
    hosts = [f"server-{number}.prod.internal" for number in (1, 2, 3)]
    for machine in MACHINES.values():
        nomad = merged(machine, "nomad")
        join = nomad["server" if machine.role == "server" else "client"]["server_join"]
        assert merged(machine, "consul")["retry_join"] == join["retry_join"] == hosts
        everything = b"".join(files(machine).values())
        assert b"provider=" not in everything and b"tag_key" not in everything


def test_a_reboot_of_a_server_is_no_farewell_and_a_workers_end_is() -> None:
    assert merged(machines.SERVER, "consul")["leave_on_terminate"] is False
    assert merged(machines.SERVER, "nomad").get("leave_on_terminate", False) is False
    for agent in ("consul", "nomad"):
        assert merged(machines.WORKER, agent)["leave_on_terminate"] is True


def test_tasks_are_known_to_consul_by_what_nomad_signs() -> None:
    consul = merged(machines.SERVER, "nomad")["consul"]
    for kind in ("service_identity", "task_identity"):
        assert consul[kind] == {"aud": ["consul.io"], "ttl": "1h"}


def test_a_worker_says_its_pool_class_and_zone() -> None:
    client = merged(machines.WORKER, "nomad")["client"]
    assert (client["node_class"], client["node_pool"]) == ("edge", "default")
    assert client["meta"] == {"zone": "eu-west-1b", "pool": "frontend"}
    consul = merged(machines.WORKER, "consul")
    assert consul["node_name"] == merged(machines.WORKER, "nomad")["name"] == machines.WORKER.name
    assert consul["node_meta"] == {"zone": "eu-west-1b"}


def test_no_machine_in_aws_runs_tasks_without_a_container_and_a_rehearsal_does() -> None:
    for machine in MACHINES.values():
        assert b"raw_exec" not in b"".join(files(machine).values())
    added = machines.loaded(rehearsal_files(machines.WORKER)[f"{places.NOMAD}/30-rehearsal.json"])
    assert "env_aws" in added["client"]["options"]["fingerprint.denylist"]
    assert "raw_exec" in str(added["plugin"])
    assert rehearsal_files(machines.SERVER) == {}


def test_every_secret_of_a_role_is_used_and_none_of_the_operators() -> None:
    for role in ("server", "worker"):
        values = {name: Secret(f"value-of-{name}") for name in secrets_of(machines.cluster(), role)}
        text = b"".join(secret_files(role, values).values()).decode()
        assert all(f"value-of-{name}" in text for name in values)
    operators = {
        each.name for each in needed_secrets(machines.cluster()) if each.reader == "operator"
    }
    assert operators and all(name.startswith("ca/") for name in operators)
    assert not operators & {*secrets_of(machines.cluster(), "control")}
