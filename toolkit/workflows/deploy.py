"""`toolkit deploy` and `toolkit attach`: the stages of a rollout, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from toolkit.errors import ApiError, RefusedError
from toolkit.rollout.declared import services
from toolkit.rollout.plan import make_plan
from toolkit.rollout.submit import submit
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.plan import Plan, Submission
from toolkit.spec.provenance import Origin
from toolkit.spec.rendered import RenderedJob
from toolkit.spec.report import DeployReport
from toolkit.workflows import locking, probing, roll, steps_begun, tagging
from toolkit.workflows.analysing import (
    Canaries,
    canaries_of,
    fitting,
    not_compared,
    refuse_canaries,
)
from toolkit.workflows.clock import Clock
from toolkit.workflows.guarding import guarded
from toolkit.workflows.names import refuse_beginning
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.report_keep import finished
from toolkit.workflows.session import Session
from toolkit.workflows.stepping import Steps
from toolkit.workflows.taking_back import taken_back


@dataclass(frozen=True, slots=True)
class DeployOptions:
    """What the user asked for beyond the job file; durations in seconds."""

    timeout: float | None = None
    detach: bool = False
    no_promote: bool = False
    wait_capacity: float | None = None
    reset_count: bool = False
    allow_edge_restart: bool = False
    fail_fast: bool | None = None
    """None: as the job file says."""
    allow: tuple[str, ...] = ()
    """Lint rules accepted for this once."""
    wait_lock: float | None = None
    """How long somebody else's deploy lock is waited for; None: not at all."""
    probe: bool | None = None
    """Ask through the edge while it rolls; None: as the job file says."""
    canary: tuple[int, ...] = ()
    """Canaries of each step; none: as the job file says."""
    analyse: bool | None = None
    """Compare them before they are promoted; None: as the job file says."""
    no_revert: bool = False
    """Leave in place what is over its probe's budget once Nomad is done with it."""
    command: str = "deploy"
    """What whoever waits for our lock is told we do."""


DEFAULTS = DeployOptions()


def deploy(
    session: Session,
    job: str,
    options: DeployOptions = DEFAULTS,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
) -> DeployReport:
    """Render, plan, submit, watch, gate, verify; the report carries the exit code.

    Raises a ToolkitError where nothing was changed, InterruptedRolloutError on Ctrl-C.
    """
    refuse_beginning(session, job)
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    rendered = session.render(job, options.canary)
    clock.mark("render")
    plan = _plan(session, rendered, options)
    clock.mark("plan")
    return deploy_plan(session, plan, options, clock=clock, confirm=confirm)


def _plan(session: Session, rendered: RenderedJob, options: DeployOptions) -> Plan:
    return make_plan(
        session.world,
        rendered,
        reset_count=options.reset_count,
        release_chosen=session.settings.flags.release is not None,
        allow=allowed(options),
        canaries=options.canary[-1] if options.canary else None,
    )


def deploy_plan(
    session: Session,
    plan: Plan,
    options: DeployOptions,
    *,
    clock: Clock,
    confirm: Confirm,
    again: Callable[[], Plan] | None = None,
) -> DeployReport:
    """From a plan on: what `deploy` and `rollback` share; the report is kept for later.

    `again` makes the plan anew after somebody else's lock was waited for; None: as `deploy` does.
    """
    replan = again or (lambda: _plan(session, plan.rendered, options))
    report = _deploy_plan(session, plan, options, clock=clock, confirm=confirm, again=replan)
    return finished(session, report, clock)


def _deploy_plan(
    session: Session,
    plan: Plan,
    options: DeployOptions,
    *,
    clock: Clock,
    confirm: Confirm,
    again: Callable[[], Plan],
) -> DeployReport:
    settled = _settled(session, plan, options, clock, confirm)
    if settled is not None:
        return settled
    _agree(session, plan, options, confirm)
    with locking.held(
        session, plan.job_id, options.command, plan.release, clock.say, wait=options.wait_lock
    ) as lock, clock.heeding(lock.news):  # fmt: skip
        if lock.waited:
            clock.say("note", f"locked after {lock.waited:.1f} s; planning again")
            before, plan = plan, again()
            settled = _settled(session, plan, options, clock, confirm)
            if settled is not None:
                return replace(settled, lock=lock.report())
            if (plan.diff, plan.question) != (before.diff, before.question):
                _agree(session, plan, options, confirm)
        ours = locking.covered(session, lock)
        report = _submitted(ours, plan, options, clock)
        return replace(report, lock=lock.report())


