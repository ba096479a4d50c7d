"""What CloudFormation says of a stack: its state, its change sets, its events, its resources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Literal

ChangeSetKind = Literal["CREATE", "UPDATE"]
"""For a stack that is not there, or holds nothing but a change set; and for one that is."""


@dataclass(frozen=True, slots=True)
class StackView:
    """One stack, as it was when it was asked for."""

    id: str
    """Its ARN, which outlives the name: a stack that was deleted is found by it alone."""
    name: str
    status: str
    """CloudFormation's own word, such as `UPDATE_COMPLETE`."""
    reason: str = ""
    """Why; most statuses have none."""
    tags: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    protected: bool = False
    """Termination protection is on."""
    created: datetime | None = None
    updated: datetime | None = None
    """When it was changed last; None where it never was."""


@dataclass(frozen=True, slots=True)
class Why:
    """One of the reasons for a change."""

    property: str
    """`Properties.InstanceType`; empty where more than one property is meant, as with tags."""
    source: str = ""
    """`DirectModification`, `ResourceReference`, `ResourceAttribute`, `Automatic`, …"""
    recreation: str = ""
    """Whether the resource is made anew for it: `Never`, `Conditionally`, `Always`."""
    cause: str = ""
    """What changes it: `Lt.LatestVersionNumber`; empty for a direct modification."""
    scope: str = ""
    """`Properties`, `Tags`, `Metadata`, `DeletionPolicy`, …"""


@dataclass(frozen=True, slots=True)
class Change:
    """What a change set does to one resource."""

    action: str
    """`Add`, `Modify`, `Remove`, `Import` or `Dynamic`."""
    logical: str
    kind: str
    """`AWS::EC2::Volume`."""
    physical: str = ""
    """Its id; empty where it is not there yet."""
    replacement: str = ""
    """`True`, `False` or `Conditional`; empty where nothing is modified."""
    details: tuple[Why, ...] = ()
    policy: str = ""
    """What becomes of the old one: `Delete`, `Retain`, `ReplaceAndRetain`, …"""


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """A change set with all of its changes."""

    id: str
    name: str
    status: str
    """`CREATE_PENDING`, `CREATE_IN_PROGRESS`, `CREATE_COMPLETE`, `FAILED`, `DELETE_…`."""
    execution: str
    """`UNAVAILABLE`, `AVAILABLE`, `EXECUTE_IN_PROGRESS`, `EXECUTE_COMPLETE`, `OBSOLETE`, …"""
    reason: str
    """Why it failed; that there is nothing to change is such a failure."""
    changes: tuple[Change, ...]
    stack_id: str


@dataclass(frozen=True, slots=True)
class ChangeSetView:
    """A change set of a list, without its changes."""

    id: str
    name: str
    status: str
    execution: str
    created: datetime | None = None


@dataclass(frozen=True, slots=True)
class StackEvent:
    """One thing that happened to a stack, or to one of its resources."""

    id: str
    at: datetime
    logical: str
    """The stack's own events have its name here."""
    kind: str
    """`AWS::CloudFormation::Stack` for the stack's own."""
    status: str
    reason: str = ""
    physical: str = ""
    token: str = ""
    """The token of the request that led to it; empty where none was given."""


@dataclass(frozen=True, slots=True)
class StackResource:
    """One resource of a stack."""

    logical: str
    physical: str
    """Its id, name or ARN; empty before there is one."""
    kind: str
    status: str
    reason: str = ""
