"""What is known about a job, its nodes and what runs on them: frozen, and without a judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

ATTRIBUTES_UNREAD = "the node's attributes could not be read"


@dataclass(frozen=True, slots=True)
class Rule:
    """A constraint or an affinity."""

    left: str
    operator: str
    right: str
    weight: int = 0
    """Of an affinity, -100 to 100."""
    implied: bool = False

    @property
    def text(self) -> str:
        """As Nomad writes it."""
        return " ".join(part for part in (self.left, self.operator, self.right) if part)


@dataclass(frozen=True, slots=True)
class Asked:
    """What counts against a node's resources."""

    cpu: int = 0
    """MHz, without that of reserved cores."""
    memory: int = 0
    """MiB."""
    disk: int = 0
    """MiB."""
    cores: tuple[int, ...] = ()
    """Reserved cores: per task when asked for, the ids when taken."""
    core_cpu: int = 0
    """MHz that come with cores that are taken."""


@dataclass(frozen=True, slots=True)
class PortAsk:
    """One port that a group asks for."""

    label: str
    value: int
    """0: any of the node's dynamic range."""
    network: str = "default"
    """Alias of the host network, or an interpolation of one."""
    shared: bool = False
    """True: taken is fine (`ignore_collision`)."""


@dataclass(frozen=True, slots=True)
class VolumeAsk:
    """One volume that a group asks for."""

    kind: str
    """`host` or `csi`."""
    source: str
    read_only: bool = False
    per_alloc: bool = False
    access: str = ""
    attachment: str = ""
    sticky: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What Nomad would do with a group's instances now."""

    place: int
    """New ones, canaries included: they need room beside everything that runs."""
    canaries: int = 0
    replace: int = 0
    """Each stops first, then its replacement is placed."""
    stays: int = 0
    stops: int = 0
    """Instances that stop before anything is placed, and are not replaced."""


@dataclass(frozen=True, slots=True)
class GroupFacts:
    """What one group asks for."""

    name: str
    count: int
    constraints: tuple[Rule, ...]
    """Its own and its tasks', Nomad's additions included."""
    affinities: tuple[Rule, ...]
    drivers: tuple[str, ...]
    secrets: tuple[str, ...]
    asked: Asked
    networked: bool = False
    """True when it has a network block."""
    mode: str = "host"
    ports: tuple[PortAsk, ...] = ()
    volumes: tuple[VolumeAsk, ...] = ()
    devices: tuple[str, ...] = ()
    spreads: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    """Demands that only Nomad's admission knows, in words."""


@dataclass(frozen=True, slots=True)
class JobFacts:
    """What a job asks for."""

    id: str
    namespace: str
    kind: str
    priority: int
    datacenters: tuple[str, ...]
    pool: str
    constraints: tuple[Rule, ...]
    groups: tuple[GroupFacts, ...]

    @property
    def everywhere(self) -> bool:
        """True for the types that run on every node that meets their demands."""
        return self.kind in {"system", "sysbatch"}


@dataclass(frozen=True, slots=True)
class Address:
    """An address of a node that ports can be had on."""

    alias: str
    address: str
    reserved: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class HostVolume:
    """A host volume as a node offers it."""

    read_only: bool
    id: str = ""
    """Set for a dynamic one."""


@dataclass(frozen=True, slots=True)
class DynamicVolume:
    """A dynamic host volume as Nomad keeps it."""

    ready: bool
    capabilities: frozenset[tuple[str, str]] = frozenset()
    """Access and attachment modes."""
    used: bool = False
    """True when some allocation has it."""


@dataclass(frozen=True, slots=True)
class NodeFacts:
    """One node."""

    id: str
    name: str
    datacenter: str
    pool: str
    node_class: str
    status: str
    eligible: bool
    draining: bool
    total: Asked
    """What tasks may have; `cores` are the ids of those that can be reserved."""
    core_speeds: Mapping[int, int] = field(default_factory=dict)
    drivers: Mapping[str, tuple[bool, bool, str]] = field(default_factory=dict)
    """Name -> detected, healthy, what the node says about its health."""
    modes: frozenset[str] = frozenset()
    aliases: frozenset[str] = frozenset()
    addresses: tuple[Address, ...] = ()
    dynamic: tuple[int, int] = (20000, 32000)
    volumes: Mapping[str, HostVolume] = field(default_factory=dict)
    devices: tuple[str, ...] = ()
    most: int = 0
    """Allocations that the node takes at most; 0: no limit."""
    attributes: Mapping[str, str] | None = None
    """None: not read."""
    meta: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class AllocationFacts:
    """One allocation that takes room: its tasks are not over, whatever is wanted of it."""

    id: str
    namespace: str
    job: str
    group: str
    node: str
    wanted: bool
    """False: Nomad has told it to stop, and it has not yet."""
    taken: Asked
    ports: tuple[tuple[str, int], ...] = ()
    """Host address and port."""
    devices: bool = False


@dataclass(frozen=True, slots=True)
class SchedulerFacts:
    """What the cluster as a whole has to say."""

    preemption: frozenset[str] | None = frozenset()
    """Job types that may stop work of lower priority; None: not readable."""
    priorities: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """Namespace and job -> priority, for preemption."""
    volumes: Mapping[str, DynamicVolume] = field(default_factory=dict)
    """Dynamic host volumes by id."""
    blind: str = ""
    """Why allocations may be missing from what was handed in; empty: all of them are there."""
    pool_refused: str = ""
    """Why the namespace may not use the job's node pool."""
    unclear: tuple[str, ...] = ()
    """Demands of the cluster that only Nomad can tell, in words."""