def _settled(
    session: Session, plan: Plan, options: DeployOptions, clock: Clock, confirm: Confirm
) -> DeployReport | None:
    """The report where there is nothing to submit."""
    clock.tell_plan(plan)
    refuse_lint(plan)
    if not plan.fits and options.wait_capacity is None:
        return roll.unplaced(session, plan, clock)
    canaries = _canaries(plan, options)
    rolling = steps_begun.under_way(session, plan, canaries.steps)
    live = plan.live
    if plan.changed and rolling is None:
        return None
    assert live is not None  # noqa: S101 - a plan without changes has a live job
    if probing.is_wanted(plan, options.probe):
        why = "nothing rolls" if rolling is None else "it rolls already"
        clock.say("note", f"not probed: {why}")
    if rolling is None:
        return tagging.confirm(session, roll.unchanged(session, plan, clock), live, clock)
    clock.say("note", f"version {rolling.version} is this already, and still rolling")
    if not options.no_promote:
        ask(session.target, confirm, f"promote {plan.job_id} when it is ready")
    with locking.when_needed(session, plan.job_id, options.command, clock.say) as ours:
        steps = steps_begun.found(ours, clock, plan, rolling, canaries.steps)
        report = _follow(ours, plan, rolling, options, clock, steps=steps)
    return tagging.finish(session, report, steps.version, clock)


def _agree(session: Session, plan: Plan, options: DeployOptions, confirm: Confirm) -> None:
    """Everything that may still be said against a submit; RefusedError."""
    refuse_without_consul(session, plan)
    refuse_canaries(plan, _canaries(plan, options), _timeout(options, plan))
    deed = f"deploy {plan.job_id} {plan.release or ''}".rstrip()
    ask(session.target, confirm, deed)
    if plan.question and not confirm(f"{plan.question}. Go on?"):
        raise RefusedError("not confirmed; nothing was changed")


def _submitted(session: Session, plan: Plan, options: DeployOptions, clock: Clock) -> DeployReport:
    """Submit, and follow to the verdict."""
    origin = plan.origin or tagging.origin_of(session, plan)
    if options.detach and probing.is_wanted(plan, options.probe):
        clock.say("note", "not probed: nobody watches a detached rollout")
    back = options.command == "rollback"
    wanted = False if options.detach else bool(options.probe) if back else options.probe
    canaries = _canaries(plan, options)
    for note in not_compared(plan, canaries, detached=options.detach):
        clock.say("note", note)
    plan = plan if options.detach else steps_begun.first(plan, canaries.steps)
    with probing.probed(session, plan, wanted, clock, back=back) as probe:
        submission = submit(session.world, plan)
        clock.mark("submit")
        version = guarded(submission, lambda: _begun(session, plan, submission, origin, clock))
        if options.detach:
            report = roll.detached(session, plan, submission, clock)
            return replace(report, provenance=version.said)
        steps = Steps(session, clock, plan, version, origin, submission, canaries.steps)
        steps.tell()
        report = _follow(session, plan, submission, options, clock, probe, steps)
        version = steps.version
        report = taken_back(
            session, plan, steps.submission, report, probe, clock,
            timeout=_timeout(options, plan), no_revert=options.no_revert, back=back,
        )  # fmt: skip
    return tagging.finish(session, report, version, clock)


def _begun(
    session: Session, plan: Plan, submission: Submission, origin: Origin, clock: Clock
) -> tagging.Tagged:
    """Tell of a registration and tag it."""
    try:
        clock.tell_submission(submission)
        return tagging.begin(session, plan, submission, origin, clock)
    except KeyboardInterrupt:
        # Nobody who attaches later could say where it came from.
        tagging.begin(session, plan, submission, origin, clock)
        raise


def _canaries(plan: Plan, options: DeployOptions) -> Canaries:
    if options.command == "rollback":
        # What goes back is in a hurry, and was compared when it came.
        return Canaries()
    found = canaries_of(plan.rendered.spec, options.canary, options.analyse)
    return found if options.canary else fitting(found, plan)


