"""`toolkit restart`: the same release in new processes, one instance after another.

Nomad's own restart of an allocation takes the instance out of Consul, waits its shutdown delay,
ends its tasks and starts them again in the same place. The next one is only touched once this one
serves again, so with two or more instances somebody always answers.
"""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import RefusedError
from toolkit.rollout import read
from toolkit.rollout.lock_held import Held
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.listing import OperateReport
from toolkit.spec.observed import AllocationView
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.steering import (
    OVER,
    WAIT,
    Deed,
    begin,
    finish,
    locked,
    lost,
    prove,
    proven,
)

HOW = (
    "each instance left Consul, waited its shutdown delay and was started again in place, and the "
    "next one was touched only once it served again"
)
ALONE = "its only instance was away while it restarted: requests meanwhile failed"


def restart(
    session: Session,
    job: str,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
    timeout: float | None = None,
) -> OperateReport:
    """Restart the running instances in turn; stops at the first that does not come back.

    RefusedError during a rollout, for a job without running instances, and when the chain does
    not hold before the first restart: taking one more away would make it worse.
    """
    deed = begin(session, job, "restart", on_event, timeout)
    live = read.live_job(deed.raw)
    if live.kind in {"batch", "sysbatch"}:
        raise RefusedError(f"job {deed.job_id} is of type {live.kind}: deploy it again instead")
    latest = session.nomad.latest_deployment(deed.job_id)
    if latest and not read.deployment(latest).terminal:
        raise RefusedError(
            f"a rollout of {deed.job_id} is under way", hint=f"toolkit attach {deed.job_id}"
        )
    views = running(deed)
    if not views:
        raise RefusedError(
            f"job {deed.job_id} has no running instance",
            hint=f"toolkit deploy {deed.job_id}"
            if live.stopped
            else f"`toolkit stop {deed.job_id}`, then `toolkit deploy {deed.job_id}`, begins anew;"
            f" `toolkit explain {deed.job_id}` says why",
        )
    alone = len(views) == 1
    if not alone:
        before = prove_now(deed)
        if before is not None:
            raise RefusedError(
                f"{deed.job_id} does not serve as it should before any restart: {before}",
                hint=f"toolkit verify {deed.job_id}",
            )
    question = f"restart {deed.job_id}" + (
        ", whose only instance is away meanwhile," if alone else ""
    )
    ask(session.target, confirm, question, always=alone)
    return locked(deed, lambda lock: in_turn(deed, views, lock))


def in_turn(deed: Deed, views: Sequence[AllocationView], lock: Held) -> OperateReport:
    """Restart them one after the other, and prove what serves then."""
    alone = len(views) == 1
    for number, view in enumerate(views, start=1):
        if (why := lost(deed, lock)) is not None:
            return finish(
                deed,
                "held",
                f"{deed.job_id}: {number - 1} of {len(views)} restarted: {why}",
                raw=deed.raw,
                next_step=f"toolkit status {deed.job_id}",
            )
        deed.say("step", f"{number} of {len(views)}  {view.short} {view.node} restarts")
        problem = again(deed, view)
        if problem is None:
            continue
        last = number == len(views)
        return finish(
            deed,
            "unknown" if problem.endswith("deadline") else "failed",
            f"{deed.job_id}: {view.short} on {view.node} {problem}"
            + (f"; {len(views) - number} of {len(views)} were not touched" if not last else ""),
            raw=deed.raw,
            next_step=f"toolkit verify {deed.job_id}"
            if problem.startswith("runs")
            else f"toolkit logs {view.short} --stderr",
        )
    verification = prove(deed, deed.raw)
    word, said = proven(verification)
    return finish(
        deed,
        word or "restarted",
        f"{deed.job_id}, {said}",
        raw=deed.raw,
        verification=verification,
        notes=(ALONE if alone else HOW,),
        next_step=f"toolkit verify {deed.job_id}" if word else None,
    )


def running(deed: Deed) -> tuple[AllocationView, ...]:
    """The instances that Nomad wants and that run."""
    views = read.allocations(deed.session.nomad.allocations(deed.job_id).value or [])
    return tuple(v for v in views if v.should_run and v.client_status == "running")


def prove_now(deed: Deed) -> str | None:
    """What is broken in the chain now; None when it holds or cannot be seen to be broken."""
    link = prove(deed, deed.raw, wait=0.0).first_broken
    return None if link is None else f"{link.name}: {link.detail}"


def again(deed: Deed, view: AllocationView) -> str | None:
    """Restart one instance and wait until the whole chain holds; None, or what went wrong."""
    before = {task.name: started(view, task.name) for task in view.tasks if task.state == "running"}
    settle = steady(deed, view.group)
    deed.session.nomad.restart_allocation(view.id)
    index, back = 0, None
    while True:
        waits = [WAIT, deed.left()]
        waits += [] if back is None else [max(back + settle - deed.world.clock(), 0.0)]
        page = deed.session.nomad.allocations(
            deed.job_id, index=index, wait=min(waits) if index else 0.0
        )
        index = page.index
        now = next((v for v in read.allocations(page.value or []) if v.id == view.id), None)
        if now is None or now.client_status in OVER:
            return "did not come back" + (f": {last_word(now)}" if now else "")
        if all(
            started(now, task.name) > before[task.name] and task.state == "running"
            for task in now.tasks
            if task.name in before
        ):
            back = deed.world.clock() if back is None else back
            if deed.world.clock() >= back + settle:
                break
        else:
            back = None
        if deed.left() == 0.0:
            return "was not back by the deadline"
    verification = prove(deed, deed.raw)
    link = verification.first_broken
    return None if link is None else f"runs and does not serve: {link.name}: {link.detail}"


def steady(deed: Deed, group: str) -> float:
    """Seconds that an instance must run before it counts as back: Nomad's own for a rollout."""
    found = next(item for item in read.groups(deed.raw) if item["Name"] == group)
    update = found.get("Update") or deed.raw.get("Update") or {}
    return float((update.get("MinHealthyTime") or 0) / read.NANO)


def started(view: AllocationView, task: str) -> float:
    """When a task was last started, in seconds since the epoch; 0 if Nomad forgot."""
    events = next((item.events for item in view.tasks if item.name == task), ())
    return max((event.at for event in events if event.kind == "Started"), default=0.0)


def last_word(view: AllocationView) -> str:
    """The last thing that Nomad says about its tasks."""
    events = sorted((e for task in view.tasks for e in task.events), key=lambda event: event.at)
    return events[-1].message if events else view.client_description
