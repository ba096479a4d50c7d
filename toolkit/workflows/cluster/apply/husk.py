"""A stack that holds nothing, and that CloudFormation lets nobody make anew: deleted first."""

from __future__ import annotations

from toolkit.cluster.stack.statuses import standing
from toolkit.errors import ApiError, ExitCode
from toolkit.spec.cloudformation import StackView
from toolkit.workflows.cluster.apply.changes import somebody_else
from toolkit.workflows.cluster.apply.naming import OURS
from toolkit.workflows.cluster.apply.work import Work

GONE = "DELETE_COMPLETE"
PAUSE = 1.0
PATIENCE = 300.0
"""Seconds: there is nothing in it to delete."""


def clear_husk(work: Work, stack: StackView) -> None:
    """Delete a stack of ours in ROLLBACK_COMPLETE or REVIEW_IN_PROGRESS, and wait until it is gone.

    ChangedError when it is not what it was any more: another `up` may have filled it meanwhile.
    Protection of something that holds nothing protects nothing, and is switched off.
    """
    work.say("stack", f"the stack is {standing(stack.status).word}: it is deleted, and made anew")
    seen = work.stacks.find(stack.id)
    if seen is None or seen.status == GONE:
        return
    if seen.status != stack.status:
        raise somebody_else(work, f"it was {stack.status}, and is {seen.status}")
    if stack.protected:
        work.stacks.protect(work.name, on=False)
    # By its id: never another one that somebody makes of that name meanwhile.
    work.stacks.delete(stack.id, f"{OURS}{work.tools.nonce()}")
    began = work.tools.clock()
    while True:
        now = work.stacks.find(stack.id)
        if now is None or now.status == GONE:
            return
        late = work.tools.clock() - began > PATIENCE or not work.left
        if now.status == "DELETE_FAILED" or late:
            raise ApiError(
                f"the empty stack {work.name} is not gone: it is {now.status}",
                system="AWS",
                hint=f"toolkit cluster down {work.name}, then up again",
                code=ExitCode.UNKNOWN,
            )
        work.pause(PAUSE)
