"""A rollout in time, from values: what each instance was when."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toolkit.rollout.feed import Update
from toolkit.rollout.sightings import Sightings
from toolkit.rollout.timeline import MOST_BARS, Course, timeline
from toolkit.spec.chain import InstanceChain
from toolkit.spec.observed import (
    AllocationView,
    CheckView,
    ConsulInstance,
    TaskEvent,
    TaskView,
)
from toolkit.spec.timeline import Bar, Sighting, Timeline

BEGAN = 1000.0
COURSE = Course(version=4, began=BEGAN, ended=1010.0, index=40, promoted=1003.0)


def alloc(id_: str = "a1", *events: TaskEvent, **more: Any) -> AllocationView:
    values: dict[str, Any] = {
        "id": id_, "name": "web[0]", "group": "web", "job_version": 4, "node": "node-1",
        "node_id": "n1", "client_status": "running", "desired_status": "run", "create_index": 41,
        "created_at": 1000.1, "modified_at": 1002.0,
        "tasks": (TaskView("app", "running", False, 0, events),),
    }  # fmt: skip
    return AllocationView(**{**values, **more})


def event(kind: str, at: float, **details: str) -> TaskEvent:
    return TaskEvent(kind, at, "", details)


STARTED = event("Started", 1000.5)


def old(*events: TaskEvent, **more: Any) -> AllocationView:
    return alloc(
        "o1", event("Started", 10.5), *events,
        **{"job_version": 3, "created_at": 10.0, "create_index": 7, "healthy": True,
           "judged_at": 12.0, **more},
    )  # fmt: skip


def phases(bar: Bar) -> list[tuple[str, float, float | None]]:
    return [(span.phase, span.began, span.ended) for span in bar.spans]


def only(found: Timeline) -> Bar:
    [bar] = found.bars
    return bar


def test_a_canary_that_is_promoted() -> None:
    view = alloc("a1", STARTED, healthy=True, judged_at=1002.5)
    bar = only(timeline(replace(COURSE, canaries=frozenset({"a1"})), [view]))
    assert bar.role == "canary" and bar.end is None and bar.ended is None
    assert phases(bar) == [
        ("placed", 1000.1, 1000.5), ("running", 1000.5, 1002.5), ("healthy", 1002.5, 1003.0),
        ("promoted", 1003.0, None),
    ]  # fmt: skip


def test_an_instance_that_was_no_canary_is_never_promoted() -> None:
    bar = only(timeline(COURSE, [alloc("a1", STARTED, healthy=True, judged_at=1004.0)]))
    assert bar.role == "new"
    assert [phase for phase, _, _ in phases(bar)] == ["placed", "running", "healthy"]


def test_an_unhealthy_canary_is_not_promoted_either() -> None:
    view = alloc("a1", STARTED, canary=True, healthy=False, judged_at=1002.5)
    assert phases(only(timeline(COURSE, [view])))[-1] == ("unhealthy", 1002.5, None)


def test_an_old_instance_drains_from_when_that_was_seen_until_its_end() -> None:
    view = old(
        event("Killing", 1008.0), event("Terminated", 1008.4), event("Killed", 1008.5),
        desired_status="stop", client_status="complete",
    )  # fmt: skip
    seen = (Sighting("o1", "Nomad", "leaving", 1003.0),)
    bar = only(timeline(replace(COURSE, sightings=seen), [view]))
    assert (bar.role, bar.end, bar.ended) == ("old", "gone", 1008.5)
    assert phases(bar) == [("healthy", BEGAN, 1003.0), ("draining", 1003.0, 1008.5)]


def test_where_nobody_saw_it_the_groups_delay_says_when_it_was_asked_to_go() -> None:
    view = old(event("Killing", 1008.0), desired_status="stop")
    bar = only(timeline(replace(COURSE, delays={"web": 5.0}), [view]))
    assert phases(bar)[-1] == ("draining", 1003.0, None)


def test_what_nomad_wants_gone_drains_before_its_node_has_heard() -> None:
    view = old(desired_status="stop", modified_at=1003.1)
    assert phases(only(timeline(COURSE, [view])))[-1] == ("draining", 1003.1, None)


def test_what_ended_after_the_last_look_is_open() -> None:
    view = old(
        event("Killing", 1009.0), event("Killed", 1011.0),
        desired_status="stop", client_status="complete",
    )  # fmt: skip
    bar = only(timeline(COURSE, [view]))
    assert bar.end is None and phases(bar)[-1] == ("draining", 1009.0, None)


def test_what_was_over_before_it_began_is_not_there() -> None:
    view = old(event("Killed", 900.0), client_status="complete", desired_status="stop")
    assert timeline(COURSE, [view]).bars == ()


def test_a_task_that_ends_by_itself_is_restarted_and_marked() -> None:
    view = alloc(
        "a1", STARTED, event("Terminated", 1001.0, exit_code="3"), event("Restarting", 1001.1),
        event("Started", 1002.0), event("Terminated", 1002.2, exit_code="3"),
        event("Not Restarting", 1002.2),
        client_status="failed",
    )  # fmt: skip
    found = timeline(COURSE, [view])
    assert phases(only(found)) == [
        ("placed", 1000.1, 1000.5), ("running", 1000.5, 1001.0), ("restarting", 1001.0, 1002.0),
        ("running", 1002.0, 1002.2),
    ]  # fmt: skip
    assert only(found).end == "failed"
    assert [(mark.at, mark.kind, mark.text, mark.allocation) for mark in found.marks] == [
        (1001.0, "failure", "task app exited 3", "a1"),
        (1002.2, "failure", "task app exited 3", "a1"),
    ]


def test_no_message_of_a_task_gets_into_a_mark() -> None:
    secret = TaskEvent("Driver Failure", 1001.0, "cannot pull with password hunter2", {})
    [mark] = timeline(COURSE, [alloc("a1", secret)]).marks
    assert mark.text == "task app: driver failure"


def test_a_revert_judges_again_what_was_healthy_all_along() -> None:
    view = old(job_version=5, judged_at=1006.0)
    seen = (Sighting("o1", "Nomad", "healthy", 1000.2),)
    bar = only(timeline(replace(COURSE, sightings=seen), [view]))
    assert (bar.role, phases(bar)) == ("old", [("healthy", BEGAN, None)])


def test_what_a_revert_makes_anew_is_restored() -> None:
    view = alloc("r1", event("Started", 1006.0), job_version=5, created_at=1005.0, create_index=60)
    assert only(timeline(COURSE, [view])).role == "restored"


def test_old_ones_come_first_and_those_of_a_kind_together() -> None:
    canary = frozenset({"c1", "c2"})
    views = [
        alloc("c1", STARTED), alloc("n1", STARTED), old(id="o2"), alloc("c2", STARTED), old(),
    ]  # fmt: skip
    found = timeline(replace(COURSE, canaries=canary), views)
    assert [bar.allocation for bar in found.bars] == ["o1", "o2", "c1", "c2", "n1"]


def test_a_thousand_instances_are_counted_and_the_new_ones_kept() -> None:
    views = [alloc(f"n{n}", STARTED) for n in range(300)] + [
        old(id=f"o{n}") for n in range(300)
    ]  # fmt: skip
    found = timeline(COURSE, views)
    assert len(found.bars) == MOST_BARS
    assert sum(bar.role == "new" for bar in found.bars) == 300
    assert found.notes == ("200 more instances are not shown",)


def test_times_of_another_clock_are_moved_to_ours() -> None:
    view = alloc("a1", event("Started", 970.5), created_at=970.1, healthy=True, judged_at=972.0)
    bar = only(timeline(replace(COURSE, skew=30.0), [view]))
    assert phases(bar) == [
        ("placed", 1000.1, 1000.5), ("running", 1000.5, 1002.0), ("healthy", 1002.0, None),
    ]  # fmt: skip


def test_an_instance_without_any_time_of_its_own_is_left_out_and_breaks_nothing() -> None:
    bare = AllocationView("x", "", "", 4, "", "", "pending", "run")
    assert [bar.allocation for bar in timeline(COURSE, [bare]).bars] == ["x"]
    assert timeline(COURSE, []).bars == ()


# What is seen on the way.


def consul(*found: tuple[str, str], service: str = "web", hidden: bool = False) -> Update:
    instances = tuple(
        ConsulInstance(service, f"_nomad-task-{id_}", id_, "10.0.0.1", 80, "n", (),
                       (CheckView("c", word, "", "s"),))
        for id_, word in found
    )  # fmt: skip
    return Update("consul", instances, service, hidden=hidden)


def said(seen: Sightings) -> list[tuple[str, str, str, float]]:
    return [(s.allocation, s.system, s.word, s.at) for s in seen.found]


def test_a_word_is_kept_once_until_it_changes() -> None:
    seen = Sightings()
    for at, word in ((1.0, "critical"), (2.0, "critical"), (3.0, "passing"), (4.0, "passing")):
        seen.take(consul(("a1", word)), at)
    seen.take(consul(), 5.0)
    assert said(seen) == [
        ("a1", "Consul", "critical", 1.0), ("a1", "Consul", "passing", 3.0),
        ("a1", "Consul", "gone", 5.0),
    ]  # fmt: skip


def test_of_several_services_the_worst_counts() -> None:
    seen = Sightings()
    seen.take(consul(("a1", "passing")), 1.0)
    seen.take(consul(("a1", "critical"), service="admin"), 2.0)
    seen.take(consul(("a1", "passing"), service="admin"), 3.0)
    assert [(word, at) for _, _, word, at in said(seen)] == [
        ("passing", 1.0), ("critical", 2.0), ("passing", 3.0),
    ]  # fmt: skip


def test_a_list_that_is_not_whole_says_nothing_of_who_is_missing() -> None:
    seen = Sightings()
    seen.take(consul(("a1", "passing")), 1.0)
    seen.take(consul(hidden=True), 2.0)
    assert [word for _, _, word, _ in said(seen)] == ["passing"]


def test_the_edge_is_heard_where_it_was_seen() -> None:
    seen = Sightings()
    for at, word in ((1.0, "-"), (2.0, "unseen"), (3.0, "missing"), (4.0, "up"), (5.0, "up")):
        seen.look([InstanceChain("a1", "n", "web", "healthy", "passing", word, "1.0.0")], at)
    assert [(word, at) for _, _, word, at in said(seen)] == [("missing", 3.0), ("up", 4.0)]


def moved(*times: float) -> Update:
    views = tuple(alloc(f"a{n}", modified_at=at) for n, at in enumerate(times))
    return Update("allocations", views)


def test_the_clocks_are_compared_by_what_changes_while_we_listen() -> None:
    seen = Sightings()
    # The first list may be of long ago.
    seen.take(moved(100.0), 5000.0)
    assert seen.skew == 0.0
    seen.take(moved(4970.3), 5000.5)
    seen.take(moved(4973.0), 5003.05)
    assert round(seen.skew, 2) == 30.05
    near = Sightings()
    near.take(moved(1.0), 5.0)
    near.take(moved(5.9), 6.0)
    assert near.skew == 0.0


def test_a_clock_that_is_behind_is_seen_too() -> None:
    seen = Sightings()
    seen.take(moved(), 5.0)
    seen.take(moved(66.0), 6.0)
    assert seen.skew == -60.0
