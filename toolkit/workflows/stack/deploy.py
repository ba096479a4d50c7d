"""`toolkit deploy --all`: the stack in the order of its needs, and with `atomic` all or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from toolkit.errors import ExitCode, InterruptedRolloutError, RefusedError
from toolkit.rollout.halt import Halt
from toolkit.spec.events import OnEvent, ignore
from toolkit.spec.stack import Serves, StackReport, StackRow
from toolkit.workflows.clock import Clock
from toolkit.workflows.protection import Confirm, ask, unanswered
from toolkit.workflows.session import Session
from toolkit.workflows.stack import restore, rows
from toolkit.workflows.stack.atomic import go_back
from toolkit.workflows.stack.board import Board
from toolkit.workflows.stack.journey import DEFAULT, Journey, StackOptions, named_some
from toolkit.workflows.stack.perform import Performed, all_at_once, perform
from toolkit.workflows.stack.prepare import Ready, limit_of, prepare, refused_rows, stack_of
from toolkit.workflows.stack.reporting import report, write_down
from toolkit.workflows.stack.rows import Report
from toolkit.workflows.stack.turn import forward


def deploy_all(
    session: Session,
    options: StackOptions = DEFAULT,
    *,
    on_event: OnEvent = ignore,
    confirm: Confirm = unanswered,
) -> StackReport:
    """Every job of `[stack] jobs`, each as `deploy` or `run` does it, to one report.

    Everything is rendered and planned first: what is wrong then changes nothing. A job begins
    when those that it waits for are verified, or done. The first failure lets no other begin.
    InterruptedRolloutError on Ctrl-C says how far it came.
    """
    options = replace(options, job=replace(options.job, command="deploy --all"))
    clock = Clock(session.world, on_event)
    clock.say("target", session.target.headline())
    stack_of(session.settings)
    limit = limit_of(session.settings, options.parallel)
    halt = Halt()
    on_the_way = Journey(session, options, limit, halt, clock, on_event, confirm)
    ready = prepare(session, options.job, limit, halt)
    if ready.refusals:
        return report(on_the_way, ready, refused_rows(ready))
    tell(on_the_way, ready)
    agree(on_the_way, ready)
    done = go(on_the_way, ready)
    if done.interrupted:
        raise interrupted(done)
    found = [rows.row(job, done.results.get(job.name), done.board) for job in ready.jobs]
    found = [replace(each, before=_version(ready, each.job)) for each in found]
    if rows.code(found, atomic=False) is ExitCode.OK:
        write_down(on_the_way, ready, found)
        return report(on_the_way, ready, found)
    if options.atomic:
        found = go_back(on_the_way, ready, found)
    return report(on_the_way, ready, see(on_the_way, ready, found))


# Before the start.


def tell(journey: Journey, ready: Ready) -> None:
    """The stack in a line, and what cannot be taken back."""
    changing = [name for name, each in ready.prepared.items() if each.changes]
    say = journey.clock.say
    named = f": {named_some(changing)}" if changing else ""
    say("plan", f"{len(changing)} of {len(ready.jobs)} jobs change{named}")
    lasting = restore.cannot_be_taken_back(ready.prepared)
    if lasting and journey.options.atomic:
        say("note", f"cannot be taken back: {named_some(lasting)}, whose work nothing undoes")


def agree(journey: Journey, ready: Ready) -> None:
    """Ask all that there is to ask, once and before anything is changed."""
    changing = [each for each in ready.prepared.values() if each.changes]
    if not changing:
        return
    what = named_some([each.name for each in changing])
    ask(journey.session.target, journey.confirm, f"deploy the stack ({what})")
    for each in changing:
        question = each.plan.question
        if question and not journey.confirm(f"{each.name}: {question}. Go on?"):
            raise RefusedError("not confirmed; nothing was changed")


# The turns.


def go(journey: Journey, ready: Ready) -> Performed[Report]:
    """Give every job its turn."""
    board = Board(ready.jobs, journey.limit)
    at_once = set(board.ready())

    def work(name: str, on_event: OnEvent, confirm: Confirm) -> Report:
        return forward(
            ready.prepared[name],
            journey.options.job,
            first=name in at_once,
            on_event=on_event,
            confirm=confirm,
        )

    return perform(
        board,
        work,
        lambda each: each.code is ExitCode.OK,
        halt=journey.halt,
        clock=journey.session.world.clock,
        on_event=journey.on_event,
        confirm=journey.confirm,
    )


def interrupted(done: Performed[Report]) -> InterruptedRolloutError:
    """Ctrl-C: what is done, what goes on without us, what never began."""
    board = done.board
    left = [
        name for name, each in done.results.items() if isinstance(each, InterruptedRolloutError)
    ]
    going = sorted({*left, *board.running})
    parts = [
        f"{named_some(names)} {words}"
        for names, words in (
            (sorted(board.good), "done"),
            (going, "going on in Nomad without us"),
            (sorted(board.bad - set(left)), "failed"),
            ([job.name for job in board.waiting()], "not begun"),
        )
        if names
    ]
    hint = "toolkit deploy --all again goes on with what is left"
    if going:
        hint += f"; toolkit attach {going[0]} watches"
    return InterruptedRolloutError("interrupted; " + "; ".join(parts), hint=hint)


def see(journey: Journey, ready: Ready, found: Sequence[StackRow]) -> list[StackRow]:
    """The rows with what is there now of every job."""
    names = tuple(row.job for row in found)

    def look(name: str) -> Serves:
        each = ready.prepared[name]
        return restore.look(each.session, name, each.plan.job_id)

    seen = all_at_once(names, look, journey.limit)
    return [replace(row, serves=seen[row.job]) for row in found]


def _version(ready: Ready, name: str) -> int | None:
    before = ready.prepared[name].before
    return None if before is None else before.version
