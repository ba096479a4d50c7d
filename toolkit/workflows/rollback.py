"""`toolkit rollback`: an older version, registered again, rolled and verified like any deploy."""

from __future__ import annotations

from toolkit.errors import NotFoundError, RefusedError
from toolkit.rollout import last_verified, read
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.provenance import LastVerified
from toolkit.spec.report import DeployReport
from toolkit.workflows.back import plan_back
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import DEFAULTS, DeployOptions, allowed, deploy_plan
from toolkit.workflows.names import refuse_beginning
from toolkit.workflows.protection import Confirm, unanswered
from toolkit.workflows.rollback_target import choose, described, kept, put_back
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
    """Go back to a version (`3`), release (`1.0.0`) or tag; without one, to the last verified one.

    Where that is live, to the verified release before it. The live count stays. RefusedError where
    there is nothing to go back to.
    """
    refuse_beginning(session, job)
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    spec = session.load(job)
    versions = [read.live_job(raw) for raw in session.nomad.versions(spec.name)]
    last, unseen = None, None
    if to is None or not versions:
        last, unseen = last_verified.look(session.world, spec.name)
    if not versions:
        raise _gone(session, spec.name, last)
    if unseen:
        clock.say("note", unseen)
    if last is not None and kept(versions, last) is None:
        clock.say("note", f"{described(last)}, verified last, is no longer kept by Nomad")
    if to is None and put_back(versions, last):
        _refuse_overtaking(session, spec.name, versions[0])
    choice = choose(versions, to, spec.name, last)
    live, target = versions[0], choice.version
    clock.say("note", choice.sentence)
    clock.mark("render")

    def again() -> Plan:
        """To the same version, from what is there once it is our turn."""
        now = read.live_job(session.nomad.versions(spec.name)[0])
        return plan_back(session, spec, now, target, allowed(options))

    plan = plan_back(session, spec, live, target, allowed(options))
    clock.mark("plan")
    return deploy_plan(session, plan, options, clock=clock, confirm=confirm, again=again)


def _refuse_overtaking(session: Session, job: str, live: LiveJob) -> None:
    """RefusedError where the way back is under way already: what it goes to is not live yet."""
    rollouts = read.deployments(session.nomad.deployments(job).value or [])
    if any(each.job_version == live.version and not each.terminal for each in rollouts):
        release = f", release {live.release}" if live.release else ""
        raise RefusedError(
            f"version {live.version}{release}, which was verified last, is being put back already, "
            "and that rollout is not over",
            hint=f"toolkit attach {job} follows it to its end; --to goes elsewhere",
        )


def _gone(session: Session, job: str, last: LastVerified | None) -> NotFoundError:
    """There is no job to roll back, and what is known of what it was."""
    known = "" if last is None else f"; {described(last)} was verified last"
    release = f" --release {last.release}" if last is not None and last.release else ""
    return NotFoundError(
        f"job {job} is not registered in namespace {session.target.namespace}, and Nomad forgets "
        f"the versions of a purged job{known}",
        system="Nomad",
        hint=f"toolkit deploy {job}{release}",
    )
