"""Turns on threads of their own: what they tell, ask and raise comes to the caller's."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import pytest

from toolkit.errors import RefusedError
from toolkit.rollout.halt import Halt
from toolkit.spec.depends import Need
from toolkit.spec.events import Event, OnEvent
from toolkit.spec.stack import StackJob
from toolkit.workflows.protection import Confirm
from toolkit.workflows.stack.board import Board
from toolkit.workflows.stack.perform import Performed, Work, perform

JOBS = (StackJob("first"), StackJob("beside"), StackJob("after", (Need("first", "verified"),)))


@dataclass
class Caller:
    """Who waits for the turns."""

    thread: int = field(default_factory=threading.get_ident)
    told: list[tuple[str, str]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    halt: Halt = field(default_factory=Halt)
    clock: float = 0.0
    interrupt_at: str = ""

    def on_event(self, event: Event) -> None:
        assert threading.get_ident() == self.thread
        self.told.append((event.job, event.text))
        if event.text == self.interrupt_at:
            self.interrupt_at = ""
            raise KeyboardInterrupt

    def confirm(self, question: str) -> bool:
        assert threading.get_ident() == self.thread
        self.asked.append(question)
        return question == "yes?"

    def perform(self, work: Work[str], limit: int = 2) -> Performed[str]:
        return perform(
            Board(JOBS, limit), work, lambda said: said == "well", halt=self.halt,
            clock=lambda: self.clock, on_event=self.on_event, confirm=self.confirm,
        )  # fmt: skip


def test_what_a_turn_tells_and_asks_comes_to_the_caller() -> None:
    caller = Caller()

    def work(name: str, on_event: OnEvent, confirm: Confirm) -> str:
        assert threading.get_ident() != caller.thread
        on_event(Event("note", f"I am {name}", 0.0))
        return "well" if confirm("yes?") and not confirm("no?") else "ill"

    done = caller.perform(work)
    assert done.results == {"first": "well", "beside": "well", "after": "well"}
    assert sorted(caller.told) == sorted((job.name, f"I am {job.name}") for job in JOBS)
    assert sorted(caller.asked) == ["no?"] * 3 + ["yes?"] * 3


def test_an_error_of_a_turn_is_its_result_and_stops_the_rest() -> None:
    def work(name: str, on_event: OnEvent, confirm: Confirm) -> str:
        raise RefusedError(f"not {name}")

    done = Caller().perform(work, limit=1)
    assert [str(error) for error in done.results.values()] == ["not first"]
    assert [job.name for job in done.board.waiting()] == ["beside", "after"]


def test_an_answer_that_nobody_gives_is_an_error_of_the_turn() -> None:
    caller = Caller()

    def refuse(question: str) -> bool:
        raise RefusedError(f"nobody answers {question}")

    caller.confirm = refuse  # type: ignore[method-assign]
    done = caller.perform(lambda _name, _tell, confirm: str(confirm("well?")), limit=1)
    assert str(done.results["first"]) == "nobody answers well?"


def test_a_bug_of_a_turn_is_the_callers() -> None:
    def work(name: str, on_event: OnEvent, confirm: Confirm) -> str:
        raise ZeroDivisionError(name)

    with pytest.raises(ZeroDivisionError):
        Caller().perform(work)


def test_ctrl_c_ends_the_turns_that_wait_and_begins_no_other() -> None:
    caller = Caller(interrupt_at="waits")
    ended: list[str] = []

    def work(name: str, on_event: OnEvent, confirm: Confirm) -> str:
        woken = threading.Event()
        caller.halt.wakes(woken.set)
        on_event(Event("note", "waits", 0.0))
        assert woken.wait(30)
        look = caller.halt.clock(lambda: 1.0)
        try:
            look()
        except KeyboardInterrupt:
            # What cleans up may look at the clock again.
            assert look() == 1.0
            ended.append(name)
            raise RefusedError(f"{name} goes on without us") from None
        return "well"

    done = caller.perform(work)
    assert done.interrupted
    assert sorted(ended) == ["beside", "first"]
    assert done.board.running == frozenset()
    assert set(done.results) == {"first", "beside"}
    assert [job.name for job in done.board.waiting()] == ["after"]


def test_ctrl_c_is_for_the_turn_and_not_for_a_thread_that_helps_it() -> None:
    """A probe looks at the same clock, on threads of its own, and far more often."""
    caller = Caller(interrupt_at="waits")
    helped: list[float | BaseException] = []

    def work(name: str, on_event: OnEvent, confirm: Confirm) -> str:
        woken = threading.Event()
        caller.halt.wakes(woken.set)
        look = caller.halt.clock(lambda: 1.0)
        on_event(Event("note", "waits", 0.0))
        assert woken.wait(30)

        def help_it() -> None:
            try:
                helped.append(look())
            except BaseException as exc:  # noqa: BLE001 - what this test is about
                helped.append(exc)

        helper = threading.Thread(target=help_it)
        helper.start()
        helper.join()
        look()
        return "well"

    done = caller.perform(work, limit=1)
    assert done.interrupted
    assert helped == [1.0]
    assert done.results == {}
    assert done.board.running == frozenset()


def test_a_halt_that_came_before_wakes_at_once() -> None:
    halt, woken = Halt(), []
    halt.set()
    halt.wakes(lambda: woken.append("now"))
    assert woken == ["now"]
    assert halt.is_set
