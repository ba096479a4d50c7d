"""What the machine is given: what is followed, and a frozen snapshot of the last answers seen."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.spec.cause import Cause
from toolkit.spec.chain import InstanceChain, Verification
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.observed import AllocationView, DeploymentView, EvaluationView
from toolkit.spec.plan import LiveJob

Registered = LiveJob | Literal["gone"]
"""The job as it is registered, or that it is not."""


@dataclass(frozen=True, slots=True)
class Watched:
    """What to follow, and how."""

    job: Mapping[str, Any]
    """As registered."""
    version: int
    modify_index: int
    """JobModifyIndex of our registration."""
    evaluation: str | None
    """Made by our registration; None: somebody else's registration is followed."""
    served: ServedRelease | None
    deadline: float
    """On the world's clock."""
    promote: bool = True
    """False: healthy canaries are left to a person."""
    analyse: bool = False
    """Nothing is promoted before somebody beside Nomad compared its canaries."""
    more_steps: bool = False
    """Good canaries are followed by a registration with more of them, not by a promotion."""
    fail_fast: bool = True
    wait_capacity: float | None = None
    """Seconds; None: the plan said that it fits."""
    edge_seen: bool = False
    """Every Traefik could be read at the start: nothing is promoted when that is lost."""
    secrets: Collection[str] = ()
    """Values to take out of evidence."""


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """One look of the gate."""

    open: bool
    verification: Verification
    reason: str
    """Why it is closed, or what was seen."""
    blind: bool = False
    """Closed because something that must be seen could not be."""
    wrong: tuple[InstanceChain, ...] = ()
    """Instances that are healthy everywhere and answered another release than the asked one."""


@dataclass(frozen=True, slots=True)
class Opinion:
    """What somebody beside Nomad has found so far, who asks the release itself."""

    word: Literal["undecided", "good", "bad"]
    reason: str = ""
    """What was found, half a sentence: `3 of 412 requests failed, 0 may`."""
    causes: tuple[Cause, ...] = ()
    """Why it is bad."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The chain as it was last looked at, and of which job version that was."""

    version: int
    verification: Verification


@dataclass(frozen=True, slots=True)
class Deeds:
    """What we did about it so far; all times on the world's clock."""

    promoted_at: float | None = None
    promotion_denied: str = ""
    """Why our token may not promote."""
    failed: bool = False
    """We failed the deployment."""
    fail_refused: bool = False
    """Nomad would not let us, and will not."""
    fail_denied: str = ""
    """Why our token may not."""
    analysing: bool = False
    """The canaries are compared."""
    gave_up: bool = False
    """We failed it because there was no room in time."""
    explained: bool = False
    """The causes of the failure were looked for."""
    following: float | None = None
    """Since when the revert is waited for; None: not yet."""
    read_again: float = 0.0
    """When to read the evaluations again, after it failed."""
    fail_again: float = 0.0
    gate_again: float = 0.0
    ask_again: float = 0.0
    asking_since: float | None = None
    """Since when Nomad could not be asked what we had to know; None: it answered."""
    asked_error: str = ""


@dataclass(frozen=True, slots=True)
class Answers:
    """The last answers seen, each None until there was one."""

    now: float
    begun: float = 0.0
    """When the watch began."""
    allocations: tuple[AllocationView, ...] | None = None
    deployments: tuple[DeploymentView, ...] | None = None
    evaluations: tuple[EvaluationView, ...] | None = None
    evaluations_fresh: bool = False
    """They were read after the last news of Nomad: what it shows was decided by one of them."""
    registered: Registered | None = None
    """Read after the last news of Nomad; None: not read since."""
    last: DeploymentView | None = None
    """Our deployment as it was last seen, for when it is there no more."""
    lost: Mapping[str, str] = field(default_factory=dict)
    """Systems that do not answer now, and what they said instead."""
    denied: Mapping[str, str] = field(default_factory=dict)
    """Systems that will not answer our token any more."""
    gate: GateAnswer | None = None
    """Of a look since the last news."""
    gate_said: str = ""
    """Why the gate was last closed."""
    wrong_since: float | None = None
    """Since when every look of the gate met another release than the asked one."""
    steady: Mapping[str, float] = field(default_factory=dict)
    """Allocation id -> since when it was seen running without a restart."""
    quiet_since: float = 0.0
    """When Nomad last told something new."""
    short_since: float | None = None
    """Since when instances are known to have no room."""
    causes: tuple[Cause, ...] = ()
    """Found so far."""
    did: Deeds = Deeds()
    proof: Proof | None = None
    probe: Opinion | None = None
    """Of the requests through the edge; None: nobody asks."""
    analysis: Opinion | None = None
    """Of the canaries beside the stable instances; None: nobody compares them."""

    def ours(self, watched: Watched) -> DeploymentView | None:
        """The deployment of our registration; never "the newest"."""
        for deployment in self.deployments or ():
            if deployment.job_modify_index == watched.modify_index:
                return deployment
        return None
