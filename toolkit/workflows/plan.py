"""`toolkit plan`: what would happen; nothing is changed."""

from __future__ import annotations

from toolkit.rollout.plan import make_plan
from toolkit.spec.plan import Plan
from toolkit.workflows.session import Session


def plan_job(session: Session, job: str, *, reset_count: bool = False) -> Plan:
    """The plan of a job file against what is registered now."""
    return make_plan(
        session.world,
        session.render(job),
        reset_count=reset_count,
        release_chosen=session.settings.flags.release is not None,
    )
