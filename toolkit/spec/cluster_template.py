"""A cluster's CloudFormation template, and what goes with it when the stack is made."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from toolkit.errors import ExitCode


@dataclass(frozen=True)
class Template:
    """The template of one cluster."""

    cluster: str
    """Also the stack's name."""
    region: str
    account: str | None
    """12 digits: the only account that it is for; None: any."""
    body: str
    """Just what is sent: compact JSON."""
    tags: Mapping[str, str]
    """Of the stack."""
    capabilities: tuple[str, ...]
    """What has to be acknowledged when the stack is made."""
    resources: int
    """How many there are."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body.encode())

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body as a value."""
        value: dict[str, Any] = json.loads(self.body)
        return value

    @property
    def code(self) -> ExitCode:
        """0: there is one."""
        return ExitCode.OK
