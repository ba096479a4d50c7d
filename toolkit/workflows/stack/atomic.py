"""A stack that did not go well, taken back in the other order; each job verified."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from toolkit.errors import ToolkitError
from toolkit.spec.events import OnEvent
from toolkit.spec.stack import StackRow
from toolkit.workflows.protection import Confirm
from toolkit.workflows.stack import restore
from toolkit.workflows.stack.board import Board, only, turned
from toolkit.workflows.stack.halfway import interrupted_back
from toolkit.workflows.stack.journey import Journey, named_some
from toolkit.workflows.stack.perform import Performed, all_at_once, perform
from toolkit.workflows.stack.prepare import Ready


def go_back(journey: Journey, ready: Ready, found: Sequence[StackRow]) -> list[StackRow]:
    """Take back what this stack changed, in the other order, each verified.

    Where a job cannot be taken back, those that it needs stay as they are: it was made for them.
    """
    by_name = {row.job: row for row in found}

    def way_of(name: str) -> restore.Way | ToolkitError:
        try:
            return restore.way(ready.prepared[name], by_name[name])
        except ToolkitError as exc:
            return exc

    ways = all_at_once(tuple(by_name), way_of, journey.limit)
    todo: dict[str, restore.Way] = {}
    stuck = set()
    for name, way in ways.items():
        if isinstance(way, ToolkitError) or way == "others":
            stuck.add(name)
        elif way in {"back", "stop"}:
            todo[name] = way
    journey.clock.say("revert", _going_back(todo, ways))
    board = Board(
        only(turned(ready.jobs), {*todo, *stuck}),
        journey.limit,
        stops=False,
    )
    for name in stuck:
        board = board.ended(name, well=False)

    def work(name: str, on_event: OnEvent, confirm: Confirm) -> restore.Back:
        return restore.take_back(
            ready.prepared[name],
            by_name[name],
            todo[name],
            journey.options.job,
            on_event=on_event,
            confirm=confirm,
        )

    done = perform(
        board,
        work,
        lambda back: back.verdict == "reverted",
        halt=journey.halt,
        clock=journey.session.world.clock,
        on_event=journey.on_event,
        confirm=journey.confirm,
    )
    if done.interrupted:
        raise interrupted_back(done, tuple(todo)[::-1])
    return [_with_way(row, ways[row.job], done) for row in found]


def _with_way(
    row: StackRow, way: restore.Way | ToolkitError, done: Performed[restore.Back]
) -> StackRow:
    if isinstance(way, ToolkitError):
        return restore.with_back(row, way)
    if way == "others":
        text = f"{row.job} is left as it is: somebody else changed it since"
        return replace(row, back="superseded", back_sentence=text)
    if way not in {"back", "stop"}:
        return row
    result = done.results.get(row.job)
    if result is not None:
        return restore.with_back(row, result)
    behind = named_some(done.board.behind(row.job))
    text = f"{row.job} is left as it is: {behind}, which needs it, could not be taken back"
    return replace(row, back="held", back_sentence=text)


def _going_back(
    todo: Mapping[str, restore.Way], ways: Mapping[str, restore.Way | ToolkitError]
) -> str:
    worked = [name for name, way in ways.items() if way == "work"]
    rest = f"; not taken back: {named_some(worked)}, whose work nothing undoes" if worked else ""
    if not todo:
        return f"nothing that runs was changed{rest}"
    return f"taking back {named_some(list(todo)[::-1])}{rest}"
