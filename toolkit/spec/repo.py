"""A repository of the hook server: its name, the branch that is deployed, and how it is built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Order = Literal["newest", "queue"]
"""`newest`: a push that waits gives way to a later one. `queue`: every push has its turn."""

Right = Literal["read", "push", "admin"]
"""`read`: clone, archives, logs. `push`: and deploy. `admin`: and create, settings, hooks, builds,
delete."""


@dataclass(frozen=True, slots=True)
class Build:
    """How one service is built from a commit; the server's configuration, never a push's."""

    service: str
    command: tuple[str, ...] = ()
    """Words of the command, run in a copy of the commit; empty with `dockerfile`."""
    artifact: str = ""
    """Path of what the command makes, a file or a folder, inside that copy."""
    dockerfile: str = ""
    """Path of the Dockerfile in the commit; empty with `command`."""


@dataclass(frozen=True, slots=True)
class Repo:
    """What the registry knows of a repository."""

    name: str
    branch: str = "main"
    """The one branch that is deployed when it moves."""
    order: Order = "newest"
    created: float = 0.0
    """Seconds since 1970."""
    creator: str = ""
    """Who made it, as the verifier called them."""
    builds: Mapping[str, Build] = field(default_factory=dict)
    """By service."""


@dataclass(frozen=True, slots=True)
class RefChange:
    """One line of a push: a ref and what it moves from and to; 40 or 64 hexadecimal digits."""

    old: str
    new: str
    name: str

    @property
    def creates(self) -> bool:
        """True when there was no such ref."""
        return not self.old.strip("0")

    @property
    def deletes(self) -> bool:
        """True when the ref goes away."""
        return not self.new.strip("0")
