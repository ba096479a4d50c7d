"""Whether the allocation that a token names is there, is its job's, and is not over.

A token lives on after its allocation, and Nomad has no list of revoked ones. As for Nomad itself an
allocation is over when its node says so: one that was told to stop may still take its records back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from toolkit.errors import ServerError, UnreachableError
from toolkit.identity.asking import Asker
from toolkit.identity.limits import Limits
from toolkit.identity.reasons import refusal
from toolkit.identity.remembered import Remembered
from toolkit.spec.identity import Workload

_OVER = {"complete", "failed", "lost"}


@dataclass(frozen=True, slots=True)
class Seen:
    """What Nomad says of an allocation."""

    namespace: str
    job: str
    """The job's ID, of a dispatched or periodic child the parent's."""
    over: bool


GONE = Seen("", "", over=True)


class Alive:
    """Asks after allocations; for many threads."""

    def __init__(self, asker: Asker, limits: Limits, clock: Callable[[], float]) -> None:
        self._asker = asker
        self._fresh = min(limits.alive, limits.alive_stale)
        self._stale = limits.alive_stale
        self._seen: Remembered[Seen] = Remembered(limits.remembered, clock)

    def check(self, workload: Workload) -> None:
        """Raises IdentityError `dead-allocation` or `foreign-allocation`, or an ApiError."""
        seen = self._look(workload.allocation)
        if seen.over:
            raise refusal("dead-allocation")
        if (seen.namespace, seen.job) != (workload.namespace, workload.job):
            raise refusal("foreign-allocation")

    def _look(self, allocation: str) -> Seen:
        key = allocation.encode()
        fresh = self._seen.get(key, self._fresh)
        if fresh is not None:
            return fresh
        try:
            found = self._asker.ask(lambda nomad: nomad.whereabouts(allocation))
        except (UnreachableError, ServerError):
            before = self._seen.get(key, self._stale)
            if before is None:
                raise
            return before
        seen = GONE if found is None else read_allocation(found)
        self._seen.put(key, seen)
        return seen


def read_allocation(found: Mapping[str, Any]) -> Seen:
    """What of an allocation matters here."""
    job = found.get("Job") or {}
    return Seen(
        namespace=str(found.get("Namespace") or ""),
        job=str(job.get("ParentID") or found.get("JobID") or ""),
        over=found.get("ClientStatus") in _OVER,
    )
