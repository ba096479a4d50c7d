"""DNS records as they flow: what is wanted, what is there, what changes, whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from toolkit.spec.identity import Caller
from toolkit.spec.target import Visibility

RecordType = Literal["A", "AAAA", "CNAME", "TXT", "SRV"]
"""What may be asked for; a zone may hold others, which are named as they are."""
WRITABLE: tuple[RecordType, ...] = ("A", "AAAA", "CNAME", "TXT", "SRV")

ChangeState = Literal["PENDING", "INSYNC"]
Action = Literal["CREATE", "DELETE"]
Via = Literal["request", "discovery"]
"""Whether somebody asked for it, or it follows from a job."""


@dataclass(frozen=True, slots=True)
class Zone:
    """One hosted zone that the kick server may write to."""

    name: str
    """Normalised: lower case, no trailing dot."""
    visibility: Visibility
    provider: Literal["route53", "local"]
    id: str = ""
    """The provider's own; empty for a local zone."""

    def __str__(self) -> str:
        return f"{self.name} ({self.visibility})"


@dataclass(frozen=True, slots=True)
class Alias:
    """Route 53's pointer to a load balancer, in the place of values."""

    target: str
    """Normalised name."""
    zone: str
    """Hosted zone of the target."""
    healthy: bool = False
    """Ask for the target's health before answering."""


@dataclass(frozen=True, slots=True)
class Record:
    """All values of one type at one name; equal records are equal values."""

    name: str
    """Normalised, without a trailing dot; a wildcard begins with `*.`."""
    type: str
    ttl: int | None
    """Seconds; None for an alias."""
    values: tuple[str, ...] = ()
    """Normalised and sorted; TXT as the text itself, SRV as `priority weight port target`."""
    alias: Alias | None = None

    @property
    def key(self) -> tuple[str, str]:
        """What there is one record of."""
        return self.name, self.type


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a name is: a job's of a cluster, or people's of a cluster."""

    cluster: str
    kind: Literal["job", "people"]
    namespace: str = ""
    job: str = ""

    def __str__(self) -> str:
        who = f"{self.namespace}/{self.job}" if self.kind == "job" else "people"
        return f"{who} of cluster {self.cluster}"


@dataclass(frozen=True, slots=True)
class Change:
    """One step of a batch; a change of values is a DELETE of the old and a CREATE of the new."""

    action: Action
    record: Record


@dataclass(frozen=True, slots=True)
class Submitted:
    """A batch that the provider took."""

    id: str
    """The provider's, for `state`."""
    state: ChangeState


@dataclass(frozen=True, slots=True)
class Claim:
    """What the owner record of a name says."""

    owner: Owner
    types: tuple[str, ...]
    """Sorted; other types at the name are not ours."""


@dataclass(frozen=True, slots=True)
class SetRecord:
    """Let a name have this record of this type, and be this owner's."""

    zone: Zone
    record: Record
    owner: Owner
    expected: str | None = None
    """If-Match: the ETag that the name must have; `*`: a record of the type must be there."""
    absent: bool = False
    """If-None-Match: *: no record of the type may be there."""
    overrule: bool = False
    """Change what a job of the same cluster owns; it stays the job's."""

    @property
    def name(self) -> str:
        """The name it is about."""
        return self.record.name


@dataclass(frozen=True, slots=True)
class RemoveRecord:
    """Let a name not have what its owner has there."""

    zone: Zone
    name: str
    type: str | None
    """None: the only type that the owner has there; `*`: all of the owner's."""
    owner: Owner
    expected: str | None = None
    """If-Match: the ETag that the name must have."""
    overrule: bool = False
    """Remove what a job of the same cluster owns."""
    granted: frozenset[str] | None = None
    """Types that may go where `type` says none; None: any."""


Wish = SetRecord | RemoveRecord


@dataclass(frozen=True, slots=True)
class Order:
    """A wish, and who has it."""

    wish: Wish
    caller: Caller
    key: str | None = None
    """Idempotency-Key, the caller's own."""
    request: str = ""
    """Id of the request, for the audit."""
    via: Via = "request"


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a wish that was granted."""

    zone: Zone
    name: str
    type: str
    """Several, when all of a name was removed, are joined by `+`."""
    record: Record | None
    """None after a removal."""
    owner: Owner
    changed: bool
    """False: it was so already, and nothing was sent."""
    created: bool
    """No record of the type was there before."""
    change: str
    """The provider's id of the batch; empty when nothing was sent."""
    state: ChangeState
    etag: str
    """Of the name afterwards; empty when nothing is left there."""
    seq: int
    """Of the intent in the audit; 0 when nothing was sent."""
    replayed: bool = False
    """The first answer again, by its Idempotency-Key."""