def _timeout(options: DeployOptions, plan: Plan) -> float:
    return options.timeout or plan.rendered.spec.rollout.timeout


def _follow(
    session: Session,
    plan: Plan,
    submission: Submission,
    options: DeployOptions,
    clock: Clock,
    probe: probing.Probing | None = None,
    steps: Steps | None = None,
) -> DeployReport:
    canaries = _canaries(plan, options)
    following = roll.Following(
        plan=plan,
        steps=steps,
        comparing=canaries.compared if plan.live and not plan.live.stopped else None,
        under_way=probe is None,
        probing=probe or probing.Probing(),
        submission=submission,
        timeout=_timeout(options, plan),
        promote=not options.no_promote,
        fail_fast=_fail_fast(options, plan),
        wait_capacity=options.wait_capacity,
    )
    return guarded(submission, lambda: roll.follow(session, following, clock))


def attach(
    session: Session,
    job: str,
    options: DeployOptions = DEFAULTS,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
) -> DeployReport:
    """Watch the rollout of a job's newest version, whoever started it, to its verdict.

    Healthy canaries are gated and promoted as `deploy` would have, unless `no_promote`.
    """
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    following = roll.attached(session, job, timeout=options.timeout)
    if not options.no_promote:
        ask(session.target, confirm, f"promote {following.submission.job_id} when it is ready")
    with locking.when_needed(session, following.submission.job_id, "attach", clock.say) as ours:
        report = _attached(ours, job, following, options, clock)
    return finished(session, report, clock)


def _attached(
    session: Session, job: str, following: roll.Following, options: DeployOptions, clock: Clock
) -> DeployReport:
    steps, comparing = steps_begun.attached(session, job, following, options.analyse, clock)
    following = replace(
        following,
        submission=steps.submission,
        steps=steps,
        comparing=comparing,
        under_way=True,
        promote=not options.no_promote,
        fail_fast=bool(options.fail_fast),
    )
    clock.say("note", f"version {following.submission.version}, release {following.release or '-'}")
    report = guarded(following.submission, lambda: roll.follow(session, following, clock))
    return tagging.finish(session, report, steps.version, clock)


def refuse_lint(plan: Plan) -> None:
    """RefusedError for findings that lose requests for certain and were not allowed."""
    refused = [f for f in plan.lint if f.level == "refused" and not f.allowed]
    if refused:
        first = refused[0]
        how = (
            "--allow-edge-restart accepts it"
            if first.rule == "edge-restart"
            else f'--allow {first.rule}, or [lint] allow = ["{first.rule}"] in the job file'
        )
        raise RefusedError(f"{first.message}: {first.reason} ({first.rule})", hint=how)


def allowed(options: DeployOptions) -> tuple[str, ...]:
    """The lint rules that the options accept."""
    return (*options.allow, *(["edge-restart"] if options.allow_edge_restart else []))


def _fail_fast(options: DeployOptions, plan: Plan) -> bool:
    if options.fail_fast is not None:
        return options.fail_fast
    return plan.rendered.spec.rollout.fail_fast


def refuse_without_consul(session: Session, plan: Plan) -> None:
    """RefusedError while Consul, which has to prove a rollout, does not answer or shows nothing."""
    if not services(plan.job):
        return
    why = "it has no leader"
    try:
        if session.consul.leader():
            _refuse_unseen(session, plan)
            return
    except ApiError as exc:
        why = exc.message
    raise RefusedError(
        f"Consul at {session.target.consul.address} does not answer, so no rollout could be "
        f"proven: {why}; nothing was changed",
        hint="toolkit dev status" if session.target.local else "look at the Consul servers first",
    )


def _refuse_unseen(session: Session, plan: Plan) -> None:
    """Nor while our token may not see there what already runs: its canaries could only wait."""
    if plan.live is None or plan.live.stopped:
        return
    for service in services(plan.live.raw):
        if session.consul.service(service.name).filtered:
            raise RefusedError(
                f"the Consul token may not read service {service.name}, so no rollout of "
                f"{plan.job_id} could be proven; nothing was changed",
                hint="set CONSUL_HTTP_TOKEN to a token with service:read and node:read",
            )
