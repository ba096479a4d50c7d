"""What the git routes work with; handed in by whoever makes the application."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from toolkit.serving.desk import Visit
from toolkit.serving.log import Log
from toolkit.spec.hook import PushLimits, RepoPolicy
from toolkit.spec.repo import Repo


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


@dataclass(frozen=True, slots=True)
class GitParts:
    """The server as the git routes see it."""

    repos: Repositories
    policy: RepoPolicy
    limits: PushLimits
    admit: Callable[[Repo, Visit, Callable[[], None]], AbstractContextManager[Passed]]
    """The gate; open as long as git runs. On the loop's thread: it must not block.

    Calls the last when the push's refs have moved, on any thread: from then on it only watches.
    """
    archives: Path
    """A folder of the server's own, for archives that were made."""
    log: Log
    is_draining: Callable[[], bool] = lambda: False
    """True when the server takes no more pushes."""
    ending: float = 60.0
    """Seconds that a push has beyond all that its parts may take."""
