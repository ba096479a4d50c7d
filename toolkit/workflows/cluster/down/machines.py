"""Machines to zero: groups first, so that none comes again, then each machine is let go."""

from __future__ import annotations

from toolkit.errors import RefusedError
from toolkit.spec.aws import GroupView
from toolkit.views.text import counted
from toolkit.workflows.cluster.down.work import Work
from toolkit.workflows.cluster.env import end_way

WAITS = "Terminating:Wait"


def remove_machines(work: Work) -> int:
    """Let every group of the cluster have no machine, and wait until all are terminated.

    Groups stay for the stack to delete, and so do machines that are in none. Returns how many
    machines there were.
    """
    groups = work.machines.groups(work.name)
    for group in groups:
        if group.min or group.desired:
            work.machines.resize(group.name, min=0, desired=0)
    names = {group.name for group in groups}
    seen = {each.id for group in groups for each in group.instances}
    said = -1

    def reason() -> str:
        nonlocal said
        now = let_go(work)
        alive = {each.id for each in work.machines.instances(work.name) if each.group in names}
        alive |= {each.id for group in now for each in group.instances}
        seen.update(alive)
        if len(alive) not in {said, 0}:
            said = len(alive)
            work.say("machines", f"{counted(said, 'machine')} still there")
        return f"{len(alive)} machines are not terminated: {', '.join(sorted(alive))}" * bool(alive)

    work.until(reason)
    return len(seen)


def close_way(work: Work) -> None:
    """End the tunnel that `cluster env` left standing: there is nobody at its other end now."""
    if work.root is None:
        return
    try:
        if end_way(work.root, work.name, work.tools.clock, work.tools.sleep):
            work.say("machines", "the tunnel of toolkit cluster env has ended")
    except RefusedError as error:
        work.say("machines", f"the tunnel of toolkit cluster env may stand still: {error.message}")


def let_go(work: Work) -> tuple[GroupView, ...]:
    """Answer for the drainer, which may have gone before; the groups as they are.

    There is nothing that could be drained to, and nobody else would answer for five minutes.
    """
    groups = work.machines.groups(work.name)
    for group in groups:
        for each in group.instances:
            if each.lifecycle == WAITS:
                work.machines.let_go(group.name, each.id)
    return groups
