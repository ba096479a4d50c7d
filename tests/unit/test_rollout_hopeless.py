"""Which allocations can no longer become healthy."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from toolkit.rollout.hopeless import hopeless, is_hopeless
from toolkit.spec.observed import AllocationView, TaskEvent, TaskView


def event(kind: str, at: float = 1.0, message: str = "", **details: str) -> TaskEvent:
    return TaskEvent(kind, at, message, details)


def crash(code: str, at: float = 1.0) -> TaskEvent:
    return event("Terminated", at, exit_code=code, signal="0")


def allocation(
    events: Sequence[TaskEvent],
    *,
    status: str = "running",
    healthy: bool | None = None,
    version: int = 1,
    name: str = "a",
    then: str | None = None,
) -> AllocationView:
    return AllocationView(
        id=name * 36,
        name="job.app[0]",
        group="app",
        job_version=version,
        node="node-1",
        node_id="n",
        client_status=status,
        desired_status="run",
        healthy=healthy,
        tasks=(TaskView("app", "running", False, 0, tuple(events)),),
        next_allocation=then and then * 36,
    )


@pytest.mark.parametrize(
    "events",
    [
        [],
        [event("Started")],
        [crash("1")],
        [crash("1", 1), crash("2", 2)],
        [crash("0", 1), crash("0", 2)],
        [event("Driver Failure")],
        [event("Template", message="Missing: nomad.var.block(x)")],
    ],
)
def test_there_is_still_hope(events: list[TaskEvent]) -> None:
    assert not is_hopeless(allocation(events))


@pytest.mark.parametrize(
    "events",
    [
        [crash("1", 1), event("Started", 2), crash("1", 3)],
        [
            event("Terminated", 1, exit_code="0", signal="9"),
            event("Terminated", 2, exit_code="0", signal="9"),
        ],
        [event("Driver Failure", 1), event("Driver Failure", 2)],
        [event("Driver Failure"), event("Not Restarting")],
        [event("Not Restarting", message="Exceeded allowed attempts")],
        [event("Failed Validation")],
    ],
)
def test_the_same_failure_again_or_a_final_one(events: list[TaskEvent]) -> None:
    assert is_hopeless(allocation(events))


def test_nomads_own_word_counts() -> None:
    assert is_hopeless(allocation([], status="failed"))
    assert is_hopeless(allocation([], healthy=False))
    assert not is_hopeless(allocation([], healthy=True))


def test_only_the_version_asked_for_first_failure_first() -> None:
    late = allocation([crash("1", 5), crash("1", 9)], name="b")
    early = allocation([crash("1", 2), crash("1", 8)], name="c")
    other = allocation([crash("1", 1), crash("1", 2)], version=0, name="d")
    assert [a.id[0] for a in hopeless((late, early, other), 1)] == ["c", "b"]


def test_one_whose_replacement_is_healthy_is_past() -> None:
    # As it is heard of after an election: the failure and what Nomad did about it, all at once.
    failed = allocation([], status="failed", healthy=False, then="b")
    again = allocation([], status="failed", healthy=False, name="b", then="c")
    well = allocation([event("Started")], healthy=True, name="c")
    young = allocation([event("Started")], name="c")
    crashing = allocation([crash("1", 1), crash("1", 2)], healthy=True, name="c")
    assert hopeless((failed, again, well), 1) == []
    assert hopeless((failed, again, young), 1) == [failed, again]
    assert crashing in hopeless((failed, again, crashing), 1)
    assert hopeless((failed,), 1) == [failed]


def test_allocations_that_replace_one_another_in_a_circle_are_read_once() -> None:
    one = allocation([], status="failed", then="b")
    other = allocation([], status="failed", name="b", then="a")
    assert len(hopeless((one, other), 1)) == 2
