"""What the commands of `toolkit hook` found and did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.bundle import HookEntry, HookSet, HookVersion

HookVerdict = Literal["created", "pushed", "rolled-back", "off", "destroyed", "unchanged"]


@dataclass(frozen=True, slots=True)
class HookListReport:
    """`toolkit hook list`: hooks of the repositories that the token may read, or of one."""

    environment: str
    address: str
    """The hook server's."""
    sets: tuple[HookSet, ...]
    """By name of the repository; those without hooks are left out."""
    repo: str | None = None
    """The one that was asked for."""
    why_not: str | None = None
    """Why no hook can run on this server."""

    @property
    def code(self) -> ExitCode:
        """None is an answer, too."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class HookShowReport:
    """`toolkit hook show`: what one version holds."""

    environment: str
    address: str
    repo: str
    version: HookVersion
    current: bool
    """It is what runs on a push."""
    entries: tuple[HookEntry, ...]

    @property
    def code(self) -> ExitCode:
        """It was there, or an error was raised."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class HookChangeReport:
    """What a change came to, and how the hooks are now."""

    verdict: HookVerdict
    sentence: str
    environment: str
    address: str
    repo: str
    found: HookSet | None = None
    """None once they are destroyed."""
    trash: str = ""
    notes: tuple[str, ...] = ()
    next: str | None = None

    @property
    def code(self) -> ExitCode:
        """It was done or so already, or an error was raised."""
        return ExitCode.OK
