"""Reports that were kept, and the page made of one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.errors import ExitCode
from toolkit.spec.plan import DiffLine


@dataclass(frozen=True, slots=True)
class KeptReport:
    """One report in the project's state folder."""

    id: str
    """`20260504-123000417-backend-3f2a`: its file's name."""
    at: float
    """Seconds since the epoch."""
    job: str
    environment: str
    namespace: str
    verdict: str
    sentence: str
    release: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class KeptReports:
    """What is kept, newest first."""

    folder: str
    reports: tuple[KeptReport, ...]
    notes: tuple[str, ...] = ()
    """What could not be read, and why."""

    @property
    def code(self) -> ExitCode:
        """Looking succeeds, whatever is seen."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class PageReport:
    """One rollout as a page: the document that it shows, and where it comes from."""

    source: Literal["kept", "nomad"]
    """`nomad`: put together from what Nomad still knows, after the fact."""
    id: str | None
    """Of the kept report."""
    at: float
    """When it was kept, or when Nomad was asked; seconds since the epoch."""
    report: Mapping[str, Any]
    """A `toolkit.deploy` or `toolkit.work` document."""
    changes: tuple[DiffLine, ...] = ()
    """What the version changed, where no plan tells."""
    notes: tuple[str, ...] = ()
    """What is missing, and remarks."""
    file: str | None = None
    """Where the page was written."""
    opened: bool = field(default=False)
    """A browser was asked to show it."""

    @property
    def job(self) -> str:
        """The job's id."""
        return str(self.report.get("job") or "")

    @property
    def code(self) -> ExitCode:
        """The page was made; what it says of the rollout is on it."""
        return ExitCode.OK
