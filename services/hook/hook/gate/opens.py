"""What the gate reads of repositories: through the registry, with git's quarantine."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

from toolkit.repos import commits
from toolkit.repos.git import Quarantine
from toolkit.repos.registry import Registry
from toolkit.repos.tree import GitTree
from toolkit.spec.hook import PushLimits
from toolkit.spec.repo import Repo


class RepoData:
    """See `hook.gate.push.Opens`."""

    def __init__(self, registry: Registry, limits: PushLimits):
        self._registry = registry
        self._limits = limits

    def is_ancestor(self, repo: Repo, old: str, new: str, quarantine: Quarantine | None) -> bool:
        """True when everything that led to `old` also led to `new`."""
        return commits.is_ancestor(self.path(repo), old, new, quarantine=quarantine)

    def tree(
        self, repo: Repo, commit: str, quarantine: Quarantine | None
    ) -> AbstractContextManager[GitTree]:
        """The files of a commit."""
        return GitTree(self.path(repo), commit, quarantine=quarantine, limits=self._limits)

    def head(self, repo: Repo) -> str | None:
        """The commit that the deployed branch is at."""
        return commits.head(self.path(repo), repo.branch)

    def path(self, repo: Repo) -> Path:
        """The bare repository."""
        return self._registry.path(repo)
