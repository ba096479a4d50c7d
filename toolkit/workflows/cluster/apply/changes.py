"""A change set: made, read to its end, and forgotten unless it is executed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from toolkit.clients.aws.stack_texts import says_nothing_changes
from toolkit.errors import ApiError, ChangedError, RefusedError
from toolkit.spec.cloudformation import ChangeSet, ChangeSetKind, StackView
from toolkit.spec.cluster_template import Template
from toolkit.workflows.cluster.apply.naming import OURS, change_set_name
from toolkit.workflows.cluster.apply.work import Work

PAUSES = (1.0, 2.0, 4.0, 5.0)
"""Seconds between looks at a change set that is being made; the last one again and again."""
PATIENCE = 300.0
"""Seconds until CloudFormation has compared two templates, or never will."""
STALE = timedelta(hours=1)
"""Age at which nobody looks at a plan's change set any more."""
_MAKING = {"CREATE_PENDING", "CREATE_IN_PROGRESS"}
_RUNNING = {"EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE"}


@dataclass(frozen=True, slots=True)
class Drafted:
    """A change set that can be executed."""

    set: ChangeSet
    stack: StackView | None
    """As it was when the change set was made; None: it was made with it."""


def draft(
    work: Work, purpose: Literal["plan", "up"], template: Template, stack: StackView | None
) -> Drafted | None:
    """Let CloudFormation compare; None when there is nothing to change, and nothing is left of it.

    RefusedError with CloudFormation's reason when it cannot be done. What cannot be executed is
    forgotten, but for the one that an empty stack was made with: by its name alone the stack is
    known to be ours, and the next run deletes both.
    """
    nonce = work.tools.nonce()
    # Two plans at once have one each; two of `up` see each other's.
    name = f"{OURS}plan-{nonce}" if purpose == "plan" else change_set_name(template, stack)
    kind: ChangeSetKind = "CREATE" if stack is None else "UPDATE"
    token = f"{name}-{nonce}"
    stack_name = work.name
    change_set = work.stacks.create_change_set(stack_name, name, template, kind, token=token)
    try:
        made = _await_made(work, change_set)
    except BaseException:
        if stack is not None:
            with suppress(ApiError):
                work.stacks.delete_change_set(stack_name, change_set)
        raise
    empty = kind == "UPDATE" and not made.changes
    if made.status == "CREATE_COMPLETE" and made.execution == "AVAILABLE" and not empty:
        return Drafted(made, stack)
    if stack is not None:
        forget(work, made)
    if says_nothing_changes(made.reason) or (empty and made.execution == "AVAILABLE"):
        return None
    if made.status == "CREATE_COMPLETE":
        raise somebody_else(work, f"the change set {name} is {made.execution}")
    raise RefusedError(
        f"CloudFormation refuses to change the stack {stack_name}: "
        + (made.reason.rstrip(". ") or f"the change set is {made.status}"),
        hint=f"toolkit cluster template {stack_name} shows what it was given",
    )


class Until:
    """Whether a change set is still wanted when its block ends."""

    def __init__(self, drafted: Drafted | None) -> None:
        self.drafted = drafted
        self.wanted = False

    def keep(self) -> None:
        """It is: it will be executed."""
        self.wanted = True


@contextmanager
def forgotten(work: Work, drafted: Drafted | None) -> Iterator[Until]:
    """Forget the change set when the block ends, however it ends, unless it is to be kept."""
    until = Until(drafted)
    try:
        yield until
    finally:
        if drafted is not None and not until.wanted:
            # What ended the block is what has to be said.
            with suppress(ApiError):
                forget(work, drafted.set)


def forget(work: Work, change_set: ChangeSet) -> None:
    """Delete a change set that is not executed; by its id, so that it is never another one."""
    work.stacks.delete_change_set(work.name, change_set.id)


def tidy(work: Work) -> None:
    """Delete what killed runs left: change sets of `up`, and of plans that nobody looks at."""
    before = datetime.fromtimestamp(work.tools.now(), UTC) - STALE
    for each in work.stacks.change_sets(work.name):
        if not each.name.startswith(OURS) or each.execution in _RUNNING:
            continue
        if each.name.startswith(f"{OURS}up-") or (each.created and each.created < before):
            work.stacks.delete_change_set(work.name, each.id)


def unchanged_since(work: Work, drafted: Drafted) -> None:
    """ChangedError when somebody changed the stack since the change set was made."""
    if drafted.stack is None:
        return
    now = work.stacks.find(drafted.stack.id)
    was = drafted.stack
    if now is None or (now.status, now.updated) != (was.status, was.updated):
        status = "gone" if now is None else now.status
        raise somebody_else(work, f"it was {was.status}, and is {status}")


def runs(work: Work, change_set: ChangeSet) -> bool:
    """Whether the change set is being executed, or was; by reading, after an answer was lost."""
    found = work.stacks.change_set(work.name, change_set.id)
    return found is not None and found.execution in _RUNNING


def somebody_else(work: Work, what: str) -> ChangedError:
    """What is said when the stack is not what the change was made for."""
    return ChangedError(
        f"somebody else changed the stack {work.name} meanwhile ({what}): nothing was done",
        hint=f"toolkit cluster plan {work.name} shows what is to be done now",
    )


def _await_made(work: Work, change_set: str) -> ChangeSet:
    began, pauses = work.tools.clock(), list(PAUSES)
    while True:
        found = work.stacks.change_set(work.name, change_set)
        if found is None:
            raise somebody_else(work, "the change set is gone")
        if found.status not in _MAKING:
            return found
        waited = work.tools.clock() - began
        if waited > PATIENCE or not work.left:
            raise ApiError(
                f"CloudFormation has not compared the templates within {waited:.0f} s",
                system="AWS",
                hint="nothing was changed: run the command again",
            )
        work.pause(pauses.pop(0) if len(pauses) > 1 else pauses[0])
