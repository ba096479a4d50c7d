"""What the agents of a machine are told: pure, and the same on AWS and in a rehearsal.

An agent reads a folder. `10-agent.json` follows from the cluster file and the machine alone and
holds no secret; `20-secrets.json` and what is below `tls` are written on the machine from the
store; `15-first.json` is there until the cluster has begun. The boot script carries the first as it
is, with marks in place of what only the machine knows, and makes the second by the same rules as
`secret_files`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from toolkit.cluster.config.consul import consul_agent, consul_first, consul_secrets
from toolkit.cluster.config.nomad import (
    nomad_agent,
    nomad_control,
    nomad_first,
    nomad_rehearsal,
    nomad_secrets,
)
from toolkit.cluster.config.places import (
    CONSUL,
    CONTROL,
    FIRST,
    NOMAD,
    REHEARSAL,
    SECRETS,
    STATIC,
    TLS,
)
from toolkit.spec.cluster import Cluster, Machine, Role
from toolkit.spec.target import Secret

MARKS = ("@name@", "@zone@", "@group@", "@class@", "@pool@")
"""What a boot script replaces: node, zone, pool of the cluster file, node class, node pool."""


def agent_files(cluster: Cluster, machine: Machine) -> Mapping[str, bytes]:
    """The static files of a machine's agents: absolute path -> content."""
    files = {
        **marked_files(cluster, machine.role),
        **(control_files() if machine.role == "control" else {}),
    }
    values = dict(zip(MARKS, _values(cluster, machine), strict=True))
    return {path: _filled(text, values) for path, text in files.items()}


def marked_files(cluster: Cluster, role: Role) -> Mapping[str, bytes]:
    """The same for every machine of a role, with MARKS where they differ."""
    return {
        f"{CONSUL}/{STATIC}": as_json(consul_agent(cluster, role)),
        f"{NOMAD}/{STATIC}": as_json(nomad_agent(cluster, role)),
    }


def control_files() -> Mapping[str, bytes]:
    """What the control machine has beside a worker's files: its script is the workers'."""
    return {f"{NOMAD}/{CONTROL}": as_json(nomad_control())}


def first_files(role: Role) -> Mapping[str, bytes]:
    """What servers are told until the cluster has begun, and never again: how many they are."""
    if role != "server":
        return {}
    return {
        f"{CONSUL}/{FIRST}": as_json(consul_first()),
        f"{NOMAD}/{FIRST}": as_json(nomad_first()),
    }


def secret_files(role: Role, secrets: Mapping[str, Secret]) -> Mapping[str, bytes]:
    """What a boot script writes from the role's secrets, by their names in the store."""
    folder = "server" if role == "server" else "worker"
    values = {name.removeprefix(f"{folder}/"): item.reveal() for name, item in secrets.items()}
    files = {
        f"{CONSUL}/{SECRETS}": as_json(consul_secrets(values)),
        f"{NOMAD}/{SECRETS}": as_json(nomad_secrets(values, role)),
    }
    for folder_of, agent in ((CONSUL, "consul"), (NOMAD, "nomad")):
        files[f"{folder_of}/{TLS}/ca.pem"] = _pem(values["tls/ca"])
        if (pair := values.get(f"tls/{agent}")) is not None:
            files[f"{folder_of}/{TLS}/agent.pem"] = _pem(pair)
    return files


def rehearsal_files(machine: Machine) -> Mapping[str, bytes]:
    """What a rehearsal adds on a machine, in a file of its own beside what AWS's machines have."""
    if machine.role == "server":
        return {}
    return {f"{NOMAD}/{REHEARSAL}": as_json(nomad_rehearsal())}


def as_json(value: Mapping[str, Any]) -> bytes:
    """The form in which every file is written: compact, sorted, a line."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _values(cluster: Cluster, machine: Machine) -> tuple[str, ...]:
    if machine.role == "server":
        return (machine.name, machine.zone, "", "", "")
    pool = next(each for each in cluster.all_pools if each.name == machine.pool)
    return (machine.name, machine.zone, pool.name, pool.node_class or pool.name, pool.node_pool)


def _filled(text: bytes, values: Mapping[str, str]) -> bytes:
    for mark, value in values.items():
        text = text.replace(mark.encode(), value.encode())
    return text


def _pem(text: str) -> bytes:
    return text.strip().encode() + b"\n"
