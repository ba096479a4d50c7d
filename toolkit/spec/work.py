"""Work that ends: what a batch job's instances came to, and the report of a run or a dispatch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.cause import Cause
from toolkit.spec.events import Event
from toolkit.spec.report import VERDICT_CODES

WorkVerdict = Literal[
    "completed", "failed", "unplaced", "unknown", "held", "superseded", "submitted"
]

TaskState = Literal["pending", "running", "complete", "failed", "lost", "unknown", "stopped"]

Stream = Literal["stdout", "stderr"]


@dataclass(frozen=True, slots=True)
class Written:
    """A piece of what a task wrote, as it came: bytes, not lines."""

    allocation: str
    """Full id."""
    task: str
    stream: Stream
    data: bytes
    """Empty: the task writes nothing more to this stream."""
    alone: bool = True
    """Nothing else writes at the same time: no line needs to say whose it is."""

    @property
    def prefix(self) -> str:
        """`5b2c90aa app`, to say before a line."""
        return f"{self.allocation[:8]} {self.task}"


OnOutput = Callable[[Written], None]
"""Called for each piece, from the thread that called the workflow."""


def discard(_piece: Written) -> None:
    """An `OnOutput` for callers that want only the report."""


@dataclass(frozen=True, slots=True)
class WorkInstance:
    """One task of one instance, and how it ended."""

    allocation: str
    """Full id."""
    group: str
    task: str
    node: str
    state: TaskState
    """`stopped`: killed because somebody asked for it."""
    exit_code: int | None = None
    """Of the last time that it ran; None: it never ran to an end that Nomad remembers."""
    signal: int | None = None
    """The signal that ended it."""
    restarts: int = 0
    oom: bool = False
    """It was killed for using more memory than it may."""
    started: float | None = None
    """Seconds since the epoch."""
    finished: float | None = None
    replaced: bool = False
    """Another allocation took its place (rescheduling)."""


@dataclass(frozen=True, slots=True)
class WorkTimings:
    """Where the seconds went; each None when the stage was not reached."""

    total: float
    plan: float | None = None
    submit: float | None = None
    work: float | None = None
    """From the registration, launch or dispatch to the verdict, the last output included."""


@dataclass(frozen=True, slots=True)
class WorkReport:
    """One run, launch or dispatch, followed to its end."""

    verdict: WorkVerdict
    sentence: str
    """The end said in one sentence."""
    job: str
    environment: str
    address: str
    namespace: str
    release: str | None
    child: str | None = None
    """The job that a periodic or parameterized job made for this."""
    version: int | None = None
    evaluation: str | None = None
    instances: tuple[WorkInstance, ...] = ()
    causes: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()
    """What could not be shown, and why."""
    next: str | None = None
    """The next command to type."""
    events: tuple[Event, ...] = ()
    timings: WorkTimings = WorkTimings(0.0)
    calls: int = 0
    """HTTP calls made to Nomad."""

    @property
    def code(self) -> ExitCode:
        """The exit code that the verdict stands for."""
        return VERDICT_CODES[self.verdict]

    @property
    def exit_code(self) -> int | None:
        """The exit code of the task that failed first, 0 of completed work, else None."""
        if self.verdict == "completed":
            return 0
        ended = [i for i in self.instances if i.state == "failed" and i.exit_code is not None]
        ended = [i for i in ended if not i.replaced and (i.exit_code or i.signal)] or ended
        if self.verdict != "failed" or not ended:
            return None
        return min(ended, key=lambda i: i.finished or 0.0).exit_code
