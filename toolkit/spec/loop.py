"""What `toolkit dev watch` says: a turn for each change, and all that is written meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from toolkit.spec.events import Event
from toolkit.spec.listing import LogLine
from toolkit.spec.report import Verdict

TurnWord = Literal[Verdict, "restarted", "mistake", "build failed"]
"""`mistake`: the job file or its template is wrong. The others are a deploy's and a restart's."""

CHANGED: frozenset[str] = frozenset({"deployed", "completed", "submitted", "restarted"})


@dataclass(frozen=True, slots=True)
class Turn:
    """What became of one job after one change."""

    word: TurnWord
    job: str
    """The job; empty where toolkit.toml itself is wrong."""
    sentence: str
    seconds: float
    """From the change being noticed to the end of the turn."""
    files: int = 0
    """Watched files that hold something else than before."""
    release: str | None = None
    """The release that was deployed, or would have been."""
    hint: str | None = None
    causes: tuple[str, ...] = ()
    """Why it failed, the first cause first, each in a sentence or more lines."""

    @property
    def failed(self) -> bool:
        """True when the newest state of the files does not run."""
        return self.word not in CHANGED and self.word != "unchanged"


@dataclass(frozen=True, slots=True)
class Built:
    """One line that a build wrote."""

    job: str
    text: str


@dataclass(frozen=True, slots=True)
class Told:
    """One transition of a job's rollout."""

    job: str
    event: Event


@dataclass(frozen=True, slots=True)
class Logged:
    """One line that a job wrote."""

    job: str
    line: LogLine


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about the loop itself."""

    text: str


Item = Turn | Built | Told | Logged | Remark
OnItem = Callable[[Item], None]
"""Called for one thing at a time, from any thread."""
