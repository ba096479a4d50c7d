"""How a watched rollout ended in Nomad's own terms, before the chain is verified."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.observed import AllocationView, DeploymentView
from toolkit.spec.timeline import Sighting

End = Literal[
    "successful",   # Nomad's deployment is, or every wanted instance runs healthy
    "completed",    # a batch job's work is done
    "failed",       # and Nomad did not restore the old version
    "reverted",     # and Nomad's revert ended successfully
    "held",         # waiting for a person: promotion, pause
    "ready",        # its canaries are good, and a step with more of them may follow
    "stopped",      # somebody stopped or purged the job
    "superseded",   # somebody's newer version replaced ours
    "unplaced",     # no capacity in time
    "undecided",    # our deadline came first
    "lost",         # the API went away and stayed away
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Outcome:
    """The end of the watch."""

    end: End
    detail: str
    """Why, in Nomad's words or ours, one sentence."""
    version: int
    """The job version that counts now: ours, or the revert's."""
    deployment: DeploymentView | None = None
    allocations: tuple[AllocationView, ...] = ()
    causes: tuple[Cause, ...] = ()
    gated: Verification | None = None
    """What the gate saw when it promoted; None when nothing was gated."""
    healthy_at: float | None = None
    """Clock when Nomad said that every new instance is healthy."""
    promoted_at: float | None = None
    ended_at: float = 0.0
    """Clock when the outcome was known."""
    edge_wait: float = 0.0
    """Seconds of the gate spent waiting for Traefik."""
    sightings: tuple[Sighting, ...] = ()
    """What Nomad, Consul and Traefik said of each instance on the way."""
    skew: float = 0.0
    """Seconds that our clock is ahead of Nomad's."""
    lost: frozenset[str] = frozenset()
    """Systems that did not answer for a while, and answered again."""
