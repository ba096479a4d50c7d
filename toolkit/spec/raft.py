"""What servers say of who decides together: of themselves, of each other, of how well all is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

System = Literal["Consul", "Nomad"]


@dataclass(frozen=True, slots=True)
class ServerView:
    """One system's agent on one server slot, asked by itself; not by way of another."""

    slot: str
    """`server-1`."""
    id: str = ""
    """Raft ID that the agent says it has now; empty: it did not answer."""
    leader: str = ""
    """Whom it follows, by its address; empty: nobody, or it did not answer."""
    well: bool = False
    """Nomad: its own health says so. Consul: it answered."""


@dataclass(frozen=True, slots=True)
class PeerView:
    """One server as the leader's autopilot, or its raft configuration, has it."""

    id: str
    voter: bool
    healthy: bool = True
    """Raft configurations know nothing of health: True there."""
    name: str = ""


@dataclass(frozen=True, slots=True)
class SystemView:
    """One system as all its servers show it."""

    system: System
    servers: tuple[ServerView, ...]
    """One for each slot, answered or not."""
    healthy: bool | None = None
    """Autopilot's word; None: it could not be had."""
    autopilot: tuple[PeerView, ...] | None = None
    """Its list; None where it says none, as it does for seconds after an election."""
    raft: tuple[PeerView, ...] | None = None
    """The raft configuration; None: it could not be had."""


@dataclass(frozen=True, slots=True)
class GateVerdict:
    """Whether a server may be taken away now."""

    reasons: tuple[str, ...]
    """Why not, each a sentence; empty when it may."""

    @property
    def passes(self) -> bool:
        """True when nothing speaks against it."""
        return not self.reasons
