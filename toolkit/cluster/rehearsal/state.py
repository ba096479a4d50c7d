"""What a rehearsal started: one file, written by rename after everything that is started."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TextIO

from toolkit.cluster.rehearsal.places import Places
from toolkit.cluster.rehearsal.processes import Process
from toolkit.errors import AgentError, RefusedError
from toolkit.spec.cluster import Machine


@dataclass(frozen=True, slots=True)
class Running:
    """One machine and the process that holds its namespaces."""

    machine: Machine
    process: Process


@dataclass(frozen=True, slots=True)
class State:
    """All that runs; None and empty where it was not started."""

    switch: Process | None = None
    operator: Process | None = None
    balancer: Process | None = None
    machines: Mapping[str, Running] = field(default_factory=dict)
    programs: Mapping[str, str] = field(default_factory=dict)
    """Agent -> version."""
    ready: bool = False
    """It was brought up whole."""

    def with_machine(self, machine: Machine, process: Process) -> State:
        """The state with one more machine, or the same one started again."""
        return replace(self, machines={**self.machines, machine.name: Running(machine, process)})

    def to_json(self) -> str:
        """The file's text."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> State:
        """The value back; ValueError, KeyError or TypeError when it is none."""
        said: dict[str, Any] = dict(json.loads(text))
        machines = {
            name: Running(Machine(**each["machine"]), Process(**each["process"]))
            for name, each in said.pop("machines").items()
        }
        for name in ("switch", "operator", "balancer"):
            said[name] = None if said[name] is None else Process(**said[name])
        return cls(machines=machines, **said)


def read_state(places: Places) -> State | None:
    """What was started; None when nothing was, or when the file does not say."""
    try:
        return State.from_json(places.state.read_text())
    except (OSError, ValueError, KeyError, TypeError):
        # Processes are found by their mark all the same.
        return None


def write_state(places: Places, state: State) -> None:
    """Record what was started; AgentError when it cannot be written."""
    write_private(places.state, state.to_json())


@contextlib.contextmanager
def writing(where: Path) -> Iterator[None]:
    """AgentError where what is written below `where` cannot be: a full disk is no bug."""
    try:
        yield
    except OSError as exc:
        raise AgentError(
            f"{exc.filename2 or exc.filename or where} cannot be written: {exc.strerror or exc}",
            hint="check that the project's folder is yours and that the disk has room",
        ) from exc


def write_private(path: Path, text: str) -> None:
    """Write by rename, for the owner alone; AgentError where it cannot be."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as exc:
        part.unlink(missing_ok=True)
        raise AgentError(
            f"{path} cannot be written: {exc.strerror or exc}",
            hint="check that the folder is yours and that the disk has room",
        ) from exc


def make_folder(places: Places) -> None:
    """Make the rehearsal's folder, its owner's alone, invisible to git.

    What is above it stays the project's owner's: local agents and reports are kept there too, by
    commands that need no root.
    """
    rehearsals = places.folder.parent
    own = rehearsals.parent
    ignore = own / ".gitignore"
    try:
        owner = places.root.stat()
        if not own.exists():
            own.mkdir()
            os.chown(own, owner.st_uid, owner.st_gid)
        places.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        rehearsals.chmod(0o700)
        places.folder.chmod(0o700)
        if not ignore.exists():
            ignore.write_text("*\n")
            os.chown(ignore, owner.st_uid, owner.st_gid)
    except OSError as exc:
        raise AgentError(
            f"{exc.filename or places.folder} cannot be made: {exc.strerror or exc}",
            hint="check that the project's folder is yours and that the disk has room",
        ) from exc


@contextlib.contextmanager
def exclusive(places: Places) -> Iterator[None]:
    """Hold the rehearsal's lock; RefusedError when another command changes it right now."""
    with _locked(places) as file:
        with writing(places.lock):
            file.truncate(0)
            file.write(str(os.getpid()))
            file.flush()
        yield


def forget(places: Places) -> None:
    """Take away what outlives `clear`; only for whoever holds the lock, and does nothing more."""
    places.lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        # Others' rehearsals may be in it.
        places.lock.parent.rmdir()


def _locked(places: Places) -> TextIO:
    while True:
        make_folder(places)
        try:
            handle = os.open(places.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            # `down` took the folder away in between.
            continue
        file = os.fdopen(handle, "r+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            with file:
                who = file.read().strip() or "unknown"
            raise RefusedError(
                f"another command is at work at the rehearsal of {places.cluster} (process {who})",
                hint="wait until it has ended, or end it",
            ) from exc
        # The one who held it before may have taken the file away: then nobody else comes to it.
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), places.lock.stat()):
                return file
        file.close()
