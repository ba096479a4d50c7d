"""As whom a script runs: an account number that nobody else has, for as long as it runs.

Scripts of two repositories that ran as the same user could read and end each other; and a number
that is nobody's otherwise bounds how many processes there are. `nobody` in hook.toml means such a
number; any other name means that account of the machine, one script at a time.
"""

from __future__ import annotations

import os
import pwd
import secrets
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import UnavailableError
from toolkit.spec.hook import HookLimits

NUMBERS = range(60_800, 60_864)
"""Unused by the common systems: no accounts, no ranges of containers or services."""
DYNAMIC = "nobody"
ENDING = 10.0
"""Seconds in which everything of an account has to be gone after it was killed."""

_named = threading.Lock()


@dataclass(frozen=True, slots=True)
class Account:
    """Numbers of a user and its group; None: the server's own."""

    uid: int | None
    gid: int | None


def why_not(limits: HookLimits, *, server: int | None = None) -> str | None:
    """Why no script can run here, as a sentence; None when they can.

    `server`: as whom the server runs; None: as whom this process does.
    """
    if (os.geteuid() if server is None else server) != 0:
        if limits.same_user:
            return None
        return (
            "hooks run as another user, and the hook server is not root, so that it can run none;"
            " in development `same_user = true` in [hooks] of hook.toml runs them as the server"
        )
    if limits.user == DYNAMIC:
        return None
    try:
        found = pwd.getpwnam(limits.user)
    except KeyError:
        return f"hooks are to run as {limits.user}, who is no user of the hook server's machine"
    if found.pw_uid == 0:
        return f"hooks are to run as {limits.user}, who is root: name somebody else in [hooks]"
    return None


@contextmanager
def account(limits: HookLimits, *, wait: float) -> Iterator[Account]:
    """Have an account for one run; waits `wait` seconds at most for one that is free.

    UnavailableError where none is.
    """
    if os.geteuid() != 0:
        yield Account(None, None)
    elif limits.user == DYNAMIC:
        with ExitStack() as held:
            # From anywhere on: who comes next does not get the number that was just in use.
            first = secrets.randbelow(len(NUMBERS))
            order = (*NUMBERS[first:], *NUMBERS[:first])
            uid = next((number for number in order if _take(held, number)), None)
            if uid is None:
                raise _busy()
            yield Account(uid, uid)
    else:
        found = pwd.getpwnam(limits.user)
        if not _named.acquire(timeout=wait):
            raise _busy()
        try:
            yield Account(found.pw_uid, found.pw_gid)
        finally:
            _named.release()


def end_all_of(who: Account) -> None:
    """End whatever still runs as a number that is nobody else's.

    For what has lost the process that watched it; by its number each, until none is found.
    """
    deadline = time.monotonic() + ENDING
    uid = who.uid
    while uid is not None and uid in NUMBERS and time.monotonic() < deadline:
        found = _processes_of(uid)
        if not found:
            return
        # Stopped first: what is stopped starts nothing while the others are found.
        for sign in (signal.SIGSTOP, signal.SIGKILL):
            for pid in found:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, sign)
        for pid in found:
            _wait_for(pid, deadline)


def _wait_for(pid: int, deadline: float) -> None:
    """Until a process has ended, whoever's child it is."""
    with suppress(OSError):
        handle = os.pidfd_open(pid)
        try:
            poll = select.poll()
            poll.register(handle, select.POLLIN)
            poll.poll(max(0.0, 1000 * (deadline - time.monotonic())))
        finally:
            os.close(handle)


def _processes_of(uid: int) -> list[int]:
    """Those that run as it; what has ended and waits for its parent does not."""
    found = []
    for each in Path("/proc").iterdir():
        if each.name.isdigit():
            with suppress(OSError, IndexError):
                status = (each / "status").read_text()
                state = status.partition("\nState:")[2].split()[0]
                owner = status.partition("\nUid:")[2].split()[0]
                if int(owner) == uid and state not in "ZX":
                    found.append(int(each.name))
    return found


def _take(held: ExitStack, number: int) -> bool:
    """Whether the number is this run's now: of all servers on the machine, too."""
    lock = held.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    try:
        # An abstract name: it is free again when the process ends, however that is.
        lock.bind(f"\0toolkit-hook-account-{number}")
    except OSError:
        return False
    return True


def _busy() -> UnavailableError:
    return UnavailableError("too many hooks run already", hint="push again in a while")
