"""What `toolkit cluster plan` and `toolkit cluster up` report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.equip import EquipReport
from toolkit.spec.preflight import Finding, Preflight
from toolkit.spec.units import Bill

ChangeWord = Literal["make", "change", "replace", "maybe replace", "remove", "take in", "unclear"]
PlanWord = Literal["changes", "nothing", "refused"]
UpWord = Literal["up", "unchanged", "failed", "reverted", "unknown", "refused", "kept"]
"""`kept`: somebody said no, so that all stays as it was."""

UP_CODES: dict[UpWord, ExitCode] = {
    "up": ExitCode.OK,
    "unchanged": ExitCode.OK,
    "failed": ExitCode.FAILED,
    "reverted": ExitCode.REVERTED,
    "unknown": ExitCode.UNKNOWN,
    "refused": ExitCode.REFUSED,
    "kept": ExitCode.REFUSED,
}


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """What a change set does to one resource."""

    word: ChangeWord
    logical: str
    """Its name in the template, such as `Server1`."""
    kind: str
    """`AutoScaling::AutoScalingGroup`, without the `AWS::`."""
    physical: str = ""
    """What it is called in AWS now; empty while it is not there."""
    reasons: tuple[str, ...] = ()
    """Which properties change, and which of them ask for another one in its place."""
    warning: str = ""
    """What that does to the cluster; empty: nothing that anybody notices."""


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One resource that failed, in CloudFormation's own words."""

    logical: str
    kind: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class EarlierRow:
    """A machine that was started with an earlier configuration."""

    instance: str
    name: str
    """Its slot, or its pool."""


@dataclass(frozen=True, slots=True)
class ClusterPlanReport:
    """What `up` would do now."""

    name: str
    region: str
    account: str
    stack: str | None
    """The stack's status; None: there is no stack."""
    word: PlanWord
    sentence: str
    changes: tuple[ChangeRow, ...]
    preflight: Preflight
    bill: Bill
    earlier: tuple[EarlierRow, ...] = ()
    """Machines that `up` would leave with another configuration than the file says."""
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    """Commands to type."""

    @property
    def code(self) -> ExitCode:
        """0 nothing to do, 10 changes, 1 refused."""
        match self.word:
            case "nothing":
                return ExitCode.OK
            case "changes":
                return ExitCode.CHANGES
            case "refused":
                return ExitCode.REFUSED


@dataclass(frozen=True, slots=True)
class ClusterUpReport:
    """What became of a cluster."""

    name: str
    region: str
    account: str
    stack: str | None
    """The stack's status as it was seen last; None: there is no stack."""
    word: UpWord
    sentence: str
    changes: tuple[ChangeRow, ...] = ()
    """What the stack's change was to do; empty where there was none of ours."""
    findings: tuple[Finding, ...] = ()
    """Of the preflight."""
    failures: tuple[FailureRow, ...] = ()
    """Resources that failed, the first one first: it is the cause."""
    waits_for: tuple[str, ...] = ()
    """Resources that CloudFormation is still at."""
    made: tuple[str, ...] = ()
    """Names of the secrets that were made, or made anew."""
    earlier: tuple[EarlierRow, ...] = ()
    equipment: EquipReport | None = None
    """None: it did not come to that."""
    notes: tuple[str, ...] = ()
    next: tuple[str, ...] = ()
    """Commands to type."""
    seconds: float = 0.0

    @property
    def code(self) -> ExitCode:
        """That of the word; of equipment that does not run as it should, its own."""
        if self.word == "failed" and self.equipment is not None and self.equipment.code:
            return self.equipment.code
        return UP_CODES[self.word]
