"""What Nomad, Consul and Traefik say is there, read from their answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class TaskEvent:
    """One of the last ten events that Nomad keeps per task."""

    kind: str
    """Nomad's type: `Terminated`, `Driver Failure`, `Not Restarting`, …"""
    at: float
    """Seconds since the epoch."""
    message: str
    details: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task of an allocation."""

    name: str
    state: str
    """`pending`, `running` or `dead`."""
    failed: bool
    restarts: int
    events: tuple[TaskEvent, ...] = ()


@dataclass(frozen=True, slots=True)
class AllocationView:
    """One allocation, from Nomad's list answer."""

    id: str
    name: str
    group: str
    job_version: int
    node: str
    node_id: str
    client_status: str
    """`pending`, `running`, `complete`, `failed`, `lost`, `unknown`."""
    desired_status: str
    """`run`, `stop`, `evict`."""
    desired_description: str = ""
    client_description: str = ""
    canary: bool = False
    healthy: bool | None = None
    """Nomad's own word; None: not decided yet."""
    tasks: tuple[TaskView, ...] = ()
    create_index: int = 0
    modify_index: int = 0
    modified_at: float = 0.0
    next_allocation: str | None = None
    """The allocation that replaced this one (rescheduling)."""
    created_at: float = 0.0
    """Seconds since the epoch; 0 where Nomad does not say."""
    judged_at: float = 0.0
    """When Nomad decided `healthy`; 0: not yet, or not said."""

    @property
    def short(self) -> str:
        """The first eight characters of the id."""
        return self.id[:8]

    @property
    def should_run(self) -> bool:
        """True when Nomad wants it to run and it is not over."""
        return self.desired_status == "run" and self.client_status in {"pending", "running"}


@dataclass(frozen=True, slots=True)
class GroupDeployment:
    """One group's part of a deployment."""

    group: str
    desired_total: int
    desired_canaries: int
    placed: int
    healthy: int
    unhealthy: int
    promoted: bool
    auto_revert: bool
    placed_canaries: tuple[str, ...] = ()
    progress_deadline: float = 0.0
    """Seconds."""


@dataclass(frozen=True, slots=True)
class DeploymentView:
    """One deployment."""

    id: str
    job_version: int
    job_modify_index: int
    """JobSpecModifyIndex."""
    status: str
    """`running`, `paused`, `failed`, `successful`, `cancelled`, `pending`, `blocked`."""
    description: str
    groups: tuple[GroupDeployment, ...] = ()
    create_index: int = 0
    modify_index: int = 0

    @property
    def short(self) -> str:
        """The first eight characters of the id."""
        return self.id[:8]

    @property
    def terminal(self) -> bool:
        """True when it will not change any more."""
        return self.status in {"failed", "successful", "cancelled"}

    @property
    def needs_promotion(self) -> bool:
        """True when some group has canaries that are not promoted."""
        return any(group.desired_canaries > 0 and not group.promoted for group in self.groups)


@dataclass(frozen=True, slots=True)
class EvaluationView:
    """One evaluation: the scheduler's word on a job at one moment."""

    id: str
    status: str
    """`pending`, `blocked`, `complete`, `failed`, `canceled`."""
    description: str
    triggered_by: str
    """`job-register`, `deployment-watcher`, `queued-allocs`, `node-update`, …"""
    job_modify_index: int
    """JobModifyIndex of the job it was made for; 0 where Nomad does not say."""
    deployment: str | None = None
    failed: dict[str, dict[str, Any]] = field(default_factory=dict)
    """FailedTGAllocs: group -> Nomad's placement metric, as it came."""
    queued: dict[str, int] = field(default_factory=dict)
    """Group -> instances that wait for a node."""
    blocked: str | None = None
    """The evaluation that waits for capacity in its place."""
    next: str | None = None
    previous: str | None = None
    wait_until: float = 0.0
    """Seconds since the epoch before which it is not run."""
    create_index: int = 0
    modify_index: int = 0
    created_at: float = 0.0
    """Seconds since the epoch."""

    @property
    def short(self) -> str:
        """The first eight characters of the id."""
        return self.id[:8]


@dataclass(frozen=True, slots=True)
class CheckView:
    """One Consul check of an instance or of its node."""

    name: str
    status: str
    """`passing`, `warning`, `critical`."""
    output: str
    service_id: str
    """Empty for a node check."""
    id: str = ""


@dataclass(frozen=True, slots=True)
class ConsulInstance:
    """One instance of a service in Consul."""

    service: str
    id: str
    allocation: str | None
    """Nomad's allocation id inside the service id; None: not registered by Nomad."""
    address: str
    port: int
    node: str
    tags: tuple[str, ...] = ()
    checks: tuple[CheckView, ...] = ()

    @property
    def passing(self) -> bool:
        """True when every check, the node's included, passes."""
        return all(check.status == "passing" for check in self.checks)

    @property
    def on_dead_node(self) -> bool:
        """True when Consul itself has lost the node: nothing on it is handed to anybody.

        Consul lists what was registered there for days, until it gives the node up.
        """
        return any(check.id == "serfHealth" and check.status == "critical" for check in self.checks)

    @property
    def url(self) -> str:
        """`http://address:port`, as Traefik lists it."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EdgeView:
    """One Traefik: what it routes to for the services of a job."""

    address: str
    """Of its API."""
    allocation: str | None
    services: dict[str, dict[str, str]] = field(default_factory=dict)
    """Traefik service (without `@consulcatalog`) -> server URL -> `UP` or `DOWN`."""
    error: str | None = None
    """Why it could not be read."""
