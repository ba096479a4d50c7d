"""The deploy lock of a job: who holds it, and what became of ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode

LockState = Literal["held", "lost", "none"]
"""`lost`: it was ours and somebody broke it, or it could not be renewed in time; `none`: there was
none to take, so that nothing kept others out."""


@dataclass(frozen=True, slots=True)
class Holder:
    """Who has a lock, as they wrote it down when they took it."""

    id: str
    """Of the lock: whoever knows it may renew or release it."""
    actor: str
    """`ann@build-3`, or what a CI job says of itself."""
    host: str
    """The machine that the command runs on."""
    command: str
    """`deploy`, `rollback`, `scale` …"""
    release: str | None
    since: float
    """Seconds since the epoch, by the holder's clock."""
    broken_by: str = ""
    """Who broke it."""
    broken_why: str = ""

    @property
    def who(self) -> str:
        """`ann@build-3`, `ann@github run 1234 on runner-7`."""
        who = self.actor or "somebody"
        known = not self.host or who.endswith(f"@{self.host}")
        return who if known else f"{who} on {self.host}"

    @property
    def deed(self) -> str:
        """`toolkit deploy, release 1.2.0`."""
        return f"toolkit {self.command}" + (f", release {self.release}" if self.release else "")


@dataclass(frozen=True, slots=True)
class LockReport:
    """The lock that a command took, as it stood at the end."""

    state: LockState
    path: str
    """Of the Nomad variable."""
    reason: str = ""
    """Why it is not held; empty when it is."""
    waited: float = 0.0
    """Seconds until it was ours."""


@dataclass(frozen=True, slots=True)
class UnlockReport:
    """What became of a lock that was to be broken."""

    action: Literal["unlocked", "unchanged"]
    job: str
    environment: str
    address: str
    namespace: str
    path: str
    """Of the Nomad variable."""
    reason: str
    holder: Holder | None
    """Whose lock it was; None: nobody held one."""

    @property
    def code(self) -> ExitCode:
        """Broken or not there: either way it is free now."""
        return ExitCode.OK
