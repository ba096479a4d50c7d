"""`toolkit plan --all` and `verify --all`: the whole stack looked at; nothing is changed."""

from __future__ import annotations

from dataclasses import replace

from toolkit.errors import ExitCode
from toolkit.rollout import sentences
from toolkit.rollout.halt import Halt
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.report import DeployReport
from toolkit.spec.stack import StackReport
from toolkit.workflows import roll
from toolkit.workflows.clock import Clock
from toolkit.workflows.deploy import DeployOptions
from toolkit.workflows.protection import Confirm, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.stack import rows
from toolkit.workflows.stack.board import Board
from toolkit.workflows.stack.journey import Journey, StackOptions
from toolkit.workflows.stack.order import arrange
from toolkit.workflows.stack.perform import perform
from toolkit.workflows.stack.prepare import (
    Ready,
    limit_of,
    own,
    prepare,
    refused_rows,
    rendered_stack,
    stack_of,
)
from toolkit.workflows.stack.reporting import report


def plan_all(session: Session, *, reset_count: bool = False) -> StackReport:
    """The plans of the stack against what is registered, with what would keep it from beginning."""
    clock = Clock(session.world, ignore)
    options = StackOptions(DeployOptions(reset_count=reset_count))
    halt = Halt()
    limit = limit_of(session.settings, None)
    journey = Journey(session, options, limit, halt, clock, ignore, unanswered)
    ready = prepare(session, options.job, limit, halt)
    if ready.refusals:
        return replace(report(journey, ready, refused_rows(ready)), action="plan")
    found = [
        replace(
            rows.row(job, None, None),
            sentence=sentences.plan(ready.prepared[job.name].plan),
            plan=ready.prepared[job.name].plan,
        )
        for job in ready.jobs
    ]
    changing = [each.name for each in ready.prepared.values() if each.changes]
    made = report(journey, ready, found)
    return replace(
        made,
        action="plan",
        verdict="changes" if changing else "unchanged",
        sentence=f"{len(changing)} of {len(found)} jobs change; nothing was changed",
    )


def verify_all(session: Session, *, on_event: OnEvent = ignore) -> StackReport:
    """The chain of every job of the stack, looked at on several threads; changes nothing."""
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    names = stack_of(session.settings)
    halt = Halt()
    limit = limit_of(session.settings, None)
    journey = Journey(session, StackOptions(), limit, halt, clock, on_event, unanswered)
    jobs = arrange(names, rendered_stack(session.settings, names), {})

    def work(name: str, _on_event: OnEvent, _confirm: Confirm) -> DeployReport:
        return roll.verified(own(session, halt).glancing(), name, on_event=ignore)

    done = perform(
        Board(tuple(replace(job, needs=()) for job in jobs), limit, stops=False),
        work,
        lambda each: each.code is ExitCode.OK,
        halt=halt,
        clock=session.world.clock,
        on_event=on_event,
        confirm=unanswered,
    )
    if done.interrupted:
        raise KeyboardInterrupt
    found = [rows.row(job, done.results.get(job.name), None) for job in jobs]
    return replace(report(journey, Ready(jobs, {}, ()), found), action="verify")
