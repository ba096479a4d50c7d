"""One job's turn in a stack: what `toolkit deploy`, or `toolkit run`, does with it alone."""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import RefusedError, StalePlanError
from toolkit.rollout import direct, read, secrets
from toolkit.rollout.work import Work
from toolkit.spec.events import OnEvent
from toolkit.spec.plan import Plan
from toolkit.spec.report import DeployReport
from toolkit.spec.work import WorkReport, discard
from toolkit.workflows.batch import Started, WorkOptions, to_the_end
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import DeployOptions, deploy_plan
from toolkit.workflows.protection import Confirm
from toolkit.workflows.run import run_plan
from toolkit.workflows.stack.prepare import Prepared, planned, todo_of
from toolkit.workflows.stack.rows import Report


def forward(
    prepared: Prepared,
    options: DeployOptions,
    *,
    first: bool,
    on_event: OnEvent,
    confirm: Confirm,
) -> Report:
    """The turn of one job, to its verdict.

    `first`: it did not have to wait, so its plan is as fresh as one made now. Others are planned
    again, because room and nodes are not what they were; StalePlanError where the job itself is
    not what was planned at the start, unless others were to be waited for.
    """
    session, plan, todo = prepared.session, prepared.plan, prepared.todo
    clock = Clock(session.world, on_event)
    if not first:
        plan = planned(session, prepared.rendered, options)
        if options.wait_lock is None:
            refuse_other(prepared.plan, plan)
        todo = todo_of(session, plan)
        clock.mark("plan")
    agreed = agreeing(prepared.plan, confirm)
    match todo:
        case "run":
            work = WorkOptions(options.timeout, False, options.wait_capacity, options.allow)
            return run_plan(session, plan, work, clock=clock, on_output=discard, confirm=agreed)
        case "attach":
            return _attached(prepared, plan, options, clock)
        case "keep":
            kept = deploy_plan(session, plan, options, clock=clock, confirm=agreed)
            return _said_unchanged(kept)
        case "deploy":
            return deploy_plan(session, plan, options, clock=clock, confirm=agreed)


def _said_unchanged(report: DeployReport) -> DeployReport:
    """Work that was done before is not this turn's."""
    if report.verdict != "completed":
        return report
    what = f"{report.job} {report.release}" if report.release else report.job
    return replace(report, verdict="unchanged", sentence=f"{what}, its work was done before")


def agreeing(plan: Plan, confirm: Confirm) -> Confirm:
    """A `Confirm` that knows what was asked before the start."""
    asked = f"{plan.question}. Go on?" if plan.question else None
    return lambda question: True if question == asked else confirm(question)


def refuse_other(planned: Plan, now: Plan) -> None:
    """StalePlanError where somebody registered the job since the stack began."""
    if now.check_index == planned.check_index:
        return
    release = now.live.release if now.live else None
    said = f" ({release})" if release else ""
    what = f"version {now.live.version}{said} is registered" if now.live else "it is gone"
    raise StalePlanError(
        f"job {now.job_id} was changed by somebody else since the stack began: {what}",
        hint="toolkit plan --all shows what is left",
    )


def _attached(prepared: Prepared, plan: Plan, options: DeployOptions, clock: Clock) -> WorkReport:
    """Follow work that is under way as it was asked for."""
    session = prepared.session
    raw = session.nomad.job(plan.job_id)
    if raw is None or not direct.is_work(raw):
        raise RefusedError(f"job {plan.job_id} is gone", hint="somebody purged it")
    live = read.live_job(raw)
    clock.say("note", f"version {live.version} is this already, and under way")
    started = Started(
        job=plan.job_id,
        work=Work(raw, live.version, live.modify_index),
        release=live.release,
        secrets=secrets.stored(session.world, plan.job_id),
    )
    return to_the_end(session, started, WorkOptions(options.timeout), clock, discard)
