"""A cgroup for each machine, below one of the rehearsal's own; nothing else of the tree changes."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import AgentError

_V2_WANTED = ("cpuset", "cpu", "io", "memory", "pids")


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """One tree of cgroups, and where in it we are."""

    folder: Path
    """Ours: what we make is below it."""
    version: int
    controllers: str


def hierarchies(mountinfo: str, own: str) -> tuple[Hierarchy, ...]:
    """From `/proc/self/mountinfo` and `/proc/self/cgroup`. Pure.

    Version 2 counts only where it is the only one: beside version 1 Nomad does not use it.
    """
    at = {controllers: path for _, controllers, path in _lines(own)}
    found = []
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        root, point = left.split()[3:5]
        kind, _, options = right.split(maxsplit=2)
        if kind == "cgroup2":
            found.append(Hierarchy(Path(point), 2, ""))
        elif kind == "cgroup":
            for controllers, path in at.items():
                if controllers and set(controllers.split(",")) <= set(options.split(",")):
                    inside = path.removeprefix(root.rstrip("/")).lstrip("/")
                    found.append(Hierarchy(Path(point) / inside, 1, controllers))
    first = [each for each in found if each.version == 1]
    return tuple(first or found)


def _lines(own: str) -> list[list[str]]:
    return [line.split(":", 2) for line in own.splitlines() if line.count(":") >= 2]


def here() -> tuple[Hierarchy, ...]:
    """The trees of this process."""
    own = Path("/proc/self")
    return hierarchies((own / "mountinfo").read_text(), (own / "cgroup").read_text())


def make_group(name: str, machine: str) -> tuple[Path, ...]:
    """The machine's cgroup in every tree; files through which a process joins it."""
    joins = []
    for tree in here():
        above = tree.folder / name
        folder = above / machine
        try:
            for each in (above, folder):
                each.mkdir(exist_ok=True)
                if tree.version == 1:
                    _give_processors(tree, each)
            if tree.version == 2:
                _hand_down(above)
        except OSError as exc:
            raise AgentError(
                f"the cgroup {folder} cannot be made: {exc.strerror or exc}",
                hint="a rehearsal needs cgroups that it may write to",
            ) from exc
        joins.append(folder / "cgroup.procs")
    return tuple(joins)


def _give_processors(tree: Hierarchy, folder: Path) -> None:
    if "cpuset" in tree.controllers.split(","):
        # A group without processors takes no process.
        for name in ("cpuset.cpus", "cpuset.mems"):
            if not (folder / name).read_text().strip():
                (folder / name).write_text((folder.parent / name).read_text())


def _hand_down(folder: Path) -> None:
    """Version 2: let the groups below have what the host gives; nothing more is asked of it."""
    offered = (folder / "cgroup.controllers").read_text().split()
    wanted = " ".join(f"+{each}" for each in _V2_WANTED if each in offered)
    if wanted:
        (folder / "cgroup.subtree_control").write_text(wanted)


def clear_root(name: str, machine: str, pid: int) -> None:
    """Version 2: move the process that holds a machine's namespaces out of its root group.

    A group with processes cannot hand controllers down; PID 1 moves itself.
    """
    for tree in here():
        if tree.version == 2:
            leaf = tree.folder / name / machine / "host"
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text(str(pid))


def remove_groups(
    name: str,
    machine: str = "",
    *,
    within: float = 5.0,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Take away the cgroups of the rehearsal, or of one machine, whose processes have ended.

    AgentError when some stay.
    """
    end = clock() + within
    while left := [each for tree in here() if (each := tree.folder / name / machine).is_dir()]:
        for above in left:
            for folder, _, _ in os.walk(above, topdown=False):
                with contextlib.suppress(OSError):
                    Path(folder).rmdir()
        if not any(each.is_dir() for each in left):
            return
        if clock() >= end:
            raise AgentError(
                f"the cgroup {left[0]} cannot be removed",
                hint="something still runs in it: its cgroup.procs says what",
            )
        # The kernel says nothing when the last process has left.
        sleep(0.02)


def members(name: str, machine: str) -> tuple[int, ...]:
    """Ids of all processes of a machine, whoever started them."""
    found = set()
    for tree in here():
        for file in (tree.folder / name / machine).rglob("cgroup.procs"):
            with contextlib.suppress(OSError):
                found |= {int(each) for each in file.read_text().split()}
    # A process that is not of our namespace has no number here.
    return tuple(sorted(found - {0}))


def memory_of(name: str) -> int | None:
    """Bytes that all machines together have in use, page cache included; None where not counted."""
    for tree in here():
        for file in ("memory.usage_in_bytes", "memory.current"):
            path = tree.folder / name / file
            with contextlib.suppress(OSError, ValueError):
                return int(path.read_text())
    return None
