"""What `toolkit cluster plan` and `toolkit cluster up` report."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode

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
