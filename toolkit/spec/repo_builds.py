"""What `toolkit repo build` and `toolkit repo code` found and did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.repo import Build

BuildWord = Literal["builds", "set", "changed", "unchanged", "removed"]
"""`builds`: they were only looked at."""


@dataclass(frozen=True, slots=True)
class RepoBuildReport:
    """How the services of a repository are built when it is pushed to."""

    verdict: BuildWord
    sentence: str
    environment: str
    address: str
    repo: str
    builds: tuple[Build, ...]
    """By service; the one that is meant alone, where one is."""

    @property
    def code(self) -> ExitCode:
        """It is so, or an error was raised."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class RepoCodeReport:
    """What a push of a commit gives its jobs, for a deploy without one."""

    repo: str
    commit: str
    values: Mapping[str, Mapping[str, str]]
    """`code`, and `build.SERVICE` for each that was built."""

    @property
    def code(self) -> ExitCode:
        """It is known, or an error was raised."""
        return ExitCode.OK
