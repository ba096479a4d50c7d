"""What commands of a cluster report."""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.errors import ExitCode


@dataclass(frozen=True, slots=True)
class ClusterInitReport:
    """A cluster file that was written."""

    name: str
    path: str
    """Inside the project."""
    region: str
    zones: tuple[str, ...]
    zones_remark: str
    """Empty when AWS said the zones; else why they are only the usual ones."""
    missing: tuple[str, ...]
    """Keys of the sums that are still empty."""
    missing_remark: str
    """Why; empty when none is missing."""
    next: tuple[str, ...]
    """The commands to type, in order."""

    @property
    def code(self) -> ExitCode:
        """It was written, or an error was raised."""
        return ExitCode.OK
