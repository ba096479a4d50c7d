"""Who asks a server of ours: verified, never claimed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Workload:
    """A running allocation, by the token that Nomad signed for it."""

    namespace: str
    job: str
    """The job's ID; of a dispatched or periodic child the parent's, as Nomad signs it."""
    task: str
    """Empty for a token of a service."""
    allocation: str
    expires: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        return f"{self.namespace}/{self.job}"


@dataclass(frozen=True, slots=True)
class Person:
    """The holder of a Nomad ACL token, as Nomad itself describes it."""

    accessor: str
    name: str
    policies: frozenset[str] = frozenset()
    """Policies of the token and of its roles."""
    roles: frozenset[str] = frozenset()
    management: bool = False

    def __str__(self) -> str:
        return self.name or f"token {self.accessor[:8]}"


Caller = Workload | Person
