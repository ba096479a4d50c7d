"""What a type of resource is to our CloudFormation: how one is made, changed and deleted."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

Properties = dict[str, Any]
Tags = dict[str, str]


@dataclass
class Place:
    """Where a resource is made: its stack, its logical id, and the clients of the region."""

    stack: str
    logical: str
    client: Callable[[str], Any]

    def name(self, most: int = 64) -> str:
        """A physical name as CloudFormation makes them."""
        end = uuid.uuid4().hex[:12].upper()
        return f"{self.stack}-{self.logical}"[: most - 13] + f"-{end}"


@dataclass
class Made:
    """A resource that is there."""

    physical: str
    attributes: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Kind:
    """One type: `only` are the properties that make another resource, `perhaps` those that may."""

    create: Callable[[Place, Properties, Tags], Made]
    delete: Callable[[Place, Made, Properties], object]
    update: Callable[[Place, Made, Properties, Properties, Tags], object] | None = None
    only: frozenset[str] = frozenset()
    perhaps: frozenset[str] = frozenset()
    tagged: bool = True


GONE = (
    "NotFound", "NoSuchEntity", "NoSuchHostedZone", "ParameterNotFound", "NonExistentQueue",
    "NotFoundException", "ResourceNotFoundException", "InvalidAssociationID.NotFound",
)  # fmt: skip


def is_gone(error: ClientError) -> bool:
    """Whether a deletion failed for want of what is deleted."""
    code = error.response["Error"]["Code"]
    message = error.response["Error"]["Message"]
    return code.endswith(GONE) or "not found" in message


def listed(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """As most APIs want them."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def with_own(properties: Properties, tags: Tags, key: str = "Tags") -> Tags:
    """The stack's tags under the resource's own."""
    own = properties.get(key, [])
    if isinstance(own, dict):
        return {**tags, **own}
    return {**tags, **{each["Key"]: each["Value"] for each in own}}


def without(properties: Properties, *keys: str) -> Properties:
    """All but some."""
    return {key: value for key, value in properties.items() if key not in keys}
