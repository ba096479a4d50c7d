"""The audit of a server of ours as it flows: who did what, to what, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from toolkit.spec.identity import Caller, Workload

EntryKind = Literal["intent", "outcome"]
Result = Literal["", "done", "not done", "refused", "failed", "unknown"]
"""Of an outcome. `not done` and `refused`: nothing was changed; `unknown`: it cannot be told."""

Json = Mapping[str, object] | Sequence[object] | str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did it: verified, never claimed."""

    kind: Literal["workload", "person"]
    namespace: str = ""
    job: str = ""
    task: str = ""
    allocation: str = ""
    accessor: str = ""
    name: str = ""

    def __str__(self) -> str:
        if self.kind == "workload":
            return f"{self.namespace}/{self.job}"
        return self.name or f"token {self.accessor[:8]}"


def actor_of(caller: Caller) -> Actor:
    """The caller as the audit names it."""
    if isinstance(caller, Workload):
        return Actor("workload", caller.namespace, caller.job, caller.task, caller.allocation)
    return Actor("person", accessor=caller.accessor, name=caller.name)


@dataclass(frozen=True, slots=True)
class Draft:
    """An entry before it has its place in the chain."""

    kind: EntryKind
    action: str
    """Such as `dns.set`."""
    actor: Actor
    subject: str = ""
    """What it is about, such as a name."""
    zone: str = ""
    via: str = "request"
    request: str = ""
    """Id of the request."""
    key: str = ""
    """Idempotency-Key."""
    fingerprint: str = ""
    """Digest of what was asked, to know the same question again."""
    before: Json = None
    after: Json = None
    intent: int = 0
    """Of an outcome: the sequence number of its intent."""
    result: Result = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the audit."""

    seq: int
    """From 1, without gaps: the order of what happened, whatever the clock did."""
    time: str
    """UTC, by the server's clock."""
    prev: str
    """Hash of the line before."""
    what: Draft
    hash: str
    """Over everything else in the line."""
