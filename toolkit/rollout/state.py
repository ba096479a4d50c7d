"""What one watch has seen so far, kept as the answers that the machine decides on."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from toolkit.errors import ApiError
from toolkit.rollout import merge, progress
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import Answers, Deeds, GateAnswer, Opinion, Registered, Watched
from toolkit.rollout.machine.capacity import is_short
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Verification
from toolkit.spec.observed import (
    AllocationView,
    ConsulInstance,
    DeploymentView,
    EvaluationView,
)

__all__ = ["State", "Watched"]


@dataclass
class State:
    """What one watch has seen and done so far; lives for one call of `watch`."""

    begun: float = 0.0
    allocations: tuple[AllocationView, ...] | None = None
    deployments: tuple[DeploymentView, ...] | None = None
    evaluations: tuple[EvaluationView, ...] | None = None
    evaluations_fresh: bool = False
    registered: Registered | None = None
    consul: dict[str, tuple[ConsulInstance, ...]] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    """Services that our token may not see all of."""
    last: DeploymentView | None = None
    """Our deployment as it was last seen."""
    lost: dict[str, ApiError] = field(default_factory=dict)
    were_lost: set[str] = field(default_factory=set)
    """Systems that did not answer for a while, whether they do now or not."""
    denied: dict[str, ApiError] = field(default_factory=dict)
    """Systems that will not answer our token any more, and so stay lost."""
    told: progress.Told = field(default_factory=progress.Told)
    ailing: dict[str, tuple[ConsulInstance, ...]] = field(default_factory=dict)
    """Last Consul instances seen of an allocation while a check of it did not pass."""
    causes: tuple[Cause, ...] = ()
    did: Deeds = field(default_factory=Deeds)
    gate: GateAnswer | None = None
    gate_said: str = ""
    gated: Verification | None = None
    """What the gate saw when it was last open."""
    wrong_since: float | None = None
    running: dict[str, tuple[int, float]] = field(default_factory=dict)
    """Allocation id -> restarts, and since when it was seen running with that number of them."""
    quiet_since: float = 0.0
    short_since: float | None = None
    healthy_at: float | None = None
    edge_since: float | None = None
    probe: Opinion | None = None
    analysis: Opinion | None = None
    edge_wait: float = 0.0

    def take(self, update: Update, now: float) -> None:
        """Keep one update, which arrived at `now` on the world's clock."""
        if update.kind == "evaluations" and update.value == self.evaluations:
            return
        match update.kind:
            case "allocations":
                self.list_allocations(update.value, now)
            case "deployments":
                self.deployments = update.value
            case "evaluations":
                self.evaluations = update.value
            case "consul":
                self.consul[update.source] = update.value
                (self.hidden.add if update.hidden else self.hidden.discard)(update.source)
                for instance in update.value:
                    if instance.allocation and not instance.passing:
                        self.ailing[instance.allocation] = (instance,)
            case "lost":
                if update.error is not None:
                    self.lost[update.source] = update.error
                    self.were_lost.add(update.source)
            case "denied":
                if update.error is not None:
                    self.denied[update.source] = update.error
            case "back":
                self._expect_again(now)
                self.lost.pop(update.source, None)
        if update.kind in {"allocations", "deployments", "evaluations"}:
            self.registered, self.evaluations_fresh = None, False
            self.quiet_since = now
        self.gate = None

    def list_allocations(self, found: tuple[AllocationView, ...], now: float) -> None:
        """Keep a new list, with the events that it no longer has, and since when what runs."""
        self.allocations = merge.merged({a.id: a for a in self.allocations or ()}, found)
        before, self.running = self.running, {}
        for view in self.allocations:
            if view.client_status == "running" and view.should_run:
                restarts = sum(task.restarts for task in view.tasks)
                known = before.get(view.id)
                same = known is not None and known[0] == restarts
                self.running[view.id] = known if known and same else (restarts, now)

    def list_evaluations(self, found: tuple[EvaluationView, ...]) -> None:
        """Keep the evaluations as read just now."""
        self.evaluations, self.evaluations_fresh = found, True

    def look(self, answer: GateAnswer, now: float) -> None:
        """Keep one look of the gate."""
        self.gate = answer
        waits = not answer.open and answer.reason.startswith("traefik")
        if self.edge_since is not None:
            self.edge_wait += now - self.edge_since
        self.edge_since = now if waits else None
        if not answer.wrong:
            self.wrong_since = None
        elif self.wrong_since is None:
            self.wrong_since = now
        if answer.open:
            self.gated = answer.verification

    def answers(self, watched: Watched, now: float) -> Answers:
        """The snapshot that is decided on at `now`."""
        self._expect_again(now)
        seen = Answers(
            now=now,
            begun=self.begun,
            allocations=self.allocations,
            deployments=self.deployments,
            evaluations=self.evaluations,
            evaluations_fresh=self.evaluations_fresh,
            registered=self.registered,
            last=self.last,
            lost={system: error.message for system, error in self.lost.items()},
            denied={system: error.message for system, error in self.denied.items()},
            gate=self.gate,
            gate_said=self.gate_said,
            wrong_since=self.wrong_since,
            steady={id_: since for id_, (_, since) in self.running.items()},
            quiet_since=self.quiet_since,
            causes=self.causes,
            did=self.did,
            probe=self.probe,
            analysis=self.analysis,
        )
        self.last = seen.ours(watched) or self.last
        if not is_short(watched, seen):
            self.short_since = None
        elif self.short_since is None:
            self.short_since = now
        return replace(seen, last=self.last, short_since=self.short_since)

    def _expect_again(self, now: float) -> None:
        """The revert is not expected while Nomad cannot tell of it, but from its answer on."""
        if "Nomad" in self.lost and self.did.following is not None:
            self.did = replace(self.did, following=now)

    def evidence(self) -> list[ConsulInstance]:
        """Consul instances to take check output from: those there, else those last seen ailing."""
        here = [item for found in self.consul.values() for item in found if not item.passing]
        seen = {item.allocation for item in here}
        return here + [i for a, found in self.ailing.items() if a not in seen for i in found]
