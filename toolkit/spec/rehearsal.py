"""What the commands of a rehearsal report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode

RehearsalWord = Literal["up", "grown", "already up", "well", "unwell", "down", "not running"]
"""`grown`: machines came to one that was up; `unwell`: something that should be is not."""


@dataclass(frozen=True, slots=True)
class MachineRow:
    """One machine, as it stands."""

    name: str
    role: str
    zone: str
    pool: str
    """Empty for a server."""
    address: str
    power: Literal["on", "off"]
    nomad: str
    """Of a worker Nomad's word for the node, with `ineligible` or `draining`; of a server `voter`,
    `leader`, or what keeps it; `unseen` when nobody could be asked."""
    said: str = ""
    """The end of its log, where its start failed."""


@dataclass(frozen=True, slots=True)
class TargetRow:
    """One machine behind the balancer."""

    name: str
    address: str
    """With Traefik's port."""
    well: bool
    """`/ping` says so, and requests go there."""


@dataclass(frozen=True, slots=True)
class CertificateRow:
    """One certificate of the machines."""

    name: str
    """Of its secret."""
    ends: str
    """Date, `2027-11-23`."""
    days: int


@dataclass(frozen=True, slots=True)
class RehearsalReport:
    """A rehearsal after `up`, `down` or `status`."""

    cluster: str
    environment: str
    """Name of the environment that it is."""
    word: RehearsalWord
    sentence: str
    machines: tuple[MachineRow, ...] = ()
    targets: tuple[TargetRow, ...] = ()
    certificates: tuple[CertificateRow, ...] = ()
    reasons: tuple[str, ...] = ()
    """Why no server may be taken away now; empty: one may."""
    memory: int | None = None
    """Bytes that all machines use together, page cache included; None: not counted here."""
    seconds: float | None = None
    """From nothing to ready."""
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    """Commands to type."""

    @property
    def code(self) -> ExitCode:
        """0, or 3 where `status` finds it not running or unwell."""
        return ExitCode.FAILED if self.word in {"unwell", "not running"} else ExitCode.OK
