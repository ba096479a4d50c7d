"""A cluster file as validated values: what a cluster in AWS is made of.

Everything here was checked: ranges fit, names are taken by AWS and DNS, sizes are in bounds. What
follows from it (subnets, addresses, names) is computed in `toolkit.cluster.network`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network
from types import MappingProxyType
from typing import Literal

Arch = Literal["amd64", "arm64"]
"""As releases of Nomad and Consul name it."""
ARCHES: tuple[Arch, ...] = ("amd64", "arm64")
Nat = Literal["single", "per-az", "none"]
Role = Literal["server", "worker", "control"]
"""A server slot, a machine of a pool, or the one that holds the roles of our servers."""
Binary = Literal["nomad", "consul", "cni"]
BINARIES: tuple[Binary, ...] = ("nomad", "consul", "cni")

SERVERS = 3
"""Server slots: two must live, one may be away."""
CONTROL = "control"
"""Name of the pool of one whose profile alone may assume the roles of our servers."""
PRIVATE_BITS = 3
"""Bits that the subnet of a zone's machines is longer than the range: an eighth of it."""
PUBLIC_PART = 2
"""Bits that its last part is longer than the range: a quarter of it is kept for public subnets."""
AWS_KEEPS = 5
"""Addresses of a subnet that AWS keeps: the first four and the last."""
REHEARSAL = "-rehearsal"
"""Ends the name of the environment that a rehearsal of the cluster is."""

_ARM = re.compile(r"(?:a1|[a-z]+[0-9]+g[a-z]*)\.", re.ASCII)


def arch_of(instance_type: str) -> Arch:
    """The processor of an EC2 instance type: Graviton families have a `g` behind their number."""
    return "arm64" if _ARM.match(instance_type) else "amd64"


@dataclass(frozen=True, slots=True)
class Download:
    """One file that machines fetch at boot."""

    address: str
    """`https://…`; in a rehearsal `file:///…`."""
    sha256: str = ""
    """64 lower-case hex digits of the file as fetched; empty while nobody said it."""

    @property
    def packed(self) -> Literal["zip", "tgz", ""]:
        """How the file is packed, by its name; empty: it is the program itself."""
        name = self.address.partition("?")[0]
        return "zip" if name.endswith(".zip") else "tgz" if name.endswith((".tgz", ".gz")) else ""


@dataclass(frozen=True, slots=True)
class Release:
    """One program's version, and where it is for each processor that the cluster has."""

    version: str
    downloads: Mapping[Arch, Download] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Servers:
    """The three server slots, one a zone."""

    type: str = "t3.medium"
    volume: int = 20
    """GB of the data volume, which is kept when the machine goes."""
    root_volume: int = 16
    """GB of the machine's own disk."""

    @property
    def arch(self) -> Arch:
        """The processor."""
        return arch_of(self.type)


@dataclass(frozen=True, slots=True)
class Pool:
    """One autoscaling group of workers."""

    name: str
    type: str
    min: int = 1
    max: int = 1
    spot: int = 0
    """Percent of the machines that are spot instances; 0 to 100."""
    node_class: str = ""
    """Nomad's node class, which jobs ask for; the pool's name unless said."""
    node_pool: str = "default"
    """Nomad's node pool."""
    ephemeral: bool = False
    """Use the machines' instance store disks for containers and allocations."""
    root_volume: int = 40
    """GB."""
    drain: float = 120.0
    """Seconds that allocations have to leave a machine that goes; at most 280, below the hook's."""

    @property
    def arch(self) -> Arch:
        """The processor."""
        return arch_of(self.type)

    @property
    def role(self) -> Role:
        """The role of its machines."""
        return "control" if self.name == CONTROL else "worker"


@dataclass(frozen=True, slots=True)
class Bastion:
    """A machine that people reach by SSH; without one there is SSM."""

    allowed: tuple[IPv4Network, ...]
    """Who may reach port 22; never everybody."""
    keys: tuple[str, ...]
    """Public keys, as lines of authorized_keys."""
    type: str = "t3.nano"


