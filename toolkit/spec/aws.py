"""What AWS says of the parts of a cluster: values, each as it was when it was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

CLUSTER_TAG = "toolkit:cluster"
"""Carried by all that belongs to a cluster, with the cluster's name."""
STACK_TAG = "aws:cloudformation:stack-id"
"""On what a stack made: the stack's ARN, with its region."""


def _no_tags() -> Mapping[str, str]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the credentials are of."""

    account: str
    """12 digits."""
    arn: str
    """Of the user, or of the session of a role."""


@dataclass(frozen=True, slots=True)
class GroupInstance:
    """A machine, as its autoscaling group sees it."""

    id: str
    zone: str
    lifecycle: str
    """`Pending`, `Pending:Wait`, `InService`, `Terminating`, `Terminating:Wait`, …"""
    health: str
    """`Healthy` or `Unhealthy`."""
    template_version: str = ""
    """Version of the launch template that it was started from."""

    @property
    def in_service(self) -> bool:
        """It counts, as far as the group can tell."""
        return self.lifecycle == "InService" and self.health == "Healthy"

    @property
    def going(self) -> bool:
        """It is on its way out, or drained for that."""
        return self.lifecycle.startswith(("Terminating", "Detaching"))


@dataclass(frozen=True, slots=True)
class GroupView:
    """An autoscaling group."""

    name: str
    desired: int
    min: int
    max: int
    instances: tuple[GroupInstance, ...]
    """Sorted by zone and id."""
    tags: Mapping[str, str] = field(default_factory=_no_tags)
    status: str = ""
    """`Delete in progress`; empty for all others."""


@dataclass(frozen=True, slots=True)
class InstanceView:
    """A machine, as EC2 sees it."""

    id: str
    state: str
    """`pending`, `running`, `shutting-down`, `stopping`, `stopped`."""
    type: str
    zone: str
    address: str
    """Private IPv4 address; empty before it has one."""
    public_address: str = ""
    launched: datetime | None = None
    spot: bool = False
    tags: Mapping[str, str] = field(default_factory=_no_tags)

    @property
    def group(self) -> str:
        """Name of its autoscaling group; empty where it has none."""
        return self.tags.get("aws:autoscaling:groupName", "")


@dataclass(frozen=True, slots=True)
class VolumeView:
    """An EBS volume."""

    id: str
    state: str
    """`creating`, `available`, `in-use`, `deleting`, `error`."""
    zone: str
    size: int
    """GB."""
    encrypted: bool
    attached: tuple[str, ...] = ()
    """Ids of the machines that have it."""
    created: datetime | None = None
    tags: Mapping[str, str] = field(default_factory=_no_tags)


@dataclass(frozen=True, slots=True)
class InterfaceView:
    """A network interface."""

    id: str
    state: str
    """`available` or `in-use`."""
    address: str
    description: str = ""
    """Who made it, where that was a service: `ELB app/…`."""
    attached: str = ""
    """Id of the machine that has it; empty where none of ours has."""
    tags: Mapping[str, str] = field(default_factory=_no_tags)


@dataclass(frozen=True, slots=True)
class BalancerView:
    """A load balancer."""

    arn: str
    name: str
    dns: str
    """The name at which it is reached, without a dot at the end."""
    kind: str
    """`application` or `network`."""
    state: str
    """`provisioning`, `active`, `active_impaired`, `failed`."""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TargetView:
    """A machine behind the balancer."""

    id: str
    port: int
    health: str
    """`healthy`, `unhealthy`, `initial`, `draining`, `unused`, `unavailable`."""
    reason: str = ""
    """`Target.Timeout` and the like."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class HostedZoneView:
    """A hosted zone of Route 53."""

    id: str
    """Without `/hostedzone/`."""
    name: str
    """Lower case, without the dot at the end."""
    private: bool
    records: int = 0
    """How many it has, NS and SOA included."""
    vpcs: tuple[str, ...] = ()
    """Ids of the networks that a private one answers in; only when asked for by id."""
    name_servers: tuple[str, ...] = ()
    """Of a public one; only when asked for by id."""


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A record of a hosted zone, of any type, routing and form."""

    name: str
    """Lower case, without the dot at the end; `*` as it is."""
    type: str
    identifier: str
    """Of a routed record; empty for all others."""
    values: tuple[str, ...]
    """What it says; of an alias the name it leads to."""
    alias: bool
    raw: Mapping[str, object] = field(repr=False, compare=False)
    """As Route 53 wants it back for its deletion."""


@dataclass(frozen=True, slots=True)
class KeyView:
    """A KMS key."""

    id: str
    arn: str
    state: str
    """`Enabled`, `Disabled`, `PendingDeletion`, …"""
    tags: Mapping[str, str] = field(default_factory=_no_tags)
    ends: datetime | None = None
    """When a key that is pending deletion is gone."""


@dataclass(frozen=True, slots=True)
class Tagged:
    """Something that carries the tag of a cluster, and that its own service says is there."""

    kind: str
    """`ec2:volume`, `autoscaling:group`, `kms:key`, …"""
    id: str
    """Id, name or ARN, as its service calls it."""
    state: str = ""
    """Its service's own word, where it has one."""


@dataclass(frozen=True, slots=True)
class QueueView:
    """A queue: how much lies in it. AWS counts roughly."""

    waiting: int
    taken: int
    """Received by somebody, and not deleted yet."""


@dataclass(frozen=True, slots=True)
class AlarmView:
    """A CloudWatch alarm."""

    name: str
    metric: str
    state: str
    """`OK`, `ALARM` or `INSUFFICIENT_DATA`."""
    reason: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class ZoneView:
    """An availability zone."""

    name: str
    id: str
    """The same for every account: `euw1-az1`."""
    available: bool


@dataclass(frozen=True, slots=True)
class InstanceTypeView:
    """A type of machine."""

    name: str
    vcpus: int
    architectures: tuple[str, ...]
    """`x86_64`, `arm64`."""
    storage: bool
    """It has disks of its own."""
    memory: int = 0
    """MiB."""


@dataclass(frozen=True, slots=True)
class ImageView:
    """A machine image."""

    id: str
    architecture: str
    """`x86_64` or `arm64`."""
    state: str
    """`available`, `deregistered`, …"""
    name: str = ""
    root_device: str = ""
    """`/dev/xvda`."""
    root_size: int = 0
    """GB that its root disk has at least; 0 where it is not said."""


@dataclass(frozen=True, slots=True)
class CertificateView:
    """A certificate of ACM."""

    arn: str
    status: str
    """`ISSUED`, `PENDING_VALIDATION`, `EXPIRED`, `REVOKED`, …"""
    names: tuple[str, ...]
    """Lower case; `*.` may begin one."""
    ends: datetime | None = None
    algorithm: str = ""
