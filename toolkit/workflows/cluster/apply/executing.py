"""A change set executed, or an operation that goes on already: followed until it is over."""

from __future__ import annotations

from collections.abc import Callable

from toolkit.cluster.secrets.needed import BEGUN
from toolkit.cluster.stack.progress import Progress, failures
from toolkit.cluster.template.servers import server_groups
from toolkit.errors import (
    ApiError,
    ConflictError,
    ExitCode,
    NotFoundError,
    ServerError,
    UnreachableError,
)
from toolkit.spec.cloudformation import ChangeSet, StackView
from toolkit.views.text import counted
from toolkit.workflows.cluster.apply.changes import Drafted, runs, somebody_else
from toolkit.workflows.cluster.apply.follow import Followed, Watch, follow
from toolkit.workflows.cluster.apply.naming import OURS, execute_token
from toolkit.workflows.cluster.apply.secrets import Kept, keep_secrets
from toolkit.workflows.cluster.apply.work import Work, not_begun, under_way

CREATING, CHANGING = "CREATE_IN_PROGRESS", "UPDATE_IN_PROGRESS"
MOST = 3
"""Failures of a way back that are told: the newest, the others were told when they were new."""


def execute(work: Work, drafted: Drafted, kept: Kept, total: int, *, retry: bool) -> Followed:
    """Let CloudFormation do what the change set says; nothing of it is undone by us.

    `retry`: the stack is half made, so that its servers may wait for their cluster to begin.
    ChangedError when the change set is not what it was, and nothing was done.
    """
    fresh = drafted.stack is None
    after = None if fresh else work.stacks.last_event(drafted.set.stack_id)
    with under_way(work, errors=()):
        _start(work, drafted.set, keep=retry)
        return _watch(work, drafted, kept, total, after, retry=retry)


def _watch(
    work: Work, drafted: Drafted, kept: Kept, total: int, after: str | None, *, retry: bool
) -> Followed:
    fresh = drafted.stack is None
    with under_way(work):
        work.say("submit", f"CloudFormation is at it: {counted(total, 'resource')}")
        stack = drafted.stack or StackView(drafted.set.stack_id, work.name, "REVIEW_IN_PROGRESS")
        watch = Watch(work, stack, total=total, after=after, begun=False)
        return _until_over(work, watch, kept if fresh or retry else None, half_made=retry)


def attach(work: Work, stack: StackView) -> Followed:
    """Follow what CloudFormation is at already, and do our part of it.

    A half-made stack that is gone on with may have a cluster that never began.
    """
    with under_way(work):
        work.say("stack", f"it is {stack.status}: CloudFormation is at it, we watch")
        kept = keep_secrets(work) if stack.status in {CREATING, CHANGING} else None
        half_made = stack.status == CHANGING
        if half_made and kept is not None and kept.store.get(BEGUN) is not None:
            kept = None
        return _until_over(work, Watch(work, stack), kept, half_made=half_made)


def resume(work: Work, stack: StackView) -> Followed | None:
    """Finish a way back that failed, when somebody says so; None when nobody does."""
    with not_begun(work):
        events = work.stacks.events(stack.id, None)
        for row in failures(events, work.name)[-MOST:]:
            work.say("fail", f"{row.logical} ({row.kind}): {row.reason or row.status}")
        question = f"putting the stack {work.name} back failed; let CloudFormation go on with that?"
        if not work.tools.confirm(question):
            return None
        work = work.from_now()
    with under_way(work, f"the stack {work.name} may be going back without us"):
        work.stacks.continue_rollback(work.name, f"{OURS}{work.tools.nonce()}")
        after = events[-1].id if events else None
        return _until_over(work, Watch(work, stack, after=after, begun=False), None)


def _start(work: Work, change_set: ChangeSet, *, keep: bool) -> None:
    """Execute it, once; whether a lost answer was a yes is found out by reading."""
    token = execute_token(change_set.id)
    try:
        work.stacks.execute(work.name, change_set.id, token, keep=keep)
    except (ConflictError, NotFoundError) as error:
        if not runs(work, change_set):
            raise somebody_else(work, error.message) from error
    except (UnreachableError, ServerError) as error:
        try:
            heard = runs(work, change_set)
        except ApiError:
            heard = False
        if not heard:
            error.code = ExitCode.UNKNOWN
            error.hint = f"toolkit cluster up {work.name} finds out, and goes on"
            raise


def _until_over(
    work: Work, watch: Watch, kept: Kept | None, *, half_made: bool = False
) -> Followed:
    """Follow; with `kept` the servers are begun as soon as all of them stand."""
    if kept is None:
        return follow(watch, lambda: work.left)
    groups = server_groups(work.cluster)
    # Of a half-made stack some were made by an earlier operation.
    there = _made(work, watch.seen.stack.id, groups) if half_made else frozenset()

    def ready(progress: Progress) -> bool:
        return progress.stand(group for group in groups if group not in there)

    def begin(sleep: Callable[[float], None]) -> None:
        work.say("start", "three servers run: they are told whom to let in")
        try:
            with work.tools.filling.enter(work, kept.store) as access:
                work.tools.filling.begin(work, access, kept.store, sleep)
        except ApiError as error:
            if work.left:
                raise
            # What is said is how far it came: that it was not far enough is our verdict.
            work.say("note", error.message)

    return follow(watch, lambda: work.left, ready=ready, begin=begin)


def _made(work: Work, stack_id: str, groups: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        each.logical
        for each in work.stacks.resources(stack_id)
        if each.logical in groups and each.status.endswith("_COMPLETE")
    )
