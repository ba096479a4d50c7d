"""`toolkit rollback`: an older version, registered again, rolled and verified like any deploy."""

from __future__ import annotations

from collections.abc import Sequence

from toolkit.errors import NotFoundError, RefusedError
from toolkit.rollout import read
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.report import DeployReport
from toolkit.workflows.back import plan_back
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import DEFAULTS, DeployOptions, allowed, deploy_plan
from toolkit.workflows.names import refuse_beginning
from toolkit.workflows.protection import Confirm, unanswered
from toolkit.workflows.session import Session


def rollback(
    session: Session,
    job: str,
    to: str | None = None,
    options: DeployOptions = DEFAULTS,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
) -> DeployReport:
    """Go back to a version (`3`) or release (`1.0.0`); without one, to the last stable other one.

    The live count stays. RefusedError where there is nothing to go back to.
    """
    refuse_beginning(session, job)
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    spec = session.load(job)
    versions = [read.live_job(raw) for raw in session.nomad.versions(spec.name)]
    if not versions:
        raise NotFoundError(
            f"job {spec.name} is not registered in namespace {session.target.namespace}",
            system="Nomad",
            hint=f"toolkit deploy {spec.name}",
        )
    live, target = versions[0], choose(versions, to, spec.name)
    clock.say("note", f"back to version {target.version}, release {target.release or '-'}")
    clock.mark("render")

    def again() -> Plan:
        """To the same version, from what is there once it is our turn."""
        now = read.live_job(session.nomad.versions(spec.name)[0])
        return plan_back(session, spec, now, target, allowed(options))

    plan = plan_back(session, spec, live, target, allowed(options))
    clock.mark("plan")
    return deploy_plan(session, plan, options, clock=clock, confirm=confirm, again=again)


def choose(versions: Sequence[LiveJob], to: str | None, job: str) -> LiveJob:
    """The version to go back to, of `versions` newest first."""
    live, older = versions[0], versions[1:]
    if to is None:
        for version in older:
            if version.stable and version.release != live.release:
                return version
        for version in older:
            if version.stable and live.release is None:
                return version
        raise RefusedError(
            f"job {job} has no older stable version with another release to go back to",
            hint=f"toolkit history {job} shows what Nomad still has; --to names one",
        )
    found = [version for version in versions if version.release == to]
    if not found and to.isascii() and to.isdecimal():
        found = [version for version in versions if version.version == int(to)]
    if found:
        return found[0]
    known = ", ".join(f"{v.version} ({v.release or '-'})" for v in versions)
    raise RefusedError(
        f"job {job} has no version or release {to}", hint=f"Nomad still has: {known}"
    )
