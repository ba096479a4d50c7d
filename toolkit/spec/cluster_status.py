"""How a cluster in AWS stands: what `toolkit cluster status` reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.rehearsal import CertificateRow
from toolkit.spec.target import Visibility

StatusWord = Literal["well", "unwell", "unseen", "absent"]
"""`unseen`: nothing that was seen is wrong, and not all of it could be seen."""
Configuration = Literal["current", "earlier", "unknown"]
"""What a machine was started with: its group's configuration, or another one."""


@dataclass(frozen=True, slots=True)
class StackRow:
    """The cluster's stack."""

    status: str
    """CloudFormation's word."""
    sentence: str
    """What that means."""
    settled: bool
    """True when it is whole, and nothing goes on."""
    protected: bool
    """Termination protection."""
    updated: str
    """When it was made or changed last, ISO 8601."""


@dataclass(frozen=True, slots=True)
class ServerRow:
    """One server slot, and the machine that is in it."""

    slot: str
    """`server-1`."""
    zone: str
    address: str
    instance: str
    """Id of its machine; empty: there is none."""
    state: str
    """EC2's word for the machine, with the group's where it comes or goes; `none`."""
    configuration: Configuration
    raft: str
    """`leader`, `voter`, what is wrong with it, or `unseen`."""


@dataclass(frozen=True, slots=True)
class PoolRow:
    """One pool's group."""

    name: str
    min: int
    max: int
    desired: int
    in_service: int
    starting: int
    draining: int
    """Are to go, and are waited for."""
    unwell: int
    """In service, and the group says that they are not healthy."""
    earlier: int
    """Machines of an earlier configuration."""
    nodes: int | None
    """Nodes of its class and node pool that Nomad gives work to; None: not seen."""


@dataclass(frozen=True, slots=True)
class EdgeRow:
    """One machine behind the load balancer."""

    instance: str
    port: int
    state: str
    """The balancer's word: `healthy`, `initial`, `draining`, `unhealthy`, `unused`."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """One hosted zone, and those of the cluster's own names that it must have."""

    name: str
    visibility: Visibility
    id: str
    """Empty: there is no such zone."""
    names: int
    """How many of the names it has."""
    missing: tuple[str, ...]
    """Names that are not there, or lead elsewhere."""


@dataclass(frozen=True, slots=True)
class AlarmRow:
    """One alarm of the stack."""

    name: str
    """What the template calls it: `QuorumLost`."""
    state: str
    """CloudWatch's word: `OK`, `ALARM`, `INSUFFICIENT_DATA`."""


@dataclass(frozen=True, slots=True)
class DrainQueue:
    """Notices of machines that are to go."""

    waiting: int
    """Nobody took them yet."""
    taken: int
    """Taken, and not done with."""


@dataclass(frozen=True, slots=True)
class ClusterStatusReport:
    """A cluster in AWS as it stands, with what could not be seen said as such."""

    cluster: str
    region: str
    account: str
    word: StatusWord
    sentence: str
    stack: StackRow | None = None
    """None: there is no stack."""
    servers: tuple[ServerRow, ...] = ()
    pools: tuple[PoolRow, ...] = ()
    edge: tuple[EdgeRow, ...] = ()
    balancer: str = ""
    """DNS name of the load balancer."""
    zones: tuple[ZoneRow, ...] = ()
    certificates: tuple[CertificateRow, ...] = ()
    alarms: tuple[AlarmRow, ...] = ()
    queue: DrainQueue | None = None
    raft: tuple[str, ...] = ()
    """Why no server may be taken away now, as the servers say; empty: one may, or not seen."""
    wrong: tuple[str, ...] = ()
    """Everything that is not as it should be, each a sentence; the first is the report's."""
    unseen: tuple[str, ...] = ()
    """What could not be seen and why, each a sentence."""
    next: tuple[str, ...] = ()
    """Commands to type."""

    @property
    def code(self) -> ExitCode:
        """0 well, 3 not, 5 when what could be seen is well and something could not."""
        match self.word:
            case "well":
                return ExitCode.OK
            case "unseen":
                return ExitCode.UNKNOWN
            case _:
                return ExitCode.FAILED
