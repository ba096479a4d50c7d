"""`toolkit run`: register a batch job, or launch a periodic one now, and follow it to its end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.errors import ExitCode, RefusedError, UnreachableError
from toolkit.rollout import direct, read, secrets
from toolkit.rollout.plan import make_plan
from toolkit.rollout.submit import submit
from toolkit.rollout.work import Work, wanted
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.work import OnOutput, WorkReport, discard
from toolkit.workflows import batch_again, locking
from toolkit.workflows.batch import DEFAULTS, Started, WorkOptions, child_of, timings, to_the_end
from toolkit.workflows.begin_again import dispatch_command, plan_registered
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import refuse_lint
from toolkit.workflows.names import find
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session


def run(
    session: Session,
    job: str,
    options: WorkOptions = DEFAULTS,
    *,
    on_event: OnEvent = ignore,
    on_output: OnOutput = discard,
    confirm: Confirm = unanswered,
) -> WorkReport:
    """Run a batch job once more, or launch a periodic one now, and follow it to its end.

    RefusedError where nothing was changed: another kind of job, one that is under way, a periodic
    one whose file differs from what is registered. InterruptedRolloutError on Ctrl-C.
    """
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    found = find(session, job, whole=True)
    if found.spec is None:
        raw = session.nomad.job(found.id)
        live = read.live_job(raw) if raw else None
        if live is None:
            raise RefusedError(f"job {found.id} is gone", hint="somebody purged it")
        refuse_kind(found.id, live.kind)
        plan = None
        if not live.raw.get("Periodic"):
            refuse_parameterized(found.id, live.raw)
            clock.say(
                "note", f"no job file of {found.id} here: as registered, version {live.version}"
            )
            plan = plan_registered(session.world, live, allow=options.allow)
            clock.mark("plan")
    else:
        if found.spec.plain or found.spec.kind_origin is not None:
            refuse_kind(found.spec.name, found.spec.kind)
        plan = make_plan(
            session.world,
            session.render(job),
            release_chosen=session.settings.flags.release is not None,
            allow=options.allow,
        )
        clock.mark("plan")
        # A job file that says no kind leaves it to the template.
        refuse_kind(plan.job_id, str(plan.job.get("Type")))
        refuse_parameterized(plan.job_id, plan.job)
        live = plan.live
    if plan is not None and not plan.job.get("Periodic"):
        return run_plan(session, plan, options, clock=clock, on_output=on_output, confirm=confirm)
    started = _launched(session, found.id, live, plan, clock, confirm)
    return to_the_end(session, started, options, clock, on_output)


def run_plan(
    session: Session,
    plan: Plan,
    options: WorkOptions,
    *,
    clock: Clock,
    on_output: OnOutput,
    confirm: Confirm,
) -> WorkReport:
    """From the plan of a batch job on: what `run` and a stack share."""
    started = _registered(session, plan, options, clock, confirm)
    if isinstance(started, WorkReport):
        return started
    return to_the_end(session, started, options, clock, on_output)


def refuse_kind(name: str, kind: str) -> None:
    """RefusedError for a job that never ends."""
    if kind not in direct.BATCH:
        raise RefusedError(
            f"{name} is a {kind} job, which runs on and has no end to wait for",
            hint=f"toolkit deploy {name}",
        )


def refuse_parameterized(job_id: str, job: Mapping[str, Any]) -> None:
    """RefusedError for a job that only runs with what it is given."""
    parameters = job.get("ParameterizedJob")
    if parameters and not job.get("Dispatched"):
        raise RefusedError(
            f"{job_id} is parameterized: it runs when it is dispatched",
            hint=dispatch_command(job_id, parameters),
        )


# A batch job: registered, under the check index of the plan.


def _registered(
    session: Session, plan: Plan, options: WorkOptions, clock: Clock, confirm: Confirm
) -> Started | WorkReport:
    refuse_running(plan)
    refuse_empty(plan)
    clock.tell_plan(plan)
    refuse_lint(plan)
    unplaced = plan.unplaced or batch_again.would_not_fit(session.world, plan)
    if unplaced and options.wait_capacity is None:
        return _unplaced(session, plan, unplaced[0].summary, clock, unplaced)
    ask(session.target, confirm, f"run {plan.job_id} {plan.release or ''}".rstrip())
    if plan.question and not confirm(f"{plan.question}. Go on?"):
        raise RefusedError("not confirmed; nothing was changed")
    # Once it is registered it is under way, which keeps a second run out.
    with locking.held(session, plan.job_id, "run", plan.release, clock.say) as lock:
        world = lock.covering(session.world)
        ready = batch_again.make_ready(world, plan, clock.say)
        submission = submit(world, ready)
    clock.mark("submit")
    clock.tell_submission(submission)
    return Started(
        job=plan.job_id,
        work=Work(plan.job, submission.version, submission.modify_index),
        release=plan.release,
        evaluation=submission.evaluation,
        secrets=secrets.stored(session.world, plan.job_id),
    )


def refuse_empty(plan: Plan) -> None:
    """RefusedError for a job that asks for no instance."""
    if not sum(wanted(plan.job).values()):
        raise RefusedError(
            f"{plan.job_id} asks for no instance (count 0)", hint="raise count in the job file"
        )


def refuse_running(plan: Plan) -> None:
    """RefusedError while the job is under way: two of them at once is what nobody means."""
    live = plan.live
    if live is None or live.raw.get("Status") == "dead":
        return
    state = "is being stopped" if live.stopped else "is under way"
    step = f"toolkit attach {plan.job_id} watches it"
    raise RefusedError(
        f"{plan.job_id} {state} (version {live.version}); nothing was changed",
        hint=step if live.stopped else f"{step}, toolkit stop {plan.job_id} ends it",
    )


def _unplaced(
    session: Session, plan: Plan, why: str, clock: Clock, causes: tuple[object, ...]
) -> WorkReport:
    return WorkReport(
        verdict="unplaced",
        sentence=f"{plan.job_id} does not fit, nothing was registered: {why}",
        job=plan.job_id,
        environment=session.target.environment,
        address=session.target.nomad.address,
        namespace=session.target.namespace,
        release=plan.release,
        causes=causes,  # type: ignore[arg-type]
        next=f"toolkit why-not {plan.job_id}",
        events=tuple(clock.events),
        timings=timings(clock),
        calls=session.nomad.counter.calls,
    )


# A periodic job: what is registered is launched, so the file must say the same.


def _launched(
    session: Session,
    job_id: str,
    live: LiveJob | None,
    plan: Plan | None,
    clock: Clock,
    confirm: Confirm,
) -> Started:
    refuse_unlaunchable(session, job_id, live, plan)
    ask(session.target, confirm, f"launch {job_id} now")
    try:
        evaluation = str(session.nomad.force_periodic(job_id)["EvalID"])
    except UnreachableError as exc:
        if exc.lost_reply:
            exc.message = f"whether {job_id} was launched is not known: {exc.message}"
            exc.hint, exc.code = f"toolkit status {job_id}", ExitCode.UNKNOWN
        raise
    made = session.nomad.evaluation(evaluation).value
    child = str(made["JobID"])
    raw = child_of(session, child, "launched")
    clock.mark("submit")
    clock.say("submit", f"launched {child}")
    return Started(
        job=job_id,
        work=Work(raw, int(raw.get("Version") or 0), int(raw["JobModifyIndex"]), parent=job_id),
        release=read.live_job(raw).release,
        evaluation=evaluation,
        secrets=secrets.stored(session.world, job_id),
    )


def refuse_unlaunchable(
    session: Session, job_id: str, live: LiveJob | None, plan: Plan | None
) -> None:
    """RefusedError unless the job is registered as its file says, and may be launched now."""
    deploy = f"toolkit deploy {job_id} first"
    if live is None or live.stopped:
        state = "not deployed" if live is None else "stopped"
        raise RefusedError(f"{job_id} is {state}: there is nothing to launch", hint=deploy)
    if plan is not None and plan.changed:
        raise RefusedError(
            f"the job file of {job_id} differs from what is deployed, which a launch would run",
            hint=f"{deploy}; toolkit plan {job_id} shows the difference",
        )
    periodic = live.raw.get("Periodic") or {}
    if periodic.get("Enabled") is False:
        raise RefusedError(
            f"the schedule of {job_id} is switched off (enabled = false), and with it launches",
            hint=f"set enabled = true, then {deploy}",
        )
    if not periodic.get("ProhibitOverlap"):
        return
    for child in session.nomad.children(job_id):
        if child.get("Status") in {"running", "pending"} and direct.BATCH & {child.get("Type")}:
            raise RefusedError(
                f"{job_id} prohibits overlap, and {child['ID']} is under way",
                hint=f"toolkit attach {child['ID']}",
            )
