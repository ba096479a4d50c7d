"""What the commands of `toolkit repo` found and did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.deployment import Deployment
from toolkit.spec.repo import Repo


@dataclass(frozen=True, slots=True)
class RepoRow:
    """One repository as the hook server tells it."""

    repo: Repo
    url: str
    """What git is told; it holds no token."""
    rights: tuple[str, ...] = ()
    """The caller's."""
    last: Deployment | None = None
    """The newest deployment; None where there is none, or the server did not say."""


@dataclass(frozen=True, slots=True)
class RepoListReport:
    """`toolkit repo list`: the repositories that the token may read."""

    environment: str
    address: str
    """The hook server's."""
    repos: tuple[RepoRow, ...]
    """By name."""

    @property
    def code(self) -> ExitCode:
        """None is an answer, too."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class RepoShowReport:
    """`toolkit repo show`: one repository and its newest deployments."""

    environment: str
    address: str
    row: RepoRow
    deployments: tuple[Deployment, ...]
    """The newest first."""
    next: str | None = None

    @property
    def code(self) -> ExitCode:
        """It was there, or an error was raised."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class RepoUrlReport:
    """`toolkit repo url`: what git is told."""

    repo: str
    url: str

    @property
    def code(self) -> ExitCode:
        """It is known, or an error was raised."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class WorkTree:
    """What the configuration of a work tree now says of the server."""

    folder: str
    """Its top."""
    keys: tuple[str, ...]
    """Keys of git's that concern the server."""
    changed: bool
    """False: all of them were so already."""


RepoVerdict = Literal["created", "changed", "unchanged", "deleted"]


@dataclass(frozen=True, slots=True)
class RepoCreateReport:
    """`toolkit repo create`: a repository that is there now."""

    verdict: RepoVerdict
    sentence: str
    environment: str
    address: str
    row: RepoRow
    work_tree: WorkTree | None = None
    """None: the command was not in one."""
    notes: tuple[str, ...] = ()
    next: str | None = None
    """The next command to type."""

    @property
    def code(self) -> ExitCode:
        """It is there, or an error was raised."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class RepoDeleteReport:
    """`toolkit repo delete`: a repository that is gone."""

    verdict: RepoVerdict
    sentence: str
    environment: str
    address: str
    repo: str
    trash: str = ""
    """What the server calls it in its trash; empty where it does not say."""

    @property
    def code(self) -> ExitCode:
        """It is gone, or an error was raised."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class RepoRestoreReport:
    """`toolkit repo restore`: a repository that is there again."""

    sentence: str
    environment: str
    address: str
    row: RepoRow
    next: str | None = None
    """The next command to type."""

    @property
    def verdict(self) -> str:
        """It is there, or an error was raised."""
        return "restored"

    @property
    def code(self) -> ExitCode:
        """It is there, or an error was raised."""
        return ExitCode.OK


RepoAction = Literal["log", "redeploy", "rollback", "resume"]


@dataclass(frozen=True, slots=True)
class RepoDeploymentReport:
    """`toolkit repo log`, `redeploy`, `rollback` and `resume`: how a deployment stands."""

    action: RepoAction
    environment: str
    address: str
    deployment: Deployment
    followed: bool
    """False: nobody waited for its end."""
    told: bool = False
    """The last line of the log that was shown said how it ended."""
    next: str | None = None

    @property
    def code(self) -> ExitCode:
        """The verdict's; of one that was begun and left to the server, OK."""
        if self.action != "log" and not self.followed and not self.deployment.is_final:
            return ExitCode.OK
        return self.deployment.code
