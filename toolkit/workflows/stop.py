"""`toolkit stop`: until every instance has ended and left Consul."""

from __future__ import annotations

from toolkit.errors import ApiError
from toolkit.rollout import read
from toolkit.rollout.declared import services
from toolkit.rollout.lock_held import Held
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.listing import OperateReport
from toolkit.workflows.begin_again import how
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.steering import WAIT, Deed, begin, ended, finish, locked, lost


def stop(
    session: Session,
    job: str,
    *,
    purge: bool = False,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
    timeout: float | None = None,
) -> OperateReport:
    """Stop the job, `purge` forgets its versions too; secrets stay in either case.

    Forgotten last: Nomad lists no instance of a job that it forgot, although they may still run.
    """
    deed = begin(session, job, "stop", on_event, timeout)
    stopped = read.live_job(deed.raw).stopped
    if stopped and not purge:
        return _stopped(deed, None, stopped=True, purge=False)
    ask(session.target, confirm, f"{'purge' if purge else 'stop'} {deed.job_id}")
    return locked(deed, lambda lock: _stopped(deed, lock, stopped=stopped, purge=purge))


def _stopped(deed: Deed, lock: Held | None, *, stopped: bool, purge: bool) -> OperateReport:
    if not stopped:
        deed.session.nomad.stop(deed.job_id)
        deed.say("submit", "stopped; the instances leave Consul first")
    kept = ", so it is not purged" if purge else ""
    alive = ended(deed)
    if alive:
        return finish(
            deed,
            "unknown",
            f"{deed.job_id} is stopped, {len(alive)} of its instances still run{kept}",
            next_step=f"toolkit status {deed.job_id}",
        )
    left, blind = registered(deed)
    if blind:
        return finish(
            deed,
            "unknown",
            f"{deed.job_id} has ended in Nomad, and Consul cannot be seen{kept}: {blind}",
            next_step=f"toolkit status {deed.job_id}",
        )
    if left:
        return finish(
            deed,
            "unverified",
            f"{deed.job_id} has ended, and Consul still lists {', '.join(left)}{kept}",
            next_step=f"toolkit status {deed.job_id}",
        )
    if purge:
        if lock is not None and (why := lost(deed, lock)) is not None:
            # It may be somebody else's deploy by now that would be forgotten.
            return finish(
                deed,
                "held",
                f"{deed.job_id} has ended and is not purged: {why}",
                next_step=f"toolkit status {deed.job_id}",
            )
        deed.session.nomad.stop(deed.job_id, purge=True)
        deed.say("submit", "purged")
    notes = () if purge else (how(deed.raw, filed=deed.spec is not None),)
    if stopped and not purge:
        return finish(deed, "unchanged", f"{deed.job_id} was stopped already", notes=notes)
    word = "purged" if purge else "stopped"
    sentence = f"{deed.job_id} has ended, no instance is left in Nomad or Consul"
    return finish(deed, "purged" if word == "purged" else "stopped", sentence, notes=notes)


def registered(deed: Deed) -> tuple[tuple[str, ...], str | None]:
    """Wait until Consul lists no instance of ours; those still listed, or why it cannot be seen."""
    views = read.allocations(deed.session.nomad.allocations(deed.job_id).value or [])
    ours = {view.id for view in views}
    left: list[str] = []
    for name in dict.fromkeys(service.name for service in services(deed.raw)):
        index = 0
        while True:
            try:
                page = deed.session.consul.service(
                    name, index=index, wait=min(WAIT, deed.left()) if index else 0.0
                )
            except ApiError as exc:
                return (), exc.message
            if page.filtered:
                return (), f"the Consul token may not read all of service {name}"
            index = page.index
            found = read.consul_instances(name, page.value or [])
            # Of a machine that is gone Consul lists for days what ran there: nobody is sent to it.
            here = [item.id for item in found if item.allocation in ours and not item.on_dead_node]
            if not here or deed.left() == 0.0:
                left += here
                break
    return tuple(left), None
