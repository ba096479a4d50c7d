"""The scripts of a repository that run on a push: files, versions named by what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RUN = ("pre-receive", "update", "post-receive", "post-update")
"""Those that run on a server, in git's order; the first two can refuse a push."""

IDLE = (
    "applypatch-msg", "commit-msg", "post-applypatch", "post-checkout", "post-commit",
    "post-merge", "post-rewrite", "pre-applypatch", "pre-auto-gc", "pre-commit", "pre-push",
    "pre-rebase", "prepare-commit-msg",
)  # fmt: skip
"""Git's other hooks: they are kept, and nothing on a server ever runs them."""

HOOKS = frozenset((*RUN, *IDLE))


@dataclass(frozen=True, slots=True)
class HookFile:
    """One file of a version."""

    path: str
    """Relative, `/`-separated; a hook's own file is named after it and in no folder."""
    data: bytes
    executable: bool = False


@dataclass(frozen=True, slots=True)
class HookEntry:
    """What a listing says of one file."""

    path: str
    size: int
    executable: bool
    sha256: str


@dataclass(frozen=True, slots=True)
class HookVersion:
    """A version that was pushed: which, when and by whom."""

    digest: str
    """SHA-256 over paths, modes and contents; 64 hexadecimal digits."""
    at: float
    """Seconds since 1970."""
    by: str
    """As the verifier called them."""
    hooks: tuple[str, ...] = ()
    """Names of the hooks it has, in git's order, then the idle ones."""
    files: int = 0
    size: int = 0
    """Bytes of all files."""


@dataclass(frozen=True, slots=True)
class HookSet:
    """The hooks of one repository."""

    repo: str
    current: str = ""
    """Digest of the version that runs; empty: none does."""
    off: frozenset[str] = frozenset()
    """Hooks of the current version that were taken off."""
    versions: tuple[HookVersion, ...] = ()
    """Oldest first; a version that is pushed again is the newest again."""

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the hooks that run on a push now, in git's order."""
        found = self.by_digest.get(self.current)
        if found is None:
            return ()
        return tuple(name for name in found.hooks if name in RUN and name not in self.off)

    @property
    def by_digest(self) -> Mapping[str, HookVersion]:
        """The versions by their digests."""
        return {each.digest: each for each in self.versions}
