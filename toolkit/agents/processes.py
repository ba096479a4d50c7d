"""Processes as the kernel knows them: a process id is only believed with its start time.

Linux only: reads `/proc` and waits on process file descriptors.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")

MARKER = "TOOLKIT_DEV_DIR"
"""Environment variable that names the folder of the local agents a process belongs to."""


@dataclass(frozen=True, slots=True)
class Process:
    """One process; the pair does not name another one later."""

    pid: int
    started: float
    """Clock ticks since boot."""


def start_time(pid: int) -> float | None:
    """Start of the process in clock ticks since boot; None when it is not there or a zombie."""
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    # The name is in parentheses and may hold anything, parentheses included.
    fields = stat.rpartition(")")[2].split()
    if not fields or fields[0] in "ZX":
        return None
    return float(fields[19])


def is_running(pid: int, started: float) -> bool:
    """True when that very process runs."""
    return start_time(pid) == started


def command_name(pid: int) -> str:
    """What the process calls itself; empty when it is gone."""
    try:
        return (PROC / str(pid) / "comm").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def environment(pid: int) -> dict[str, str]:
    """The environment the process was started with; empty when it may not be read."""
    try:
        text = (PROC / str(pid) / "environ").read_bytes().decode(errors="surrogateescape")
    except OSError:
        return {}
    pairs = (entry.partition("=") for entry in text.split("\0") if "=" in entry)
    return {key: value for key, _, value in pairs}


def pids() -> Iterator[int]:
    """Ids of all processes."""
    return (int(entry.name) for entry in PROC.iterdir() if entry.name.isdigit())


def belonging_to(dev: Path) -> tuple[Process, ...]:
    """Agents, executors, log collectors and tasks of the local agents at `dev`, however detached.

    Never the caller or one of its ancestors: a task may itself call `toolkit dev down`.
    """
    spared = set(_ancestors(os.getpid()))
    found = []
    for pid in pids():
        started = start_time(pid)
        if started is not None and pid not in spared and _belongs(environment(pid), dev):
            found.append(Process(pid, started))
    return tuple(found)


def _belongs(variables: dict[str, str], dev: Path) -> bool:
    if variables.get(MARKER) == str(dev):
        return True
    # A container, or a task with an environment of its own, still says which allocation it is.
    allocation = variables.get("NOMAD_ALLOC_ID", "")
    if not allocation or "/" in allocation:
        return False
    return any((folder / allocation).is_dir() for folder in (dev / "alloc", dev / "data" / "alloc"))


def _ancestors(pid: int) -> Iterator[int]:
    while pid > 1:
        yield pid
        try:
            stat = (PROC / str(pid) / "stat").read_text()
        except (OSError, UnicodeDecodeError):
            return
        pid = int(stat.rpartition(")")[2].split()[1])


def send(process: Process, number: signal.Signals) -> None:
    """Signal that very process; nothing when it is gone. PermissionError when it is not ours."""
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return
    try:
        if is_running(process.pid, process.started):
            signal.pidfd_send_signal(handle, number)
    except ProcessLookupError:
        return
    finally:
        os.close(handle)


def wait_gone(
    processes: Sequence[Process],
    timeout: float | None,
    *,
    clock: Callable[[], float] = time.monotonic,
    any_of_them: bool = False,
) -> tuple[Process, ...]:
    """Block until all are gone (or, with `any_of_them`, one is); returns those that still run.

    `timeout`: seconds; None waits for ever.
    """
    deadline = None if timeout is None else clock() + timeout
    with contextlib.ExitStack() as stack:
        handles: dict[int, Process] = {}
        poller = select.poll()
        for process in processes:
            handle = _open(process)
            if handle is None:
                continue
            stack.callback(os.close, handle)
            handles[handle] = process
            poller.register(handle, select.POLLIN)
        if any_of_them and len(handles) < len(processes):
            return tuple(handles.values())
        while handles:
            left = None if deadline is None else max(0.0, deadline - clock())
            ready = poller.poll(None if left is None else left * 1000)
            for handle, _ in ready:
                poller.unregister(handle)
                reap(handles.pop(handle).pid)
            if any_of_them and ready:
                break
            if not ready and left is not None and left <= 0:
                break
        return tuple(handles.values())


def _open(process: Process) -> int | None:
    try:
        handle = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    if is_running(process.pid, process.started):
        return handle
    os.close(handle)
    reap(process.pid)
    return None


def reap(pid: int) -> None:
    """Collect the exit status of a dead child, if it was one of ours."""
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def end(
    processes: Iterable[Process], *, grace: float, clock: Callable[[], float] = time.monotonic
) -> tuple[Process, ...]:
    """SIGTERM, up to `grace` seconds, SIGKILL; returns those that cannot be ended."""
    wanted = tuple(processes)
    refused = _send_all(wanted, signal.SIGTERM)
    left = wait_gone([each for each in wanted if each not in refused], grace, clock=clock)
    refused += _send_all(left, signal.SIGKILL)
    left = wait_gone([each for each in left if each not in refused], 5.0, clock=clock)
    return refused + left


def _send_all(processes: Iterable[Process], number: signal.Signals) -> tuple[Process, ...]:
    refused = []
    for process in processes:
        try:
            send(process, number)
        except PermissionError:
            refused.append(process)
    return tuple(refused)
