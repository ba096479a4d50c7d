"""Templates as our CloudFormation reads them, and what it answers with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from moto.core.exceptions import ServiceException

from tests.cluster.aws.intrinsics import in_order
from tests.cluster.aws.kinds import KINDS
from tests.cluster.aws.stack import Stack


class Refusal(ServiceException):
    """An answer that is an error."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def invalid(message: str) -> Refusal:
    """What nearly every refusal of CloudFormation is."""
    return Refusal("ValidationError", message)


def read_template(body: str) -> dict[str, Any]:
    """The resources of a template."""
    try:
        document = json.loads(body)
        resources: dict[str, Any] = document["Resources"]
        in_order(resources)
    except (ValueError, KeyError, TypeError) as exc:
        raise invalid(f"Template format error: {exc}") from exc
    unknown = sorted({each["Type"] for each in resources.values()} - set(KINDS))
    if unknown:
        raise invalid(f"Template format error: Unrecognized resource types: {unknown}")
    for name in resources:
        if not re.fullmatch(r"[A-Za-z0-9]{1,255}", name):
            raise invalid(f"Template format error: Resource name {name} is non alphanumeric.")
    return resources


def rows_of(stack: Stack, time: str) -> list[dict[str, Any]]:
    """A stack's resources; `time` is how the answer calls the moment of the last change."""
    rows = []
    for each in stack.resources.values():
        row: Mapping[str, Any] = {
            "StackName": stack.name,
            "StackId": stack.id,
            "LogicalResourceId": each.logical,
            "PhysicalResourceId": each.physical or None,
            "ResourceType": each.kind,
            "ResourceStatus": each.status,
            "ResourceStatusReason": each.reason or None,
            time: each.at,
        }
        rows.append({key: value for key, value in row.items() if value is not None})
    return rows
