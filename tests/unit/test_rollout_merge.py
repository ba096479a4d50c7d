"""Task events over several looks."""

from __future__ import annotations

from tests.unit.machinery import allocation, crash
from toolkit.rollout.events import failures
from toolkit.rollout.merge import FIRST, LAST, merged
from toolkit.spec.observed import AllocationView, TaskEvent, TaskView


def with_events(*events: TaskEvent, name: str = "a", restarts: int = 0) -> AllocationView:
    return allocation(name, tasks=(TaskView("app", "running", False, restarts, events),))


def look(before: tuple[AllocationView, ...], *now: AllocationView) -> tuple[AllocationView, ...]:
    return merged({a.id: a for a in before}, now)


def kept(found: tuple[AllocationView, ...]) -> list[float]:
    return [event.at for event in found[0].tasks[0].events]


def test_what_nomad_dropped_is_still_there() -> None:
    seen: tuple[AllocationView, ...] = ()
    cause = TaskEvent("Failed Artifact Download", 1.0, "404")
    loop = [cause, *(crash(2.0 + n) for n in range(30))]
    for end in range(1, len(loop) + 1):
        seen = look(seen, with_events(*loop[max(0, end - 10) : end], restarts=end))
    assert kept(seen) == [event.at for event in loop]
    assert failures(seen[0])[0].event == cause
    assert seen[0].tasks[0].restarts == len(loop), "all else is as it is now"


def test_an_answer_that_is_older_takes_nothing_away() -> None:
    new = look((), with_events(crash(1), crash(2), crash(3)))
    assert kept(look(new, with_events(crash(1), crash(2)))) == [1, 2, 3]


def test_an_empty_answer_takes_nothing_away() -> None:
    assert kept(look((with_events(crash(1)),), with_events())) == [1]


def test_an_event_that_is_told_again_is_one() -> None:
    assert kept(look((with_events(crash(1)),), with_events(crash(1), crash(2)))) == [1, 2]


def test_events_of_one_moment_that_differ_are_two() -> None:
    found = look((with_events(crash(1, "1")),), with_events(crash(1, "2")))
    assert [e.details["exit_code"] for e in found[0].tasks[0].events] == ["1", "2"]


def test_the_beginning_and_the_end_of_a_long_loop_are_kept() -> None:
    seen: tuple[AllocationView, ...] = ()
    for number in range(500):
        seen = look(seen, with_events(crash(float(number))))
    assert len(kept(seen)) == FIRST + LAST
    assert kept(seen)[:FIRST] == [float(n) for n in range(FIRST)]
    assert kept(seen)[-1] == 499.0


def test_what_nomad_no_longer_lists_does_not_come_back() -> None:
    gone, here = with_events(crash(1)), with_events(crash(5), name="b")
    assert look((gone, here), here) == (here,)
    assert look((gone,)) == ()


def test_tasks_that_begin_later_have_their_own_events() -> None:
    two = allocation(
        tasks=(
            TaskView("app", "running", False, 0, (crash(2),)),
            TaskView("side", "running", False, 0, (crash(3),)),
        )
    )
    found = look((with_events(crash(1)),), two)
    assert [[e.at for e in task.events] for task in found[0].tasks] == [[1, 2], [3]]
