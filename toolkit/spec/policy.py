"""Who may set which names, to what, in which zones: what kick grants; all else is denied.

Names are normalised: lower case, no trailing dot. In a grant `*.suffix` stands for every name below
the suffix, at any depth, never for the suffix itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from typing import Literal

from toolkit.spec.dns import Alias, RecordType, Zone
from toolkit.spec.target import Visibility

Network = IPv4Network | IPv6Network

Special = Literal["apex", "wildcard"]
"""What the names of a grant never cover by themselves: a zone's own name, names beginning `*.`."""
SPECIAL: tuple[Special, ...] = ("apex", "wildcard")


@dataclass(frozen=True, slots=True)
class Grant:
    """Records that may be set: any of the names with any of the types in any of the zones."""

    names: tuple[str, ...]
    """Exact, or `*.suffix`."""
    types: tuple[RecordType, ...]
    zones: tuple[Visibility, ...]
    """Visibilities of zones."""
    most: int
    """Records that the owner may hold in all for one more to be granted here."""
    special: frozenset[Special] = frozenset()


@dataclass(frozen=True, slots=True)
class WorkloadRule:
    """What one job may do; compared as a whole, never by its beginning."""

    namespace: str
    job: str
    task: str
    """Only this task's token; empty: any of the job."""
    grants: tuple[Grant, ...]

    def __str__(self) -> str:
        return f"{self.namespace}/{self.job}" + (f" task {self.task}" if self.task else "")


@dataclass(frozen=True, slots=True)
class PersonRule:
    """What holders of Nomad ACL tokens may do who have one of the policies or roles."""

    policies: frozenset[str]
    roles: frozenset[str]
    """Names of roles."""
    management: bool
    """Management tokens too."""
    overrule: bool
    """May change what a job owns; it stays the job's."""
    grants: tuple[Grant, ...]


@dataclass(frozen=True, slots=True)
class Targets:
    """What records may point to."""

    public: tuple[Network, ...] = ()
    """Addresses in public zones."""
    private: tuple[Network, ...] = ()
    """Addresses in private zones."""
    cnames: tuple[str, ...] = ()
    """Names of others: these and all below them."""
    loopback: bool = False
    """Development: 127.0.0.0/8 and ::1 in zones of the local provider."""


@dataclass(frozen=True, slots=True)
class Edge:
    """Where requests enter the cluster: one of addresses, an alias or a job's instances."""

    addresses: tuple[str, ...] = ()
    """Normalised and sorted."""
    alias: Alias | None = None
    service: str = ""
    """A Nomad job: the addresses of its passing instances are the edge's."""
    namespace: str = "default"
    """The job's."""


@dataclass(frozen=True, slots=True)
class Policy:
    """All that decides whether a caller may set a record."""

    zones: tuple[Zone, ...]
    workloads: tuple[WorkloadRule, ...] = ()
    people: tuple[PersonRule, ...] = ()
    targets: Targets = field(default_factory=Targets)
    edges: Mapping[Visibility, Edge] = field(default_factory=dict)
