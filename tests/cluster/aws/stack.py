"""A stack as CloudFormation keeps it, and what it says of it."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.cluster.aws.kind import Made, Properties

_TICKS = itertools.count()


def now() -> datetime:
    """Never the same twice: events are told apart and put in order by it."""
    return datetime.now(UTC) + timedelta(microseconds=next(_TICKS) % 1000)


@dataclass
class Resource:
    """One resource that is there, or was tried."""

    logical: str
    kind: str
    made: Made | None = None
    properties: Properties = field(default_factory=dict)
    """Resolved, as it was made."""
    said: Mapping[str, Any] = field(default_factory=dict)
    """The template's entry."""
    status: str = "CREATE_IN_PROGRESS"
    reason: str = ""
    at: datetime = field(default_factory=now)

    @property
    def physical(self) -> str:
        """Empty while there is none."""
        return self.made.physical if self.made else ""


@dataclass
class ChangeSet:
    """A change set."""

    id: str
    name: str
    kind: str
    body: str
    tags: dict[str, str]
    token: str
    on_failure: str
    changes: list[dict[str, Any]]
    status: str = "CREATE_COMPLETE"
    execution: str = "AVAILABLE"
    reason: str = ""
    looks: int = 0
    """Looks that still find it being made."""
    executed: str = ""
    """Token that it was executed with."""
    created: datetime = field(default_factory=now)


@dataclass
class Stack:
    """A stack."""

    id: str
    name: str
    status: str = "REVIEW_IN_PROGRESS"
    reason: str = ""
    body: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    protected: bool = False
    on_failure: str = ""
    resources: dict[str, Resource] = field(default_factory=dict)
    sets: dict[str, ChangeSet] = field(default_factory=dict)
    past: dict[str, ChangeSet] = field(default_factory=dict)
    """Executed, by id: found for a while longer."""
    events: list[dict[str, Any]] = field(default_factory=list)
    """Oldest first."""
    left: list[Resource] = field(default_factory=list)
    """Replaced, and still to be deleted."""
    stable: bool = False
    """It was whole once, so that there is something to go back to."""
    turn: int = 0
    """Counts deletions: each ends what was going on."""
    thread: threading.Thread | None = None
    telling: threading.Lock = field(default_factory=threading.Lock, repr=False)
    created: datetime = field(default_factory=now)
    updated: datetime | None = None
    deleted: datetime | None = None

    @property
    def template(self) -> dict[str, Any]:
        """The document that it has."""
        found: dict[str, Any] = json.loads(self.body) if self.body else {}
        return found

    def say(self, status: str, reason: str = "", token: str = "") -> None:
        """The stack's own status, and the event of it."""
        self.status, self.reason = status, reason
        self._event(self.name, self.id, "AWS::CloudFormation::Stack", status, reason, token)

    def tell(self, resource: Resource, status: str, reason: str = "") -> None:
        """A resource's status, and the event of it."""
        resource.status, resource.reason, resource.at = status, reason, now()
        self._event(resource.logical, resource.physical, resource.kind, status, reason)

    def _event(
        self, logical: str, physical: str, kind: str, status: str, reason: str, token: str = ""
    ) -> None:
        event: dict[str, Any] = {
            "StackId": self.id,
            "StackName": self.name,
            "LogicalResourceId": logical,
            "PhysicalResourceId": physical,
            "ResourceType": kind,
            "ResourceStatus": status,
        }
        if reason:
            event["ResourceStatusReason"] = reason
        if token:
            event["ClientRequestToken"] = token
        # Resources tell from threads of their own: the order is that of the times.
        with self.telling:
            number = len(self.events)
            event |= {"EventId": f"{logical}-{number:06d}", "Timestamp": now()}
            self.events.append(event)

    def document(self) -> dict[str, Any]:
        """As DescribeStacks says it."""
        said: dict[str, Any] = {
            "StackId": self.id,
            "StackName": self.name,
            "CreationTime": self.created,
            "StackStatus": self.status,
            "DisableRollback": self.on_failure == "DO_NOTHING",
            "EnableTerminationProtection": self.protected,
            # They are the change set's until one is executed.
            "Tags": []
            if self.status == "REVIEW_IN_PROGRESS"
            else [{"Key": key, "Value": value} for key, value in self.tags.items()],
            "NotificationARNs": [],
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
        if self.reason:
            said["StackStatusReason"] = self.reason
        if self.updated:
            said["LastUpdatedTime"] = self.updated
        if self.deleted:
            said["DeletionTime"] = self.deleted
        return said
