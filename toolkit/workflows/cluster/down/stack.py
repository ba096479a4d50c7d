"""The stack: its zone emptied for it, its protection switched off, deleted, and followed."""

from __future__ import annotations

from toolkit.cluster.ending import squatters, strangers, stuck
from toolkit.cluster.stack.progress import Progress, advance, is_of_stack
from toolkit.errors import ConflictError, InvalidRequestError
from toolkit.spec.cloudformation import StackView
from toolkit.spec.cluster_down import Remains
from toolkit.workflows.cluster.down.machines import let_go
from toolkit.workflows.cluster.down.work import Work

GONE, FAILED, GOING = "DELETE_COMPLETE", "DELETE_FAILED", "DELETE_IN_PROGRESS"
ZONE = "Zone"
"""The private zone, as the template calls it."""
SUBNET = "AWS::EC2::Subnet"
TRIES = 5


def empty_zone(work: Work, stack: StackView) -> int:
    """Delete what others wrote into the private zone, of whatever type; how many records.

    Route 53 deletes no zone that has records, and CloudFormation knows only its own.
    """
    found = [each for each in work.stacks.resources(stack.id) if each.logical == ZONE]
    zone = next((each.physical for each in found if each.status != GONE), "")
    removed: set[tuple[str, str, str]] = set()
    if not zone:
        return 0
    for last in (*[False] * (TRIES - 1), True):
        left = strangers(work.cluster, work.zones.records(zone))
        if not left:
            break
        try:
            work.zones.delete_records(zone, left)
        except (ConflictError, InvalidRequestError):
            # Somebody changed one of them: whoever writes has to stop some time.
            if last:
                raise
        removed |= {(each.name, each.type, each.identifier) for each in left}
    return len(removed)


def delete_stack(work: Work, stack: StackView) -> tuple[Remains, ...]:
    """Delete the stack and follow it to its end; what could not be deleted of it."""
    if stack.status != GOING:
        if stack.protected:
            work.stacks.protect(stack.id, on=False)
            work.say("stack", "termination protection is off, as the cluster file says")
        begin = work.stacks.last_event(stack.id)
        work.stacks.delete(stack.id, f"toolkit-down-{work.tools.nonce()}")
    else:
        begin = None
        work.say("stack", "CloudFormation is at it already")
    progress = Progress(last=begin)
    status = own = ""

    def reason() -> str:
        nonlocal progress, status, own
        # A group that was still being made when all went to zero has machines all the same.
        let_go(work)
        found = work.stacks.find(stack.id)
        status = GONE if found is None else found.status
        events = work.stacks.events(stack.id, progress.last)
        own = next((each.status for each in reversed(events) if is_of_stack(each, work.name)), own)
        progress, steps = advance(progress, events, work.name)
        for each in steps:
            why = f": {each.reason}" if each.reason else ""
            work.say("stack", f"{each.logical} ({each.kind}) {each.verb}{why}")
        # A stack that failed to go before says so until it begins to go again.
        if status == GONE or (status == own == FAILED):
            return ""
        waits = ", ".join(progress.waits_for()[:3])
        return f"the stack is {status}" + (f", at {waits}" if waits else "")

    work.until(reason)
    if status == GONE:
        return ()
    left = _in_the_way(work, stack)
    return left or (Remains("CloudFormation::Stack", stack.name, "it is DELETE_FAILED"),)


def _in_the_way(work: Work, stack: StackView) -> tuple[Remains, ...]:
    """What could not be deleted, behind what others have in the cluster's network."""
    resources = work.stacks.resources(stack.id)
    subnets = [each.physical for each in resources if each.kind == SUBNET and each.status != GONE]
    interfaces = work.machines.interfaces(subnets)
    return squatters(work.cluster, interfaces, resources) + stuck(work.cluster, resources)
