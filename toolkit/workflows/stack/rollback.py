"""`toolkit rollback --all`: the stack as it last was when all of it was verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from toolkit.errors import ExitCode, RefusedError
from toolkit.rollout import read
from toolkit.rollout.halt import Halt
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.plan import LiveJob, Plan
from toolkit.spec.report import DeployReport
from toolkit.spec.stack import StackJob, StackReport
from toolkit.workflows.back import plan_back
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import allowed, deploy_plan, refuse_lint, refuse_without_consul
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.stack import record, rows
from toolkit.workflows.stack.board import Board, only, turned
from toolkit.workflows.stack.halfway import interrupted_back
from toolkit.workflows.stack.journey import DEFAULT, Journey, StackOptions, named_some
from toolkit.workflows.stack.order import arrange, nature
from toolkit.workflows.stack.perform import all_at_once, perform
from toolkit.workflows.stack.prepare import (
    Prepared,
    Ready,
    edges_first,
    limit_of,
    own,
    rendered_stack,
    stack_of,
    unasked,
)
from toolkit.workflows.stack.reporting import report, write_down
from toolkit.workflows.stack.turn import refuse_other


def rollback_all(
    session: Session,
    options: StackOptions = DEFAULT,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
) -> StackReport:
    """Every job that serves, back to its version in the newest verified state that is not live.

    A job goes back before those that it waited for. Nothing undoes work. RefusedError where no
    such state is known, or a version of it is gone.
    """
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    stack_of(session.settings)
    limit, halt = limit_of(session.settings, options.parallel), Halt()
    journey = Journey(session, options, limit, halt, clock, on_event, confirm)
    goal, ready = _prepare(journey)
    tell(journey, ready)
    if said := record.forget(session.world, journey.stack, goal):
        clock.say("note", said)
    board = Board(ready.jobs, limit)
    at_once = set(board.ready())

    def work(name: str, told: OnEvent, asked: Confirm) -> DeployReport:
        return _turn(journey, ready.prepared[name], told, asked, first=name in at_once)

    done = perform(
        board,
        work,
        lambda each: each.code is ExitCode.OK,
        halt=halt,
        clock=session.world.clock,
        on_event=on_event,
        confirm=confirm,
    )
    if done.interrupted:
        raise interrupted_back(done, [job.name for job in ready.jobs])
    found = [
        replace(rows.row(job, done.results.get(job.name), done.board), before=_before(ready, job))
        for job in ready.jobs
    ]
    if rows.code(found, atomic=False) is ExitCode.OK:
        write_down(journey, ready, found, instead=goal)
    return replace(report(journey, ready, found), action="rollback")


def _prepare(journey: Journey) -> tuple[record.Entry, Ready]:
    """Where to, and every job's plan to get there; the jobs in the order in which they go."""
    session = journey.session
    names = journey.stack
    rendered = rendered_stack(session.settings, names)
    serving = tuple(name for name in names if nature(rendered[name]) != "works")
    ids = {name: rendered[name].spec.name for name in serving}
    sessions = {
        name: own(session, journey.halt, min(journey.limit, len(serving))) for name in serving
    }

    def listed(name: str) -> list[LiveJob]:
        return [read.live_job(raw) for raw in sessions[name].nomad.versions(ids[name])]

    versions = all_at_once(serving, listed, journey.limit)
    live = {ids[name]: found[0].modify_index if found else None for name, found in versions.items()}
    kept = record.read(session.world, names)
    place = record.earlier(kept, live)
    if place is None:
        raise nothing(kept)
    then = tuple(name for name in serving if ids[name] in kept[place].jobs)
    targets = {name: target(kept[place], ids[name], versions[name]) for name in then}

    def plan(name: str) -> Plan:
        spec = rendered[name].spec
        rules = allowed(journey.options.job)
        made = plan_back(sessions[name], spec, versions[name][0], targets[name], rules)
        if made.changed:
            refuse_lint(made)
            refuse_without_consul(sessions[name], made)
        return made

    plans = all_at_once(then, plan, journey.limit)
    order = only(turned(arrange(names, rendered, edges_first(plans))), then)
    prepared = {
        job.name: Prepared(
            job, unasked(sessions[job.name]), rendered[job.name], plans[job.name], "deploy",
            target=targets[job.name],
        )
        for job in order
    }  # fmt: skip
    _refuse_unplaced(journey, plans)
    return kept[place], Ready(order, prepared, ())


def nothing(kept: Sequence[record.Entry]) -> RefusedError:
    """There is no state to go back to."""
    known = "only the state that is live" if kept else "no state"
    return RefusedError(
        f"{known} is known in which all of the stack was verified, so there is none to go back to",
        hint="toolkit rollback JOB goes back with one job; deploy --all keeps such states",
    )


def target(entry: record.Entry, job_id: str, versions: Sequence[LiveJob]) -> LiveJob:
    """The version of a job in a state; RefusedError where Nomad has it no longer."""
    kept = entry.jobs[job_id]
    for live in versions:
        if live.version == kept.version and live.modify_index == kept.index:
            return live
    release = f" (release {kept.release})" if kept.release else ""
    raise RefusedError(
        f"Nomad keeps version {kept.version}{release} of {job_id} no longer, so the stack cannot "
        "go back to where all of it was verified; nothing was changed",
        hint=f"toolkit history {job_id} shows what there is",
    )


def tell(journey: Journey, ready: Ready) -> None:
    """Say where each job goes, and ask once."""
    say = journey.clock.say
    left = [name for name in journey.stack if name not in ready.prepared]
    if left:
        say("note", f"left as it is: {named_some(left)}, whose work nothing undoes, or newer")
    going = []
    for each in ready.prepared.values():
        if each.plan.changed and each.target is not None:
            going.append(each.name)
            release = each.target.release or "-"
            say("plan", f"{each.name} back to version {each.target.version}, release {release}")
    if going:
        deed = f"roll the stack back ({named_some(going)})"
        ask(journey.session.target, journey.confirm, deed)


def _turn(
    journey: Journey, prepared: Prepared, on_event: OnEvent, confirm: Confirm, *, first: bool
) -> DeployReport:
    session, options = prepared.session, journey.options.job
    clock = Clock(session.world, on_event)
    goal = prepared.target
    assert goal is not None  # noqa: S101 - who goes back knows where to

    def again() -> Plan:
        now = read.live_job(session.nomad.versions(prepared.plan.job_id)[0])
        return plan_back(session, prepared.rendered.spec, now, goal, allowed(options))

    plan = prepared.plan
    if not first:
        plan = again()
        if options.wait_lock is None:
            refuse_other(prepared.plan, plan)
    clock.mark("plan")
    return deploy_plan(session, plan, options, clock=clock, confirm=confirm, again=again)


def _refuse_unplaced(journey: Journey, plans: Mapping[str, Plan]) -> None:
    for name, plan in plans.items():
        if plan.changed and not plan.fits and journey.options.job.wait_capacity is None:
            raise RefusedError(
                f"{name} has no room to go back: {plan.unplaced[0].summary}; nothing was changed",
                hint=f"toolkit why-not {name}",
                code=ExitCode.UNPLACED,
            )


def _before(ready: Ready, job: StackJob) -> int | None:
    live = ready.prepared[job.name].before
    return None if live is None else live.version
