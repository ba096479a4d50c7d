"""What becomes of a cluster in AWS that is taken down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode

DownWord = Literal["gone", "kept", "absent", "left", "unknown"]
"""`kept`: gone but for what was to be kept; `absent`: there was nothing of it; `left`: something
stands in the way, or is there still; `unknown`: undecided when time was up."""
Part = Literal["names", "machines", "zone", "stack", "volumes", "secrets", "key", "inventory"]
"""What is taken down, in this order."""


@dataclass(frozen=True, slots=True)
class Remains:
    """Something of the cluster that is there still."""

    kind: str
    """`volume`, `stack resource`, or AWS's own word for it."""
    name: str
    """Its id, address or ARN."""
    why: str = ""
    """What keeps it, where that is known."""
    advice: str = ""
    """What to do about it."""


@dataclass(frozen=True, slots=True)
class Done:
    """One part that was taken down, or found to be gone."""

    part: Part
    text: str


@dataclass(frozen=True, slots=True)
class ClusterDownReport:
    """A cluster after `toolkit cluster down`."""

    cluster: str
    region: str
    account: str
    word: DownWord
    sentence: str
    done: tuple[Done, ...] = ()
    left: tuple[Remains, ...] = ()
    kept: tuple[Remains, ...] = ()
    """What `--keep-data` keeps, for the next `up`."""
    key_ends: str = ""
    """Date on which AWS deletes the key of the secrets, which cannot be done at once; ISO 8601."""
    seconds: float | None = None
    next: tuple[str, ...] = ()
    """Commands to type."""

    @property
    def code(self) -> ExitCode:
        """0 when nothing is there but what was to be kept, 3 when something is, 5 undecided."""
        match self.word:
            case "left":
                return ExitCode.FAILED
            case "unknown":
                return ExitCode.UNKNOWN
            case _:
                return ExitCode.OK
