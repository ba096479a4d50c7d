"""`toolkit unlock`: take a job's lock from whoever holds it, with a reason that they are told."""

from __future__ import annotations

from toolkit.errors import RefusedError
from toolkit.rollout import lock
from toolkit.spec.lock import Holder, UnlockReport
from toolkit.workflows.names import find
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session

LONGEST_REASON = 500
"""Characters; Nomad keeps no more than 64 KiB in a variable."""


def unlock(
    session: Session, job: str, reason: str, *, confirm: Confirm = unanswered
) -> UnlockReport:
    """Break the lock of a job, if it is locked; what its holder registered goes on.

    RefusedError without a reason, DeniedError for a token that may not write the variable.
    """
    reason = " ".join(reason.split())
    if not reason or len(reason) > LONGEST_REASON:
        why = "is empty" if not reason else f"has more than {LONGEST_REASON} characters"
        raise RefusedError(f"the reason {why}", hint='such as --reason "the CI job was cancelled"')
    world = session.world
    job_id = find(session, job, whole=True).id
    holder = lock.look(world, job_id)
    if holder is None or not lock.is_held(world, job_id, holder):
        return _report(session, job_id, reason, None)
    whose = lock.whose(holder, world.now())
    ask(session.target, confirm, f"break the lock of {job_id}, held by {whose},")
    broken = lock.break_lock(world, job_id, holder, by=session.settings.actor, reason=reason)
    return _report(session, job_id, reason, holder if broken else None)


def _report(session: Session, job_id: str, reason: str, holder: Holder | None) -> UnlockReport:
    return UnlockReport(
        action="unchanged" if holder is None else "unlocked",
        job=job_id,
        environment=session.target.environment,
        address=session.target.nomad.address,
        namespace=session.target.namespace,
        path=lock.path_of(job_id),
        reason=reason,
        holder=holder,
    )
