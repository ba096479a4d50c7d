"""What the commands of `toolkit dns` found and did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from toolkit.errors import ExitCode


@dataclass(frozen=True, slots=True)
class DnsRecord:
    """One record as the kick server tells it."""

    name: str
    type: str
    zone: str
    """`public` or `private`."""
    values: tuple[str, ...] = ()
    ttl: int | None = None
    """Seconds; None for an alias."""
    alias: str | None = None
    """Target of an alias, in the place of values."""
    owner: str = ""
    """Such as `default/shop of cluster dev`."""
    state: str | None = None
    """`PENDING` or `INSYNC`; None where the server does not say."""


@dataclass(frozen=True, slots=True)
class DnsListReport:
    """`toolkit dns list`: the records that the kick server keeps, as far as one may see them."""

    environment: str
    address: str
    """The kick server's."""
    records: tuple[DnsRecord, ...]
    """By zone, name and type."""

    @property
    def code(self) -> ExitCode:
        """None is an answer, too."""
        return ExitCode.OK


DnsVerdict = Literal["set", "deleted", "unchanged", "pending"]


@dataclass(frozen=True, slots=True)
class DnsChangeReport:
    """`toolkit dns set` and `delete`: one record, before and after."""

    verdict: DnsVerdict
    """`pending`: it was changed, and the provider had not told all its servers in time."""
    sentence: str
    environment: str
    address: str
    name: str
    type: str
    before: DnsRecord | None
    after: DnsRecord | None
    notes: tuple[str, ...] = ()
    next: str | None = None
    """What shows the answer, in a local cluster."""
    seconds: float = 0.0
    """From the request to the end of the wait."""

    @property
    def code(self) -> ExitCode:
        """What is pending is not known to be answered everywhere."""
        return ExitCode.UNKNOWN if self.verdict == "pending" else ExitCode.OK


@dataclass(frozen=True, slots=True)
class DnsStep:
    """One change of a turn of the reconciler's."""

    action: str
    """`create`, `update` or `delete`."""
    name: str
    type: str
    zone: str
    owner: str
    before: tuple[str, ...]
    after: tuple[str, ...]
    ttl: int | None = None
    """Seconds, afterwards."""
    why: str = ""
    result: str = ""
    """`done` or `failed`; empty in a plan."""
    detail: str = ""
    """Why it failed."""


@dataclass(frozen=True, slots=True)
class DnsHeld:
    """A name that is left as it is, although a job asks for something else."""

    name: str
    type: str
    zone: str | None
    """None where no zone is its own."""
    owner: str
    reason: str
    """A slug, such as `policy` or `taken`."""
    detail: str
    refused: bool = False
    """Somebody has to do something: it will not come right by itself."""


@dataclass(frozen=True, slots=True)
class DnsLeaving:
    """A name whose job asks for it no longer, on its way out."""

    name: str
    types: tuple[str, ...]
    zone: str
    owner: str
    why: str
    seconds: float | None = None
    """Until it goes; None: never, the server does not delete."""


@dataclass(frozen=True, slots=True)
class DnsTurnReport:
    """`toolkit dns plan` and `sync`: what follows from the jobs, and what is kept from it."""

    action: Literal["plan", "sync"]
    environment: str
    address: str
    steps: tuple[DnsStep, ...] = ()
    held: tuple[DnsHeld, ...] = ()
    leaving: tuple[DnsLeaving, ...] = ()
    unchanged: int = 0
    """Records that are as the jobs ask."""
    jobs: int = 0
    """Living jobs that ask for names."""
    seconds: float = 0.0
    """How long the turn took."""

    @property
    def failed(self) -> int:
        """Changes that did not come about."""
        return sum(step.result == "failed" for step in self.steps)

    @property
    def code(self) -> ExitCode:
        """10 when a plan has changes; a sync ends as its worst change."""
        if self.action == "plan":
            return ExitCode.CHANGES if self.steps else ExitCode.OK
        return ExitCode.FAILED if self.failed else ExitCode.OK


@dataclass(frozen=True, slots=True)
class DnsAuditReport:
    """`toolkit dns audit`: who did what, and whether the chain of it holds."""

    environment: str
    address: str
    entries: tuple[Mapping[str, Any], ...]
    """As they are in the audit, in its order."""
    verified: bool | None
    """None: it was not asked; an audit that does not hold is an error."""
    head: str = ""
    """Hash of the newest entry: to be kept, and to be asked for the next time."""
    count: int = 0
    """Entries of the whole audit: the number of the newest."""
    anchor: str | None = None
    """`SEQ:HASH` that was verified from; None: from the first entry on."""

    @property
    def code(self) -> ExitCode:
        """An audit that does not hold is an error."""
        return ExitCode.OK


@dataclass(frozen=True, slots=True)
class DnsIamReport:
    """`toolkit dns iam`: the policy of the role that the kick server takes on in AWS."""

    source: str
    """The kick.toml that it follows from."""
    policy: Mapping[str, Any] = field(default_factory=dict)

    @property
    def code(self) -> ExitCode:
        """It was made, or an error was raised."""
        return ExitCode.OK
