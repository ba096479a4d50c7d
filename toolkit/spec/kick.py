"""kick.toml, validated: what the kick server is told, without any credential; seconds and bytes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from toolkit.spec.dns import Zone
from toolkit.spec.policy import Policy

TTL_LEAST = 1
TTL_MOST = 86_400
"""Seconds that a record may be kept by who looked it up: a day, or a mistake lasts for weeks."""

Reconciling = Literal["sync", "upsert-only"]


@dataclass(frozen=True, slots=True)
class Api:
    """One API that the server reads; what is empty is left to the environment."""

    address: str = ""
    """`http://…`, `https://…`; Nomad's may be `unix:/path`, `${NAME}` in it as written."""
    ca_file: str = ""
    cert_file: str = ""
    key_file: str = ""
    tls_server_name: str = ""


@dataclass(frozen=True, slots=True)
class Reconcile:
    """How records follow the jobs that declare them."""

    policy: Reconciling = "sync"
    """`upsert-only` never deletes."""
    grace: float = 300.0
    """From a job's end to the removal of its records."""
    hold: float = 30.0
    """From an instance's last pass to its leaving a record."""
    interval: float = 5.0
    """Shortest time between two turns."""
    settle: float = 1.0
    """From the first news to the turn that heeds it."""


@dataclass(frozen=True, slots=True)
class Status:
    """What becomes of `POST /status`."""

    forward: str = ""
    """The one address that statuses are sent on to; empty: to none."""
    timeout: float = 5.0
    """For one delivery."""
    kept: int = 1000
    """Statuses that can be queried, the newest."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller or one outage may cost."""

    requests: int = 64
    """In progress at a time; more are told to come back."""
    waiting: int = 1000
    """Writes that wait for their turn; more are told to come back."""
    writes: float = 5.0
    """That one caller may go on with, a second: a write takes 1.5 kB of the audit's disk."""
    burst: int = 300
    """Writes of one caller at once: a script that moves every name of a project passes."""
    audit_file: int = 64 * 1024 * 1024
    """Bytes after which the audit goes on in a new file."""
    remember: float = 24 * 3600.0
    """Idempotency keys."""
    leeway: float = 30.0
    """By which clocks may differ when tokens are checked."""
    lifetime: float = 24 * 3600.0
    """Longest that a workload's token may be made for."""
    keys: float = 24 * 3600.0
    """Nomad's signing keys serve this long while it cannot be asked."""
    alive: float = 300.0
    """The last answer about an allocation serves this long while Nomad cannot be asked."""


@dataclass(frozen=True, slots=True)
class Route53Access:
    """How Route 53 is reached; credentials come from where the AWS SDK looks for them."""

    role: str = ""
    """ARN of the role to take on; empty: what the process is."""
    endpoint: str = ""
    """Another address than AWS's own, for tests."""
    sts_endpoint: str = ""
    region: str = "us-east-1"
    """Route 53 has one for the world; STS is asked there."""
    calls: float = 5.0
    """A second at most, reads among them: an account has 10 for all that is in it."""


@dataclass(frozen=True, slots=True)
class KickConfig:
    """Everything that kick.toml says, defaults filled in."""

    cluster: str
    """Whose records these are: in every owner record; never to be changed."""
    policy: Policy
    audience: str = "kick"
    """That workloads' tokens are made for."""
    issuer: str = ""
    """That they must come from, where Nomad is told one; empty: not looked at."""
    ttl: int = 60
    """Of records that say none."""
    reconcile: Reconcile = field(default_factory=Reconcile)
    status: Status = field(default_factory=Status)
    limits: Limits = field(default_factory=Limits)
    nomad: Api = field(default_factory=Api)
    consul: Api = field(default_factory=Api)
    route53: Route53Access = field(default_factory=Route53Access)

    @property
    def zones(self) -> tuple[Zone, ...]:
        """The zones that the server may write to."""
        return self.policy.zones
