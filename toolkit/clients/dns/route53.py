"""Route 53 by boto3: public and private hosted zones of one account."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from toolkit.spec.dns import Change, ChangeState, Record, Submitted, Zone
from toolkit.spec.target import Secret

SYSTEM = "Route 53"


@dataclass(frozen=True, slots=True)
class Keys:
    """AWS credentials that are given, not found where AWS's tools look for them."""

    access: str
    secret: Secret
    session: Secret | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """How Route 53 is reached and who we are there."""

    region: str = "us-east-1"
    """Says only which partition of AWS: Route 53 itself has no regions."""
    endpoint: str | None = None
    """Another address of Route 53; None for AWS's own."""
    role: str | None = None
    """ARN of a role that is assumed first, and again before its session ends."""
    sts_endpoint: str | None = None
    keys: Keys | None = None
    """None: where AWS's tools look, which on a machine of AWS is its role."""
    connect_seconds: float = 5.0
    read_seconds: float = 20.0


class Route53:
    """A provider of zones whose `id` is that of a hosted zone."""

    def __init__(self, access: Access | None = None) -> None:
        """Imports boto3 and connects at the first call."""
        self._access = access or Access()

    @property
    def most_changes(self) -> int:
        """AWS's limit."""
        return 1000

    def records(self, zone: Zone) -> Iterator[Record]:
        """Every record of the zone, a page at a time."""
        raise NotImplementedError

    def at(self, zone: Zone, names: Collection[str]) -> tuple[Record, ...]:
        """The records at these names, of every type."""
        raise NotImplementedError

    def apply(self, zone: Zone, changes: Sequence[Change], *, comment: str = "") -> Submitted:
        """Do a batch, whole or not at all; sent once, never again."""
        raise NotImplementedError

    def state(self, change: str) -> ChangeState:
        """Whether every server of Route 53 has a batch."""
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections."""
