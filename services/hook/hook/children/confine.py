"""A fresh child gives up what it does not need; nothing it is handed afterwards can bring it back.

What it does not do: keep a child from the network, which its work needs.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import resource
import signal
from dataclasses import dataclass
from pathlib import Path

USER = 64733
"""As whom children of a server run that is root: nobody else's number, and without a name, so that
neither scripts of repositories nor tasks of the machine may touch them."""

PROCESSES = 4096
"""Threads of all children together, where they are somebody else than the server."""

NEEDED = {"CAP_KILL": 5, "CAP_SETGID": 6, "CAP_SETUID": 7}
"""What root needs to run a child as another user, and to end it: the kernel's numbers."""

FILES = 512
_PDEATHSIG, _DUMPABLE, _CHILD_SUBREAPER, _NO_NEW_PRIVS = 1, 4, 36, 38


@dataclass(frozen=True, slots=True)
class Limits:
    """What a child may use; bytes and seconds."""

    memory: int
    """What it may write to, the zygote's share of about 60 MB included."""
    seconds: float
    """Of processor time; the server's clock has the same number."""


def confine(limits: Limits) -> None:
    """Become a process of no rights: own session, other user where possible, limits.

    Raises OSError, with which the child must end.
    """
    os.setsid()
    os.umask(0o077)
    os.chdir("/")
    libc = ctypes.CDLL(None, use_errno=True)
    with contextlib.suppress(OSError):
        # Where the machine, or the server's container, has no memory left, it is a child that ends.
        Path("/proc/self/oom_score_adj").write_text("1000")
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, FILES)
    # Not RLIMIT_AS: each thread's arena reserves 64 MB of addresses that nobody ever touches.
    _limit(resource.RLIMIT_DATA, limits.memory)
    _limit(resource.RLIMIT_CPU, int(limits.seconds) + 1)
    if os.geteuid() == 0:
        _limit(resource.RLIMIT_NPROC, PROCESSES)
        os.setgroups([])
        os.setresgid(USER, USER, USER)
        os.setresuid(USER, USER, USER)
    # After the change of user, which takes both of the others back.
    _prctl(libc, _NO_NEW_PRIVS, 1)
    _prctl(libc, _DUMPABLE, 0)
    _prctl(libc, _PDEATHSIG, signal.SIGKILL)


def why_not(status: str, *, server: int) -> str | None:
    """Why no child can be made another user here, as a sentence; None when it can, or need not.

    `status`: of the server's process, as the kernel says it; `server`: as whom it runs.
    """
    if server != 0:
        return None
    found = re.search(r"^CapEff:\s*([0-9a-fA-F]+)$", status, re.MULTILINE)
    has = int(found[1], 16) if found else -1
    lacking = [name for name, bit in NEEDED.items() if not has >> bit & 1]
    if not lacking:
        return None
    return (
        "pushes are checked as another user, and the hook server is root without"
        f" {', '.join(lacking)}, so that it could take none (give them to its container, or run it"
        " as a user that is not root)"
    )


def adopt_orphans() -> None:
    """Become the parent of whatever children leave behind, in whatever session; OSError."""
    _prctl(ctypes.CDLL(None, use_errno=True), _CHILD_SUBREAPER, 1)


def _limit(what: int, most: int) -> None:
    _, hard = resource.getrlimit(what)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (most, most))


def _prctl(libc: ctypes.CDLL, option: int, value: int) -> None:
    if libc.prctl(option, value, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
