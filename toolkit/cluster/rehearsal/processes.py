"""Processes of a rehearsal: started detached, found by a mark, believed only with a start time."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.cluster.rehearsal.places import MARKER
from toolkit.errors import AgentError

PROC = Path("/proc")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
READY = 10.0
"""Seconds in which a new process has its namespaces."""
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)

# Joins the cgroups that are named first, then becomes what follows.
_JOIN = """n=$1
shift
while [ "$n" -gt 0 ]; do
  echo 0 >"$1" || exit 1
  shift
  n=$((n - 1))
done
exec "$@"
"""
# Says that its namespaces are there, and waits until they are furnished; ends with its maker.
_GATE = 'echo ready; read -r _ || exit 1; exec "$@" </dev/null >&2'


@dataclass(frozen=True, slots=True)
class Process:
    """One process; the pair does not name another one later."""

    pid: int
    started: float
    """Clock ticks since boot."""

    @property
    def lives(self) -> bool:
        """Whether that very process runs."""
        return start_time(self.pid) == self.started


def start_time(pid: int) -> float | None:
    """Start of the process in clock ticks since boot; None when it is not there or a zombie."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    fields = stat.rpartition(")")[2].split()
    if not fields or fields[0] in "ZX":
        return None
    return float(fields[19])


def scrubbed(folder: Path) -> dict[str, str]:
    """The environment of every process: no credential of the caller's reaches a machine."""
    return {"PATH": SYSTEM_PATH, "HOME": "/root", "LANG": "C.UTF-8", MARKER: str(folder)}


@contextlib.contextmanager
def begun(
    folder: Path,
    log: Path,
    unshare: Sequence[str],
    command: Sequence[str],
    *,
    groups: Sequence[Path] = (),
    keep: Sequence[int] = (),
) -> Iterator[Process]:
    """A detached process in new namespaces, which waits; at the block's end it goes on.

    `unshare`: options of that program; `groups`: files of cgroups to write itself to before;
    `keep`: descriptors that it has as 3, 4…. AgentError when it does not begin; on any error in
    the block the process ends.
    """
    stack = contextlib.ExitStack()
    with stack:
        answer, says = os.pipe()
        hears, go = os.pipe()
        for each in (answer, says, hears, go):
            stack.callback(_close, each)
        arguments = [
            "/bin/bash", "-c", _JOIN, "join", str(len(groups)), *map(str, groups),
            "unshare", *unshare, "/bin/bash", "-c", _GATE, "gate", *command,
        ]  # fmt: skip
        append = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        moved = [(os.POSIX_SPAWN_DUP2, each, 3 + at) for at, each in enumerate(keep)]
        pid = os.posix_spawn(
            "/bin/bash",
            arguments,
            scrubbed(folder),
            file_actions=[
                (os.POSIX_SPAWN_DUP2, hears, 0),
                (os.POSIX_SPAWN_DUP2, says, 1),
                (os.POSIX_SPAWN_OPEN, 2, str(log), append, 0o600),
                *moved,
            ],
            setsid=True,
            setsigmask=[],
            setsigdef=[signal.SIGINT, signal.SIGTERM, signal.SIGHUP, *_IGNORED_BY_PYTHON],
        )
        _close(says)
        _close(hears)
        started = start_time(pid)
        ready, _, _ = select.select([answer], [], [], READY)
        if started is None or not ready or not os.read(answer, 16):
            raise AgentError(
                f"{command[0]} does not begin: {last_line(log) or 'it says nothing'}",
                hint="see what this machine lacks: namespaces, mounts, cgroups",
            )
        yield Process(pid, started)
        os.write(go, b"\n")


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):
        os.close(descriptor)


def last_line(log: Path) -> str:
    """The last thing that was said there; empty when nothing was."""
    try:
        lines = log.read_text(errors="replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def first_child(pid: int) -> tuple[Process, ...]:
    """The first child, of `unshare` PID 1 of the machine; empty when there is none."""
    try:
        text = (PROC / str(pid) / "task" / str(pid) / "children").read_text()
    except OSError:
        return ()
    found = ((int(each), start_time(int(each))) for each in text.split()[:1])
    return tuple(Process(child, started) for child, started in found if started is not None)


def marked(folder: Path) -> tuple[Process, ...]:
    """Every process of the rehearsal at `folder`, whoever recorded it; never the caller."""
    mark = f"{MARKER}={folder}".encode()
    found = []
    for entry in PROC.iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            variables = (entry / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        started = start_time(int(entry.name))
        if mark in variables and started is not None:
            found.append(Process(int(entry.name), started))
    return tuple(found)


def kill(
    processes: Iterable[Process], *, within: float, clock: Callable[[], float] = time.monotonic
) -> tuple[Process, ...]:
    """SIGKILL, and block until they are gone; returns those that are not within so many seconds."""
    end = clock() + within
    wanted = tuple(processes)
    with contextlib.ExitStack() as stack:
        poller = select.poll()
        left: dict[int, Process] = {}
        for each in wanted:
            try:
                handle = os.pidfd_open(each.pid)
            except ProcessLookupError:
                continue
            stack.callback(os.close, handle)
            if each.lives:
                left[handle] = each
                poller.register(handle, select.POLLIN)
                with contextlib.suppress(ProcessLookupError):
                    signal.pidfd_send_signal(handle, signal.SIGKILL)
        while left:
            ready = poller.poll(max(0.0, end - clock()) * 1000)
            for handle, _ in ready:
                poller.unregister(handle)
                del left[handle]
            if not ready:
                break
        for each in wanted:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(each.pid, os.WNOHANG)
        return tuple(left.values())


def within(pid: int, kinds: str = "nmuipC") -> list[str]:
    """The beginning of a command that is run in the namespaces of a process."""
    return ["nsenter", "-t", str(pid), *(f"-{kind}" for kind in kinds)]


def marks(process: Process) -> Mapping[str, float]:
    """As it is recorded."""
    return {"pid": process.pid, "started": process.started}
