"""What AWS was asked before anything is made, and what was found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from toolkit.errors import ExitCode
from toolkit.spec.aws import (
    CertificateView,
    HostedZoneView,
    ImageView,
    InstanceTypeView,
    KeyView,
    ZoneRecord,
    ZoneView,
)

FindingKind = Literal["stops", "warns", "unchecked"]
"""It would fail; it may, or will one day; nobody could say."""


@dataclass(frozen=True, slots=True)
class Unseen:
    """A question without an answer: denied, throttled to the end, not reached."""

    why: str
    """One clause: what AWS said."""
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """AWS's answers, each None where it was not asked."""

    account: str
    """12 digits."""
    stack: Literal["none", "ours", "others"] = "none"
    """What has the stack's name."""
    offered: Mapping[str, frozenset[str]] | Unseen | None = None
    """Zone -> those of the cluster's instance types that it has; zones without any are left out."""
    zones: tuple[ZoneView, ...] | Unseen | None = None
    """Asked only where a zone of the cluster has none of its types."""
    types: Mapping[str, InstanceTypeView] | Unseen | None = None
    """Those that the region has, by name."""
    parameters: Mapping[str, str] | Unseen | None = None
    """Those there are of the images' and, for a new stack, the boot scripts'."""
    images: Mapping[str, ImageView] | Unseen | None = None
    """Those there are, by id."""
    quotas: Mapping[str, float | Unseen] = field(default_factory=lambda: MappingProxyType({}))
    """By code; what was not asked for is left out."""
    vcpus: Mapping[tuple[str, bool], int] | Unseen | None = None
    """Of machines that are not this cluster's, by class and whether they are spot."""
    addresses: int | Unseen | None = None
    """Elastic IPs that are not this cluster's."""
    vpcs: int | Unseen | None = None
    interfaces: int | Unseen | None = None
    """Network interfaces, all of the region's."""
    boundary: bool | Unseen | None = None
    """The policy exists."""
    hosted: tuple[HostedZoneView, ...] | Unseen | None = None
    """Zones of the public domain's name, private ones too."""
    records: tuple[ZoneRecord, ...] | Unseen | None = None
    """What is at the edge's names."""
    certificate: tuple[CertificateView, ...] | Unseen | None = None
    """Empty: there is none of that ARN."""
    groups: Mapping[str, str] | Unseen | None = None
    """Autoscaling groups that have a name of ours -> the cluster that their tag says, or none."""
    roles: tuple[str, ...] | Unseen | None = None
    """Those of our names that the account has already."""
    key: tuple[KeyView, ...] | Unseen | None = None
    """The key that has our alias; empty: nobody's."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about the account, the region or the cluster file that AWS made known."""

    kind: FindingKind
    about: str
    """What was asked about: `zones`, `image`, `quota`, `boundary`, `domain`, `certificate`, …"""
    message: str
    """One sentence."""
    hint: str | None = None
    """What to do."""
    where: str = ""
    """The cluster file, where a line of it is to blame."""
    key: str | None = None
    """Dotted, such as `servers.type`."""
    line: int | None = None
    """1-based; None where the file leaves the key out."""

    def __str__(self) -> str:
        place = self.where if self.line is None else f"{self.where}:{self.line}"
        key = "" if self.key is None else f"{self.key}: "
        hint = "" if self.hint is None else f" ({self.hint})"
        return f"{place}{': ' if place else ''}{key}{self.message}{hint}"


@dataclass(frozen=True, slots=True)
class Preflight:
    """All that was found, in the order of the cluster's making."""

    account: str
    """12 digits."""
    region: str
    findings: tuple[Finding, ...] = ()
    checked: tuple[str, ...] = ()
    """What AWS answered for, in words: `zones`, `machine quotas`, …"""
    unasked: tuple[str, ...] = ()
    """What there was no call left for: whoever makes the cluster asks for these too."""

    @property
    def stops(self) -> tuple[Finding, ...]:
        """What would fail: nothing may be made."""
        return tuple(each for each in self.findings if each.kind == "stops")

    @property
    def code(self) -> ExitCode:
        """Refused while anything stops; what warns or is not known does not."""
        return ExitCode.REFUSED if self.stops else ExitCode.OK
