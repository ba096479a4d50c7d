"""The sets of hooks of all repositories: files, versions, which one runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from toolkit.errors import AbsentError
from toolkit.spec.bundle import HookFile, HookSet
from toolkit.spec.repo import Repo


class Bundles:
    """The folder `hooks/` of the server's data; one for the process, used by several threads."""

    def __init__(self, root: Path, trash: Path, *, now: Callable[[], float] = time.time):
        """`root`: has a folder for each repository with hooks. `trash`: where destroyed ones go."""
        self._root = root
        self._trash = trash
        self._now = now

    def find(self, repo: Repo) -> HookSet | None:
        """The set of a repository; None when it has none."""
        return None

    def get(self, repo: Repo) -> HookSet:
        """The same; AbsentError when there is none."""
        found = self.find(repo)
        if found is None:
            raise AbsentError(
                f"{repo.name} has no hooks", hint=f"`toolkit hook push {repo.name} FOLDER`"
            )
        return found

    def current(self, repo: Repo) -> str:
        """Digest of the version that runs on a push now; empty when none does."""
        found = self.find(repo)
        return found.current if found else ""

    def create(self, repo: Repo) -> tuple[HookSet, bool]:
        """An empty set where there is none; True when it was made."""
        raise NotImplementedError

    def push(self, repo: Repo, files: Sequence[HookFile], by: str) -> tuple[HookSet, bool]:
        """Store the files as a version and let it run from now on; False: it did already."""
        raise NotImplementedError

    def files(self, repo: Repo, digest: str) -> tuple[HookFile, ...]:
        """What a version holds, sorted by path; RefusedError when it is not as it was stored."""
        raise NotImplementedError

    def rollback(self, repo: Repo, to: str | None = None) -> tuple[HookSet, bool]:
        """Let the version before run, or one by its digest's beginning; False: it did already."""
        raise NotImplementedError

    def remove(self, repo: Repo, hook: str | None = None) -> tuple[HookSet, bool]:
        """Let none run, or not this hook of the current version; all versions stay."""
        raise NotImplementedError

    def destroy(self, repo: Repo) -> str:
        """Move all versions to the trash; its folder's name there. AbsentError when none is."""
        raise NotImplementedError
