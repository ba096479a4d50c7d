"""What the stages may touch: clients and clocks, handed in from outside."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.clients.patience import Patience, glance
from toolkit.clients.traefik import Traefik
from toolkit.rollout.halt import Halt
from toolkit.spec.events import Event, OnEvent, Stage
from toolkit.spec.target import Endpoint, Target


def _no_lock() -> None:
    """There is no lock to be sure of."""


@dataclass(frozen=True)
class World:
    """Clients of one environment, and the clocks that every wait uses."""

    target: Target
    nomad: Nomad
    consul: Consul
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    edge_patience: Patience | None = None
    """How long all Traefiks together may keep silent; None for what a client gives each."""
    covered: Callable[[], object] = _no_lock
    """Asked right before each registration; LockedError when the job's lock is not ours."""
    crowd: int = 1
    """Rollouts that are followed at the same time."""
    halt: Halt | None = None
    """Ends what waits on another thread than the main one, as Ctrl-C does there."""

    def glancing(self) -> World:
        """The same, for one look: what keeps silent is said to, and not waited for twice."""
        return replace(self, consul=self.consul.waiting(glance()), edge_patience=glance())

    def traefik(self, address: str) -> Traefik:
        """A client for the Traefik API at `address` (`http://host:port`)."""
        known = self.target.traefik
        base = known or Endpoint(system="Traefik", address=address, origin="Consul")
        return Traefik(replace(base, address=address), patience=self.edge_patience)

    def say(self, on_event: OnEvent, stage: Stage, text: str) -> None:
        """Tell one transition."""
        on_event(Event(stage, text, self.now()))
