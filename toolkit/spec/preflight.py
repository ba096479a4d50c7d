"""What AWS was asked before anything is made, and what was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode

FindingKind = Literal["stops", "warns", "unchecked"]
"""It would fail; it may, or will one day; nobody could say."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A question without an answer: denied, throttled to the end, not reached."""

    why: str
    """One clause: what AWS said."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the account, the region or the cluster file that AWS made known."""

    kind: FindingKind
    about: str
    """What was asked about: `zones`, `image`, `quota`, `boundary`, `domain`, `certificate`, …"""
    message: str
    """One sentence."""
    hint: str | None = None
    """What to do."""
    where: str = ""
    """The cluster file, where a line of it is to blame."""
    key: str | None = None
    """Dotted, such as `servers.type`."""
    line: int | None = None
    """1-based; None where the file leaves the key out."""

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        key = "" if self.key is None else f"{self.key}: "
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{place}{': ' if place else ''}{key}{self.message}{hint}"


@dataclass(frozen=True, slots=True)
class Preflight:
    """All that was found, in the order of the cluster's making."""

    account: str
    """12 digits."""
    region: str
    findings: tuple[Finding, ...] = ()
    checked: tuple[str, ...] = ()
    """Subjects that AWS answered for: `zones`, `image`, …"""
    unasked: tuple[str, ...] = ()
    """Subjects that there was no call left for: whoever makes the cluster asks for these too."""
    calls: int = 0
    """Requests that were sent, without those that were sent again."""

    @property
    def stops(self) -> tuple[Finding, ...]:
        """What would fail: nothing may be made."""
        return tuple(each for each in self.findings if each.kind == "stops")

    @property
    def code(self) -> ExitCode:
        """Refused while anything stops; what warns or is not known does not."""
        return ExitCode.REFUSED if self.stops else ExitCode.OK