@dataclass(frozen=True, slots=True)
class Edge:
    """The balancer, and the Traefik behind it."""

    kind: Literal["alb", "nlb"] = "alb"
    pool: str = "frontend"
    """Pool whose machines run Traefik."""
    http: int | None = 80
    """Port at which the balancer takes HTTP; None: it does not."""
    https: int | None = None
    """Port at which it takes HTTPS; needs the certificate."""
    certificate: str | None = None
    """ARN of an ACM certificate in the cluster's region."""
    redirect: bool = False
    """Requests to `http` are sent to `https`."""
    names: tuple[str, ...] = ()
    """Normalised names in the public domain that lead here; `*.` may begin one."""
    traefik_port: int = 80
    """Traefik's public entrance on the machines."""
    private_port: int = 8081
    """Its entrance for requests from inside."""
    ping_port: int = 8082
    """Where `/ping` and its API are."""
    drain: float = 30.0
    """Seconds that a machine that leaves the balancer may finish requests: deregistration delay."""


@dataclass(frozen=True, slots=True)
class ClusterEdge:
    """What the edge's own job is told: on which machines it is, and who is in front of it."""

    balancer: Literal["alb", "nlb"]
    trusted: tuple[str, ...]
    """Where the balancer is: no machine that tasks run on has an address in these ranges."""
    pool: str
    """Pool whose machines it is on, each of them."""
    node_pool: str
    """Nomad's node pool of these machines."""
    public: int
    """Ports of its entrances."""
    private: int
    api: int


@dataclass(frozen=True, slots=True)
class Cluster:
    """One cluster, as its file says."""

    name: str
    """Also of the stack and of the environment: at most 24 of a-z, 0-9 and `-`."""
    region: str
    zones: tuple[str, ...]
    """Availability zones such as `eu-west-1a`, in the order of the server slots; 3 to 6."""
    network: IPv4Network
    """The VPC's range; /16 to /22."""
    private_domain: str
    """Name of the private hosted zone; normalised."""
    servers: Servers
    pools: Mapping[str, Pool]
    """By name, in the file's order; without the control pool."""
    control: Pool
    """The pool of one."""
    edge: Edge
    images: Mapping[Arch, str]
    """`ami-…`, or the name of a public SSM parameter that holds one, such as `/aws/service/…`."""
    binaries: Mapping[Binary, Release]
    public_domain: str | None = None
    """Domain that the edge's names are in; None: no public records."""
    public_zone: str | None = None
    """Id of its hosted zone, where several could be meant; None: found by the domain."""
    datacenter: str = "dc1"
    """Of Nomad and Consul."""
    nat: Nat = "single"
    connected: tuple[IPv4Network, ...] = ()
    """Ranges of networks that this one is, or will be, connected to; none overlaps it."""
    bastion: Bastion | None = None
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """On everything that takes tags, beside our own `toolkit:*`."""
    permission_boundary: str | None = None
    """ARN of a policy that bounds every role."""
    account: str | None = None
    """12 digits: credentials of any other account are refused."""
    alarm_topic: str | None = None
    """ARN of the SNS topic that alarms are sent to."""
    protected: bool = True
    """Changing commands ask first, and the stack has termination protection."""

    @property
    def public_part(self) -> IPv4Network:
        """The part of the range that all public subnets are in, those of later zones too."""
        return list(self.network.subnets(prefixlen_diff=PUBLIC_PART))[-1]

    @property
    def arches(self) -> tuple[Arch, ...]:
        """Processors that the cluster has, sorted."""
        types = {self.servers.arch, *(pool.arch for pool in self.all_pools)}
        return tuple(sorted(types))

    @property
    def all_pools(self) -> tuple[Pool, ...]:
        """The control pool, then the others in the file's order."""
        return (self.control, *self.pools.values())

    @property
    def rehearsal(self) -> str:
        """Name of the environment that a rehearsal is."""
        return self.name + REHEARSAL


@dataclass(frozen=True, slots=True)
class Subnets:
    """One zone's part of the VPC."""

    zone: str
    public: IPv4Network
    """For the balancer, NAT and the bastion."""
    private: IPv4Network
    """For all other machines."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One server's place: what stays when its machine is replaced."""

    number: int
    """1 to 3."""
    zone: str
    address: str
    """Private IPv4 address of its network interface."""
    host: str
    """Full name in the private zone: `server-1.prod.internal`."""

    @property
    def name(self) -> str:
        """`server-1`."""
        return f"server-{self.number}"


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine, as its agents are configured."""

    name: str
    """Of the node: `server-1`; of a worker in AWS its instance id, in a rehearsal `worker-1`."""
    role: Role
    zone: str
    pool: str = ""
    """Name of the pool; empty for a server."""
    address: str = ""
    """Private IPv4 address; empty where it is not known beforehand."""
