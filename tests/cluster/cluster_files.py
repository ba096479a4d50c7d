"""Cluster files as tests write them: whole ones as dictionaries, so that one key can be wrong."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from toolkit.config.clusterfile import ClusterFile, parse_cluster
from toolkit.errors import ConfigError, Mistake

PLAIN = """\
region = "eu-west-1"
[pools.frontend]
type = "t3.small"
[binaries.nomad]
version = "1.11.3"
[binaries.consul]
version = "1.22.7"
"""
"""The shortest file that is right; tests add lines to its end, where [binaries.consul] goes on."""

WHERE = "clusters/prod.toml"
SUM = "0123456789abcdef" * 4
CERTIFICATE = "arn:aws:acm:eu-west-1:123456789012:certificate/12345678-1234-1234-1234-123456789012"
SSH_KEY = "ssh-ed25519 " + "A" * 68 + " me@example.com"

FULL: dict[str, Any] = {
    "region": "eu-west-1",
    "zones": ["eu-west-1c", "eu-west-1a", "eu-west-1b", "eu-west-1d"],
    "account": "123456789012",
    "protected": False,
    "datacenter": "dublin",
    "permission_boundary": "arn:aws:iam::123456789012:policy/team/boundary",
    "network": {"range": "10.7.0.0/17", "nat": "per-az", "connected": ["10.0.0.0/16"]},
    "domain": {"public": "example.com", "public_zone": "Z0ABC", "private": "prod.example.com"},
    "servers": {"type": "m7g.large", "volume": 50, "root_volume": 20},
    "control": {"type": "t4g.small", "root_volume": 25},
    "pools": {
        "frontend": {"type": "t3.small", "min": 2, "max": 3},
        "worker": {
            "type": "m7gd.xlarge", "min": 1, "max": 20, "spot": 80, "node_class": "heavy",
            "node_pool": "batch", "ephemeral": True, "root_volume": 60, "drain": "4m",
        },
    },
    "edge": {
        "kind": "alb", "pool": "frontend", "http": 8080, "https": 8443, "redirect": False,
        "certificate": CERTIFICATE, "names": ["Shop.example.com.", "*.shop.example.com"],
        "traefik_port": 81, "private_port": 9081, "ping_port": 9082, "drain": 45,
    },
    "bastion": {"allowed": ["203.0.113.0/24"], "keys": [SSH_KEY], "type": "t4g.nano"},
    "images": {"amd64": "ami-0123456789abcdef0", "arm64": "/aws/service/own/image"},
    "binaries": {
        "nomad": {"version": "1.11.3", "amd64": {"sha256": SUM}, "arm64": {"sha256": SUM.upper()}},
        "consul": {
            "version": "1.22.7",
            "amd64": {"sha256": SUM},
            "arm64": {"sha256": SUM, "address": "https://files.example.com/consul-1.22.7"},
        },
        "cni": {"version": "1.6.2"},
    },
    "alarms": {"topic": "arn:aws:sns:eu-west-1:123456789012:alarms"},
    "tags": {"team": "shop", "cost centre": "42/7", "Größe": "ß"},
}  # fmt: skip
"""A file with every key."""


def as_toml(value: Any) -> str:
    """One value, inline."""
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
    """Text as TOML has it."""
    return json.dumps(text).replace("\x7f", "\\u007f")


def as_file(data: dict[str, Any]) -> bytes:
    """A line for each key of the top."""
    text = "\n".join(f"{quoted(name)} = {as_toml(value)}" for name, value in data.items())
    return text.encode("utf-8", errors="replace")


def changed(path: str, value: Any) -> dict[str, Any]:
    """The full file with another value at a dotted path; None takes the key away."""
    data = deepcopy(FULL)
    *above, last = path.split(".")
    table = data
    for part in above:
        table = table.setdefault(part, {})
    if value is None:
        del table[last]
    else:
        table[last] = value
    return data


def read(data: dict[str, Any] | str | bytes, name: str = "prod") -> ClusterFile:
    """The file as `clusters/prod.toml`."""
    raw = as_file(data) if isinstance(data, dict) else data
    return parse_cluster(raw.encode() if isinstance(raw, str) else raw, name, WHERE)


def mistakes(data: dict[str, Any] | str | bytes, name: str = "prod") -> list[Mistake]:
    """What is wrong with the file."""
    try:
        read(data, name)
    except ConfigError as error:
        return list(error.mistakes)
    return []
