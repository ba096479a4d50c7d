"""A cluster as a value, and its secrets, for tests of its machines."""

from __future__ import annotations

import json
import platform
import shutil
from dataclasses import replace
from ipaddress import IPv4Network
from pathlib import Path
from types import MappingProxyType
from typing import Any

from toolkit.spec.cluster import (
    Arch,
    Cluster,
    Download,
    Edge,
    Machine,
    Pool,
    Release,
    Servers,
)

ARCH: Arch = "arm64" if platform.machine() == "aarch64" else "amd64"
"""This machine's processor: sandboxes run on it."""
TYPES = {"amd64": ("t3.medium", "i3.large"), "arm64": ("t4g.medium", "im4gn.large")}
TYPE, DISKS = TYPES[ARCH]
NOMAD = Download("https://releases.example/nomad_1.11.3_linux_amd64.zip", "a1" * 32)
CONSUL = Download("https://releases.example/consul_1.22.7_linux_amd64.zip", "b2" * 32)
CNI = Download("https://releases.example/cni-plugins-linux-amd64.tgz", "c3" * 32)

SERVER = Machine("server-1", "server", "eu-west-1a", address="10.40.0.11")
WORKER = Machine("i-0123456789abcdef0", "worker", "eu-west-1b", pool="frontend")
CONTROL = Machine("i-0fedcba9876543210", "control", "eu-west-1a", pool="control")


def cluster(**changes: Any) -> Cluster:
    """Three zones, two pools and the control pool, all of one processor."""
    return replace(
        Cluster(
            name="prod",
            region="eu-west-1",
            zones=("eu-west-1a", "eu-west-1b", "eu-west-1c"),
            network=IPv4Network("10.40.0.0/16"),
            private_domain="prod.internal",
            servers=Servers(type=TYPE),
            pools=MappingProxyType(
                {
                    "frontend": Pool("frontend", TYPE, max=3, node_class="edge"),
                    "worker": Pool(
                        "worker", DISKS, min=2, max=6, node_pool="batch", ephemeral=True
                    ),
                }
            ),
            control=Pool("control", TYPE),
            edge=Edge(),
            images=MappingProxyType({ARCH: "ami-0123456789abcdef0"}),
            binaries=MappingProxyType(
                {
                    "nomad": Release("1.11.3", MappingProxyType({ARCH: NOMAD})),
                    "consul": Release("1.22.7", MappingProxyType({ARCH: CONSUL})),
                    "cni": Release("1.9.0", MappingProxyType({ARCH: CNI})),
                }
            ),
        ),
        **changes,
    )


def program(name: str) -> Path | None:
    """A program that some machines have, by its name."""
    found = shutil.which(name)
    return Path(found) if found else None


def loaded(text: bytes) -> dict[str, Any]:
    """A JSON file's content."""
    value: dict[str, Any] = json.loads(text)
    return value
