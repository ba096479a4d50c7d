"""The agents that a rehearsal runs: found as `toolkit dev` finds them, summed as a release is."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Mapping
from pathlib import Path

from toolkit.agents.find import find_agents
from toolkit.cluster.rehearsal.plan import Program
from toolkit.errors import AgentError, RefusedError
from toolkit.spec.agents import AgentName
from toolkit.spec.cluster import Arch, Binary, Cluster
from toolkit.spec.dev import Machine

_ARCHES: Mapping[str, Arch] = {"x86_64": "amd64", "aarch64": "arm64"}


def this_arch(machine: str | None = None) -> Arch:
    """The processor of this machine; RefusedError for one that clusters cannot have."""
    name = machine or platform.machine()
    if name not in _ARCHES:
        raise RefusedError(
            f"a rehearsal runs on {' and '.join(_ARCHES)}; this machine is {name}",
            hint="machines of a cluster are amd64 or arm64",
        )
    return _ARCHES[name]


def find_programs(
    machine: Machine, given: dict[AgentName, Path | None], say: Callable[[str], None]
) -> dict[Binary, Program]:
    """Nomad and Consul with their sums; built where there are none. AgentError."""
    found: dict[Binary, Program] = {}
    for name, binary in find_agents(machine, given, say=say).items():
        try:
            with binary.path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as exc:
            raise AgentError(
                f"{binary.path} cannot be read: {exc.strerror or exc}",
                hint=f"name another one with --{name}-bin",
            ) from exc
        found[name] = Program(str(binary.path.resolve()), binary.version, digest)
    return found


def other_versions(cluster: Cluster, programs: Mapping[Binary, Program]) -> tuple[str, ...]:
    """A sentence for each program that is another version than the cluster file's."""
    return tuple(
        f"{name} {program.version} runs here, the cluster file says"
        f" {cluster.binaries[name].version}"
        for name, program in programs.items()
        if program.version != cluster.binaries[name].version
    )
