"""Versions below which the configuration does not work, or a known defect loses work."""

from __future__ import annotations

import re
from typing import Literal

from toolkit.spec.cluster import Cluster

LOWEST: dict[Literal["nomad", "consul"], tuple[int, int]] = {"nomad": (1, 9), "consul": (1, 18)}
"""What is supported: signed identities towards Consul, keys in raft and so in snapshots."""


def too_old(cluster: Cluster) -> tuple[str, ...]:
    """A sentence for each program whose version no machine can be configured for."""
    found = []
    for name, lowest in LOWEST.items():
        version = cluster.binaries[name].version
        if numbers(version)[:2] < lowest:
            wanted = ".".join(str(part) for part in lowest)
            found.append(f"{name} {version} is too old: at least {wanted} is needed")
    return tuple(found)


def numbers(version: str) -> tuple[int, int, int]:
    """The three numbers of a version such as `1.11.3` or `v2.0.1+ent`; zeros where there are none.

    A pre-release counts as its release.
    """
    found = re.match(r"v?(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    if found is None:
        return (0, 0, 0)
    first, second, third = (int(part or 0) for part in found.groups())
    return (first, second, third)
