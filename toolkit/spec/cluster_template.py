"""A cluster's CloudFormation template, and what goes with it when the stack is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from toolkit.errors import ExitCode
from toolkit.spec.cluster import Cluster, Slot, Subnets


@dataclass(frozen=True, slots=True)
class Template:
    """The template of one cluster."""

    stack: str
    """The stack's name, which is the cluster's: it is in policies, and machines signal it."""
    body: str
    """Just what is sent: compact JSON."""
    tags: Mapping[str, str]
    """Of the stack; CloudFormation puts them on all that it makes."""
    capabilities: tuple[str, ...]
    """What has to be acknowledged when the stack is made."""
    resources: int
    """How many there are."""

    @property
    def size(self) -> int:
        """Bytes of the body."""
        return len(self.body.encode())


@dataclass(frozen=True, slots=True)
class ClusterTemplateReport:
    """The template beside what the cluster file comes to."""

    cluster: Cluster
    template: Template
    slots: tuple[Slot, ...]
    subnets: tuple[Subnets, ...]

    @property
    def code(self) -> ExitCode:
        """0: there is a template."""
        return ExitCode.OK
