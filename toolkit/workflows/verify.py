"""`toolkit verify`: prove that what is registered serves; changes nothing."""

from __future__ import annotations

from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.report import DeployReport
from toolkit.workflows import roll
from toolkit.workflows.session import Session


def verify(session: Session, job: str, *, on_event: OnEvent = ignore) -> DeployReport:
    """The chain of the live job: `unchanged`, `unverified`, `unknown` or `held` (stopped)."""
    return roll.verified(session.glancing(), job, on_event=on_event)
