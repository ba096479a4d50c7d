"""Whether a job has a place: every node held against every demand of every group."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from toolkit.errors import ExitCode

Mark = Literal["yes", "no", "unknown"]
"""`unknown` is never counted as yes."""

DemandKind = Literal[
    "node", "constraint", "driver", "network", "port", "volume", "device", "secrets", "resource",
    "distinct", "other",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Cell:
    """One node held against one demand."""

    mark: Mark
    said: str = ""
    """Why not, or why it could not be told: `lacks 212 MiB of memory`; empty for yes."""
    short: float = 0.0
    """How far away, of a resource: missing / asked for; 1 or more where less would not help."""


@dataclass(frozen=True, slots=True)
class Demand:
    """One thing that a group asks of a node."""

    kind: DemandKind
    label: str
    """Head of its column: `memory`, `c1`."""
    text: str
    """`memory 1024 MiB`, `${attr.kernel.name} = linux`."""
    implied: bool = False
    """True for what Nomad adds by itself when the job is registered."""
    met: int = 0
    """Nodes by mark."""
    unmet: int = 0
    unknown: int = 0


@dataclass(frozen=True, slots=True)
class NodeFit:
    """One node, for one group."""

    id: str
    name: str
    datacenter: str
    pool: str
    node_class: str
    cells: tuple[Cell, ...]
    """As many as the group has demands, in their order."""
    room: int | None
    """Instances that fit there now, beside what runs, at most the number wanted; None: unknown."""
    runs: int = 0
    """Instances of this group that are there already."""
    score: float | None = None
    """Affinities: the weighted share that the node matches, -1 to 1; None: the group has none."""

    @property
    def mark(self) -> Mark:
        """The worst of its cells."""
        marks = {cell.mark for cell in self.cells}
        return "no" if "no" in marks else "unknown" if "unknown" in marks else "yes"

    @property
    def lacks(self) -> tuple[str, ...]:
        """What speaks against it, in words."""
        return tuple(cell.said for cell in self.cells if cell.mark == "no")

    @property
    def unclear(self) -> tuple[str, ...]:
        """What could not be told, with the reason."""
        return tuple(cell.said for cell in self.cells if cell.mark == "unknown")


@dataclass(frozen=True, slots=True)
class GroupFit:
    """One group of the job."""

    group: str
    mark: Mark
    wanted: int
    """Instances that Nomad would place now: new ones, canaries and replacements."""
    placed: int
    """Of those, how many have a place."""
    stays: int
    """Instances that run and stay as they are."""
    canaries: int
    """Of the wanted ones, those that need room beside the running ones."""
    replaced: int
    """Of the wanted ones, those that take over from an instance that stops first."""
    demands: tuple[Demand, ...]
    nodes: tuple[NodeFit, ...]
    """Nearest fit first."""
    reason: str = ""
    """Why it is unknown, or why nodes that fit one by one do not do together."""
    later: bool = False
    """True when the first step of the roll has a place, and a later one would not."""
    crowded: bool = False
    """True when it has a place alone, but not together with the job's other groups."""
    advice: str = ""

    @property
    def possible(self) -> int:
        """Nodes that meet every demand."""
        return sum(1 for node in self.nodes if node.mark == "yes")


@dataclass(frozen=True, slots=True)
class DryRun:
    """What Nomad's own scheduler said of the same job."""

    unplaced: dict[str, int] = field(default_factory=dict)
    """Group -> instances without a place."""
    error: str = ""
    """Why it was not asked, or gave no answer."""


@dataclass(frozen=True, slots=True)
class FitReport:
    """The answer of `toolkit why-not`."""

    job: str
    kind: str
    groups: tuple[GroupFit, ...]
    mark: Mark
    total_nodes: int
    source: str = ""
    """Where the job was taken from: its job file, or `registered, version 3`."""
    environment: str | None = None
    address: str = ""
    namespace: str = ""
    dry_run: DryRun | None = None
    notes: tuple[str, ...] = ()
    calls: int = 0

    @property
    def code(self) -> ExitCode:
        """0 fits, 4 does not fit, 5 could not tell."""
        return {
            "yes": ExitCode.OK,
            "no": ExitCode.UNPLACED,
            "unknown": ExitCode.UNKNOWN,
        }[self.mark]
