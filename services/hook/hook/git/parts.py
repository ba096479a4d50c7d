"""What the git routes work with; handed in by whoever makes the application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from starlette.requests import Request

from toolkit.spec.hook import PushLimits, RepoPolicy
from toolkit.spec.identity import Caller
from toolkit.spec.repo import Repo


class Asker(Protocol):
    """Who asks, and with which token."""

    @property
    def caller(self) -> Caller:
        """As the verifier found them."""


class Repositories(Protocol):
    """The registry; blocking."""

    def get(self, name: str) -> Repo:
        """AbsentError when there is none of this name."""

    def path(self, repo: Repo) -> Path:
        """The bare repository."""


class Passed(Protocol):
    """A push that may come in: what its git has to be told."""

    @property
    def environ(self) -> Mapping[str, str]:
        """For git, and so for the hooks that it starts."""

    @property
    def hooks_path(self) -> Path | str:
        """The folder of our hooks."""


class Says(Protocol):
    """The server's log."""

    def say(self, event: str, **members: Any) -> None:
        """One line."""


@dataclass(frozen=True, slots=True)
class GitParts:
    """The server as the git routes see it."""

    repos: Repositories
    policy: RepoPolicy
    limits: PushLimits
    who: Callable[[Request], Awaitable[Any]]
    """The `Who` of a request (see `Asker`); IdentityError or ProblemError when nobody is."""
    admit: Callable[[Repo, Any, str], AbstractContextManager[Passed]]
    """The gate's: `admit(repo, who, source)`; open as long as git runs."""
    archives: Path
    """A folder of the server's own, for archives that were made."""
    log: Says
    is_draining: Callable[[], bool] = lambda: False
    """True when the server takes no more pushes."""
