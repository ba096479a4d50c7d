"""How far CloudFormation is with a stack, from its events: pure.

Events come oldest first. Those of earlier operations say which resources there are; what failed and
what is counted is of the operation that goes on, or that was the last.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from toolkit.clients.aws.stack_texts import says_cancelled
from toolkit.spec.cloudformation import StackEvent
from toolkit.spec.cluster_apply import FailureRow

STACK = "AWS::CloudFormation::Stack"
_BEGINS = {"CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS", "IMPORT_IN_PROGRESS", "DELETE_IN_PROGRESS"}
_MADE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE"}
_VERBS = {
    "CREATE_COMPLETE": "made",
    "UPDATE_COMPLETE": "changed",
    "DELETE_COMPLETE": "removed",
    "DELETE_SKIPPED": "kept",
    "IMPORT_COMPLETE": "taken in",
    "ROLLBACK_COMPLETE": "taken back",
    "UPDATE_ROLLBACK_COMPLETE": "put back",
    "IMPORT_ROLLBACK_COMPLETE": "put back",
}


@dataclass(frozen=True, slots=True)
class Progress:
    """What the events so far come to."""

    latest: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """The newest status of each resource, by its logical id, whichever operation it is of."""
    done: frozenset[str] = frozenset()
    """Resources that this operation is finished with."""
    failed: tuple[FailureRow, ...] = ()
    """Those of this operation, in the order in which they failed: the first is the cause."""
    last: str | None = None
    """Id of the newest event."""

    def stand(self, logical: Iterable[str]) -> bool:
        """Whether all of these resources are made."""
        return all(self.latest.get(each) in _MADE for each in logical)

    def waits_for(self) -> tuple[str, ...]:
        """Resources that CloudFormation is at, sorted."""
        return tuple(
            sorted(name for name, status in self.latest.items() if status.endswith("_IN_PROGRESS"))
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One transition of one resource, or of the stack itself."""

    logical: str
    kind: str
    verb: str
    """`made`, `changed`, `removed`, or `failed`."""
    reason: str = ""
    done: int = 0
    """How many resources the operation was finished with then."""


def advance(
    progress: Progress, events: Iterable[StackEvent], stack: str
) -> tuple[Progress, tuple[Step, ...]]:
    """The progress after more events, and the transitions that are worth a line each."""
    latest, done, failed = dict(progress.latest), set(progress.done), list(progress.failed)
    last = progress.last
    steps: list[Step] = []
    for event in events:
        last = event.id
        if is_of_stack(event, stack):
            if event.status in _BEGINS:
                # What came before is of an operation that is over.
                done.clear()
                failed.clear()
                steps.clear()
            continue
        if latest.get(event.logical) == event.status and not event.reason:
            continue  # told before: a list that grows while it is read says some things twice
        latest[event.logical] = event.status
        kind = event.kind.removeprefix("AWS::")
        if event.status.endswith("_FAILED"):
            if says_cancelled(event.reason):
                continue
            failed.append(FailureRow(event.logical, kind, event.status, event.reason))
            steps.append(Step(event.logical, kind, "failed", event.reason))
        elif verb := _VERBS.get(event.status):
            done.add(event.logical)
            steps.append(Step(event.logical, kind, verb, done=len(done)))
    after = replace(
        progress,
        latest=MappingProxyType(latest),
        done=frozenset(done),
        failed=tuple(failed),
        last=last,
    )
    return after, tuple(steps)


def failures(events: Iterable[StackEvent], stack: str) -> tuple[FailureRow, ...]:
    """What failed in the last operation that these events are of, in the order of failing."""
    return advance(Progress(), events, stack)[0].failed


def is_of_stack(event: StackEvent, stack: str) -> bool:
    """Whether it is about the stack as a whole, not about a resource."""
    return event.kind == STACK and event.logical == stack
