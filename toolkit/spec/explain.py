"""What `toolkit explain` says of one thing: how it is, since when, why, what now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.cause import Cause

Kind = Literal["job", "evaluation", "deployment", "allocation", "node"]

Condition = Literal[
    "well",     # everything that should run does, and what can be seen of the chain holds
    "rolling",  # a rollout is under way
    "running",  # work is under way that has an end
    "waiting",  # for capacity, a person, a schedule, a retry
    "unwell",   # something failed, or does not serve as it should
    "stopped",  # somebody stopped it, or the scheduler did as asked
    "done",     # its work is done
    "absent",   # the cluster does not have it (any more)
    "unknown",  # what it takes to tell could not be seen
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Subject:
    """What was asked about, found."""

    kind: Kind
    id: str
    """Whole: the job's id, or the UUID."""


@dataclass(frozen=True, slots=True)
class Fact:
    """One line worth knowing."""

    name: str
    """One short word: `version`, `rollout`, `consul`, `node`, …"""
    text: str


@dataclass(frozen=True, slots=True)
class Moment:
    """One event in a life."""

    at: float
    """Seconds since the epoch."""
    who: str
    """The task, `scheduler`, `node`, …"""
    text: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """The answer about one thing, before it is known who asked where."""

    subject: Subject
    job: str | None
    """The job that it belongs to; None for a node."""
    word: Condition
    sentence: str
    since: float | None = None
    """Seconds since the epoch from which on it is so, where that is known."""
    causes: tuple[Cause, ...] = ()
    facts: tuple[Fact, ...] = ()
    timeline: tuple[Moment, ...] = ()
    output: tuple[str, ...] = ()
    """The last lines of a task where no cause shows them."""
    unseen: tuple[str, ...] = ()
    """What could not be seen, and why."""
    next: str | None = None
    """The next command to type."""


@dataclass(frozen=True, slots=True)
class ExplainReport:
    """An explanation, and where it was looked for."""

    environment: str
    address: str
    namespace: str
    asked: str
    """As typed."""
    now: float
    """Seconds since the epoch at which it was looked."""
    answer: Explanation
    calls: int = 0
    """HTTP calls made to Nomad."""

    @property
    def code(self) -> ExitCode:
        """It could look: it explains, `toolkit verify` judges."""
        return ExitCode.OK
