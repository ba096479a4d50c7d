"""What the machine answers: one thing to do next, or the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.spec.cause import Cause
from toolkit.spec.observed import AllocationView, DeploymentView
from toolkit.spec.outcome import End as Word


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before `until` (world's clock) unless something changes."""

    until: float
    what: str
    """What is waited for, half a sentence."""
    short: tuple[Cause, ...] = ()
    """What has no room meanwhile."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Read something that no feed tells: the registered job, or the evaluations from now on."""

    what: Literal["job", "evaluations"]


@dataclass(frozen=True, slots=True)
class Look:
    """Look along the chain of the canaries."""

    deployment: DeploymentView
    revert: bool = False
    """It is the deployment of Nomad's revert."""


@dataclass(frozen=True, slots=True)
class Analyse:
    """The gate is open: let its canaries be compared, before they are promoted."""

    deployment: DeploymentView


@dataclass(frozen=True, slots=True)
class Promote:
    """The gate is open: promote the canaries."""

    deployment: DeploymentView
    revert: bool = False


@dataclass(frozen=True, slots=True)
class Fail:
    """Fail the deployment: it cannot end well."""

    deployment: DeploymentView
    why: Literal["hopeless", "unplaced", "release", "probe", "analysis"]
    suspects: tuple[AllocationView, ...] = ()
    causes: tuple[Cause, ...] = ()
    """Known already, where no allocation has to be asked."""


@dataclass(frozen=True, slots=True)
class Explain:
    """It failed: find out why while the evidence is there."""

    suspects: tuple[AllocationView, ...] = ()
    causes: tuple[Cause, ...] = ()
    deployment: DeploymentView | None = None
    """The one that failed."""


@dataclass(frozen=True, slots=True)
class Follow:
    """Nomad goes back to an older version: follow that."""

    target: int


@dataclass(frozen=True, slots=True)
class End:
    """It is over."""

    end: Word
    detail: str
    version: int
    """The job version that counts now: ours, or the revert's."""
    deployment: DeploymentView | None = None
    suspects: tuple[AllocationView, ...] = ()
    """Whom to ask why, where no cause is known yet."""
    causes: tuple[Cause, ...] = ()


Decision = Wait | Ask | Look | Analyse | Promote | Fail | Explain | Follow | End
