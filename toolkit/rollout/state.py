"""What a watch follows and what it has seen so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from toolkit.errors import ApiError
from toolkit.rollout import progress
from toolkit.rollout.feed import Update
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.observed import AllocationView, ConsulInstance, DeploymentView


@dataclass(frozen=True, slots=True)
class Watched:
    """What to follow, and how."""

    job: Mapping[str, Any]
    """As registered."""
    version: int
    modify_index: int
    evaluation: str | None
    served: ServedRelease | None
    deadline: float
    """On the world's clock."""
    promote: bool = True
    """False: healthy canaries are left to a person."""
    fail_fast: bool = True
    wait_capacity: float | None = None
    """Seconds; None: the plan said that it fits."""
    edge_seen: bool = False
    """Every Traefik could be read at the start: nothing is promoted when that is lost."""
    secrets: Collection[str] = ()
    """Values to take out of evidence."""


@dataclass
class State:
    """What one watch has seen so far; lives for one call of `watch`."""

    allocations: tuple[AllocationView, ...] = ()
    deployments: tuple[DeploymentView, ...] = ()
    consul: dict[str, tuple[ConsulInstance, ...]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Services that our token may not see all of."""
    last: DeploymentView | None = None
    """Our deployment as it was last seen."""
    complete: set[str] = field(default_factory=set)
    lost: dict[str, ApiError] = field(default_factory=dict)
    denied: dict[str, ApiError] = field(default_factory=dict)
    """Systems that will not answer our token any more, and so stay lost."""
    told: progress.Told = field(default_factory=progress.Told)
    ailing: dict[str, tuple[ConsulInstance, ...]] = field(default_factory=dict)
    """Last Consul instances seen of an allocation while a check of it did not pass."""
    causes: tuple[Cause, ...] = ()
    healthy_at: float | None = None
    promoted_at: float | None = None
    gated: Verification | None = None
    edge_since: float | None = None
    edge_wait: float = 0.0
    gate_said: str = ""
    gate_again: float = 0.0
    fail_again: float = 0.0
    """Clock before which Nomad is not asked again to fail the deployment."""
    failed_early: bool = False
    capacity_until: float | None = None
    asked_evaluation: bool = False

    def take(self, update: Update) -> None:
        """Keep one update."""
        match update.kind:
            case "allocations":
                self.allocations = update.value
                self.complete.add("allocations")
            case "deployments":
                self.deployments = update.value
                self.complete.add("deployments")
            case "consul":
                self.consul[update.source] = update.value
                (self.hidden.add if update.hidden else self.hidden.discard)(update.source)
                for instance in update.value:
                    if instance.allocation and not instance.passing:
                        self.ailing[instance.allocation] = (instance,)
            case "lost":
                if update.error is not None:
                    self.lost[update.source] = update.error
            case "denied":
                if update.error is not None:
                    self.denied[update.source] = update.error
            case "back":
                self.lost.pop(update.source, None)

    def wait_for_edge(self, now: float, *, waits: bool) -> None:
        """Count the time in which only Traefik was waited for."""
        if self.edge_since is not None:
            self.edge_wait += now - self.edge_since
        self.edge_since = now if waits else None

    def evidence(self) -> list[ConsulInstance]:
        """Consul instances to take check output from: those there, else those last seen ailing."""
        here = [item for found in self.consul.values() for item in found if not item.passing]
        seen = {item.allocation for item in here}
        return here + [i for a, found in self.ailing.items() if a not in seen for i in found]
