"""A stack: jobs that are deployed together, what each waits for, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.cause import Cause
from toolkit.spec.depends import Need
from toolkit.spec.events import Event
from toolkit.spec.listing import OperateReport
from toolkit.spec.plan import Plan
from toolkit.spec.report import VERDICT_CODES, DeployReport, Verdict
from toolkit.spec.work import WorkReport


@dataclass(frozen=True, slots=True)
class StackJob:
    """One job of a stack and what it waits for."""

    name: str
    """In the project."""
    needs: tuple[Need, ...] = ()
    """With the gates that fit; those that nobody wrote down included."""


StackVerdict = Verdict | Literal["changes"]
"""The words of a stack are those of its jobs; `changes`: of a plan."""

StackAction = Literal["deploy", "rollback", "verify", "plan"]


@dataclass(frozen=True, slots=True)
class StackError:
    """An error that ended the turn of one job."""

    message: str
    hint: str | None
    code: ExitCode


@dataclass(frozen=True, slots=True)
class Serves:
    """What is there of a job once a stack is over that did not go well."""

    release: str | None
    version: int | None
    """Nomad's job version; None: the job is not registered."""
    word: str
    """`verified`, `stopped`, `absent`, `done`, or the verdict of a look: `unverified`, …"""
    sentence: str


@dataclass(frozen=True, slots=True)
class StackRow:
    """One job of a stack, and what became of it."""

    job: str
    """Its name in the project."""
    needs: tuple[Need, ...] = ()
    verdict: Verdict | None = None
    """None: its turn never came."""
    sentence: str = ""
    """How its turn ended; why it never came, where it did not."""
    report: DeployReport | WorkReport | None = None
    error: StackError | None = None
    plan: Plan | None = None
    """What would happen, where only that was asked."""
    before: int | None = None
    """Job version that was live before the start; None: it was not registered."""
    back: Verdict | None = None
    """What became of taking it back; None: that was not tried."""
    back_sentence: str = ""
    back_report: DeployReport | OperateReport | None = None
    serves: Serves | None = None
    """What is there now, where the stack did not go well."""

    @property
    def own_code(self) -> ExitCode:
        """The exit code of its own turn; OK while that never came."""
        if self.error is not None:
            return self.error.code
        return ExitCode.OK if self.verdict is None else VERDICT_CODES[self.verdict]

    @property
    def code(self) -> ExitCode:
        """What it came to at last: of a job that was taken back, what became of that."""
        return self.own_code if self.back is None else VERDICT_CODES[self.back]

    @property
    def left(self) -> bool:
        """True where it stays as it is because of another job, or of somebody else."""
        return self.back is not None and self.back != "reverted" and self.back_report is None

    @property
    def causes(self) -> tuple[Cause, ...]:
        """Why its turn failed."""
        return () if self.report is None else self.report.causes

    @property
    def back_causes(self) -> tuple[Cause, ...]:
        """Why it could not be taken back."""
        failed = self.back not in {None, "reverted"}
        report = self.back_report if failed else None
        return report.causes if isinstance(report, DeployReport) else ()


@dataclass(frozen=True, slots=True)
class StackReport:
    """What became of a stack, job by job."""

    action: StackAction
    verdict: StackVerdict
    sentence: str
    environment: str
    address: str
    namespace: str
    rows: tuple[StackRow, ...]
    """In the order of the stack: a job after those that it waits for."""
    parallel: int
    atomic: bool = False
    notes: tuple[str, ...] = ()
    next: str | None = None
    """The next command to type."""
    events: tuple[Event, ...] = ()
    seconds: float = 0.0
    calls: int = 0
    """HTTP calls made to Nomad."""

    @property
    def code(self) -> ExitCode:
        """The exit code that the verdict stands for."""
        return ExitCode.CHANGES if self.verdict == "changes" else VERDICT_CODES[self.verdict]
