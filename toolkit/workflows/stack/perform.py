"""Give each job its turn on a thread of its own; what it tells and asks comes to the caller."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from toolkit.errors import ToolkitError
from toolkit.rollout.halt import Halt
from toolkit.spec.events import Event, OnEvent
from toolkit.workflows.protection import Confirm
from toolkit.workflows.stack.board import Board

T = TypeVar("T")

WIND_UP = 5.0
"""Seconds that turns have to end after Ctrl-C: each lets go of its lock and says where it is."""

Work = Callable[[str, OnEvent, Confirm], T]
"""One job's turn, on its own thread."""


@dataclass(frozen=True, slots=True)
class _Told:
    job: str
    event: Event


@dataclass(frozen=True, slots=True)
class _Asked:
    question: str
    answer: queue.SimpleQueue[bool | BaseException]


@dataclass(frozen=True, slots=True)
class _Ended(Generic[T]):
    job: str
    result: T | BaseException


@dataclass
class Performed(Generic[T]):
    """How far it came."""

    board: Board
    results: dict[str, T | ToolkitError] = field(default_factory=dict)
    interrupted: bool = False
    """By Ctrl-C; what was running then goes on in Nomad."""


def perform(
    board: Board,
    work: Work[T],
    well: Callable[[T], bool],
    *,
    halt: Halt,
    clock: Callable[[], float],
    on_event: OnEvent,
    confirm: Confirm,
) -> Performed[T]:
    """Give turns until nobody is left who may begin.

    `well` says whether a turn went so that others may follow. After Ctrl-C no turn begins, and
    those under way are ended where they are.
    """
    inbox: queue.SimpleQueue[_Told | _Asked | _Ended[T]] = queue.SimpleQueue()
    done = Performed[T](board)
    try:
        while True:
            for name in done.board.ready():
                done.board = done.board.begun(name)
                _start(name, work, inbox, halt)
            if not done.board.running:
                return done
            _take(inbox.get(), done, well, on_event, confirm)
    except KeyboardInterrupt:
        done.interrupted = True
        halt.set()
        _wind_up(inbox, done, well, on_event, clock)
        return done


def _start(
    name: str, work: Work[T], inbox: queue.SimpleQueue[_Told | _Asked | _Ended[T]], halt: Halt
) -> None:
    def tell(event: Event) -> None:
        inbox.put(_Told(name, event))

    def ask(question: str) -> bool:
        answer: queue.SimpleQueue[bool | BaseException] = queue.SimpleQueue()
        inbox.put(_Asked(question, answer))
        said = answer.get()
        if isinstance(said, BaseException):
            raise said
        return said

    def run() -> None:
        try:
            with halt.following():
                result = work(name, tell, ask)
            inbox.put(_Ended(name, result))
        except BaseException as exc:  # noqa: BLE001 - whatever it is belongs to the caller
            inbox.put(_Ended(name, exc))

    threading.Thread(target=run, name=f"stack-{name}", daemon=True).start()


def _take(
    item: _Told | _Asked | _Ended[T],
    done: Performed[T],
    well: Callable[[T], bool],
    on_event: OnEvent,
    confirm: Confirm,
) -> None:
    match item:
        case _Told(job, event):
            on_event(replace(event, job=job))
        case _Asked(question, answer):
            try:
                answer.put(confirm(question))
            except BaseException as exc:
                answer.put(exc)
                if not isinstance(exc, ToolkitError):
                    raise
        case _Ended(job, result):
            if isinstance(result, BaseException):
                if not isinstance(result, ToolkitError):
                    raise result
                done.results[job] = result
                done.board = done.board.ended(job, well=False)
                return
            done.results[job] = result
            done.board = done.board.ended(job, well=well(result))


def _wind_up(
    inbox: queue.SimpleQueue[_Told | _Asked | _Ended[T]],
    done: Performed[T],
    well: Callable[[T], bool],
    on_event: OnEvent,
    clock: Callable[[], float],
) -> None:
    """Hear how the turns under way end; one that is in the middle of a call may not be heard."""
    deadline = clock() + WIND_UP
    while done.board.running and (left := deadline - clock()) > 0:
        try:
            item = inbox.get(timeout=left)
        except queue.Empty:
            return
        if isinstance(item, _Asked):
            item.answer.put(KeyboardInterrupt())
            continue
        if isinstance(item, _Ended) and isinstance(item.result, KeyboardInterrupt):
            # It had registered nothing yet.
            done.board = replace(done.board, running=done.board.running - {item.job})
            continue
        _take(item, done, well, on_event, lambda _question: False)


def all_at_once(names: tuple[str, ...], work: Callable[[str], T], limit: int) -> Mapping[str, T]:
    """What `work` says of each name, asked on up to `limit` threads; the first error is raised."""
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(max(min(limit, len(names)), 1)) as pool:
        return dict(zip(names, pool.map(work, names), strict=True))
