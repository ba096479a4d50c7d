"""Names that follow jobs: what the cluster was seen to be, what is wanted of it, what changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from toolkit.spec.dns import Order, Owner, Record, Zone
from toolkit.spec.target import Visibility

JobKey = tuple[str, str]
"""Namespace and ID of a job."""
Place = tuple[Zone, str]
"""A name of a zone."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The names that one service of a job asks for, as the job in Nomad says it."""

    namespace: str
    job: str
    group: str
    task: str
    """Empty for a service of the group."""
    service: str
    port: str
    """The service's own; part of its ID in Consul."""
    names: tuple[str, ...]
    """As they were written."""
    visibility: Visibility
    target: Literal["edge", "instances"]
    type: str | None
    """None: A and AAAA, as the addresses are."""
    ttl: int | None
    label: str
    """Port that is published: the service's own unless another was asked for."""
    checked: bool
    """False: Consul has no check of it, and it passes while Nomad runs it."""
    wrong: str = ""
    """Why it cannot be followed; empty when it can."""

    def __str__(self) -> str:
        return f"service {self.service} of {self.namespace}/{self.job}"


@dataclass(frozen=True, slots=True)
class SeenJob:
    """One job as Nomad has it."""

    namespace: str
    id: str
    created: int
    """Raft index: of two jobs that want one name, the older one is first."""
    alive: bool
    """Neither stopped nor dead."""
    declared: tuple[Declared, ...] = ()
    unread: str = ""
    """Why what it declares is not known; empty when it is."""

    @property
    def key(self) -> JobKey:
        """What there is one job of."""
        return self.namespace, self.id


@dataclass(frozen=True, slots=True)
class HostPort:
    """One port of an instance, as Nomad gave it on its node."""

    label: str
    address: str
    port: int


@dataclass(frozen=True, slots=True)
class Instance:
    """One allocation that runs, and should."""

    allocation: str
    node: str
    namespace: str
    job: str
    group: str
    ports: tuple[HostPort, ...]


@dataclass(frozen=True, slots=True)
class View:
    """The cluster at one moment: read whole, or not at all."""

    jobs: Mapping[JobKey, SeenJob]
    instances: tuple[Instance, ...]
    checks: Mapping[str, Mapping[str, bool]]
    """Service ID in Consul -> node there -> whether every check passes."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One record that a job should have."""

    zone: Zone
    record: Record
    owner: Owner
    task: str
    """Of the service; empty for the group's."""
    why: str
    """Such as `2 of 3 instances pass`."""


KeptReason = Literal["bad-name", "no-zone", "policy", "taken", "no-instance", "no-address",
                     "no-edge", "unread", "wrong"]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Kept:
    """A name that is left as it is, although a job asks for it."""

    name: str
    owner: Owner
    reason: KeptReason
    message: str
    zone: Zone | None = None
    """None where no zone is its own."""
    type: str = ""

    @property
    def refused(self) -> bool:
        """True where somebody has to do something; instances come back by themselves."""
        return self.reason != "no-instance"


@dataclass(frozen=True, slots=True)
class Desired:
    """What the jobs of a view want."""

    wanted: tuple[Wanted, ...] = ()
    kept: tuple[Kept, ...] = ()
    asked: Mapping[Place, Owner] = field(default_factory=dict)
    """Every name that a living job asks for, granted or not: it is nobody's leftover."""
    unsure: frozenset[Owner] = frozenset()
    """Owners that may ask for more than is known: nothing of theirs is a leftover."""


@dataclass(frozen=True, slots=True)
class Leftover:
    """A name whose job no longer asks for it, on its way out."""

    zone: Zone
    name: str
    types: tuple[str, ...]
    owner: Owner
    why: str
    since: float | None
    """Seconds since 1970 when it was first noted; None: not noted yet."""
    due: float
    """Seconds since 1970 when it goes."""


@dataclass(frozen=True, slots=True)
class Step:
    """One wish of a turn, and what it makes of what."""

    order: Order
    before: Record | None
    after: Record | None
    """None: it goes."""
    why: str


@dataclass(frozen=True, slots=True)
class Turn:
    """What a turn of the reconciler does, or did."""

    steps: tuple[Step, ...] = ()
    kept: tuple[Kept, ...] = ()
    leftovers: tuple[Leftover, ...] = ()
    """Names that go: now, later, or never with `upsert-only`."""
    unchanged: int = 0
    """Wanted records that are there."""


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One turn, with what became of its steps."""

    turn: Turn
    failed: Mapping[int, str] = field(default_factory=dict)
    """Number of the step -> why it was not done."""
    done: bool = False
    """False: only planned."""
    seconds: float = 0.0
    at: float = 0.0
    """Seconds since 1970."""
    jobs: int = 0
    """Living jobs that ask for names."""
    instances: int = 0
    """Instances that were seen."""
