"""What work came to, judged on values: only all of the wanted instances are `completed`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from toolkit.rollout.work import Seen, Word, Work, judge
from toolkit.rollout.work_rows import rows
from toolkit.spec.observed import AllocationView, EvaluationView, TaskView


def job(
    kind: str = "batch", counts: tuple[int, ...] = (1,), attempts: int = 0, **more: Any
) -> dict[str, Any]:
    policy = {"Attempts": attempts, "Unlimited": False}
    groups = [
        {"Name": f"g{n}", "Count": count, "ReschedulePolicy": policy}
        for n, count in enumerate(counts)
    ]
    return {
        "ID": "migrate", "Type": kind, "Version": 3, "JobModifyIndex": 30, "CreateIndex": 10,
        "Status": "dead", "Stop": False, "TaskGroups": groups, **more,
    }  # fmt: skip


def work(raw: dict[str, Any] | None = None, parent: str | None = None) -> Work:
    return Work(raw or job(), 3, 30, parent)


def alloc(
    status: str = "complete",
    *,
    id: str = "a",  # noqa: A002
    desired: str = "run",
    version: int = 3,
    group: str = "g0",
    failed: bool = False,
    next: str | None = None,  # noqa: A002
    created: int = 31,
) -> AllocationView:
    return AllocationView(
        id=id, name=f"migrate.{group}[0]", group=group, job_version=version, node="n", node_id="n",
        client_status=status, desired_status=desired, create_index=created, next_allocation=next,
        tasks=(TaskView("app", "dead", failed or status == "failed", 0),),
    )  # fmt: skip


def evaluation(
    status: str = "complete", *, by: str = "job-register", created: int = 30, said: str = ""
) -> EvaluationView:
    return EvaluationView(
        id=f"{by}-{created}", status=status, description=said, triggered_by=by,
        job_modify_index=30, create_index=created,
    )  # fmt: skip


def seen(*allocations: AllocationView, of: dict[str, Any] | None = None, **more: Any) -> Seen:
    evaluations = more.pop("evaluations", (evaluation(),))
    return Seen(
        of if of is not None else job(**more), allocations=allocations, evaluations=evaluations
    )


RUNNING: dict[str, Any] = {"Status": "running"}
TABLE: list[tuple[str, Work, Seen, Word]] = [
    ("done", work(), seen(alloc()), "completed"),
    ("done while the job is not called dead yet", work(), seen(alloc(), **RUNNING), "completed"),
    ("nothing answered yet", work(), Seen(), "runs"),
    ("allocations alone", work(), Seen(allocations=(alloc(),)), "runs"),
    ("running", work(), seen(alloc("running"), **RUNNING), "runs"),
    ("running in an allocation, dead in the job", work(), seen(alloc("running")), "runs"),
    ("disconnected", work(), seen(alloc("unknown"), **RUNNING), "runs"),
    ("failed", work(), seen(alloc("failed")), "failed"),
    ("lost", work(), seen(alloc("lost", desired="stop")), "failed"),
    ("complete with a failed task", work(), seen(alloc(failed=True)), "failed"),
    ("failed, and the job not over", work(), seen(alloc("failed"), Status="pending"), "runs"),
    ("an older run was done", work(), seen(alloc(version=1)), "failed"),
    ("an older run was done, ours pending", work(), seen(alloc(version=1), Status="pending"),
     "runs"),
    ("one of two", work(job(counts=(2,))), seen(alloc(), counts=(2,)), "failed"),
    ("one of two, the other running", work(job(counts=(2,))),
     seen(alloc(), alloc("running", id="b"), counts=(2,), **RUNNING), "runs"),
    ("two of two", work(job(counts=(2,))), seen(alloc(), alloc(id="b"), counts=(2,)),
     "completed"),
    ("two of one group, none of the other", work(job(counts=(1, 1))),
     seen(alloc(), alloc(id="b"), counts=(1, 1)), "failed"),
    ("one of each group", work(job(counts=(1, 1))),
     seen(alloc(), alloc(id="b", group="g1"), counts=(1, 1)), "completed"),
    ("failed, replaced, done", work(),
     seen(alloc("failed", next="b", desired="stop"), alloc(id="b")), "completed"),
    ("failed, and will be tried again in a moment", work(job(attempts=1)),
     seen(alloc("failed"), attempts=1), "settles"),
    ("failed, tried again, failed", work(job(attempts=1)),
     seen(alloc("failed", next="b", desired="stop"), alloc("failed", id="b"), attempts=1),
     "failed"),
    ("failed, and Nomad decided", work(job(attempts=1)),
     seen(alloc("failed"), attempts=1,
          evaluations=(evaluation(), evaluation(by="alloc-failure", created=40))), "failed"),
    ("waits for room", work(),
     seen(Status="pending", evaluations=(evaluation(), evaluation("blocked", created=32))),
     "waits"),
    ("one runs, one waits for room", work(job(counts=(2,))),
     seen(alloc("running"), counts=(2,), Status="running",
          evaluations=(evaluation("blocked", created=32),)), "runs"),
    ("the scheduler gave up", work(), seen(evaluations=(evaluation("failed", said="no"),)),
     "failed"),
    ("stopped", work(), seen(alloc(desired="stop"), Stop=True, Version=4), "held"),
    ("being stopped", work(), seen(alloc("running", desired="stop"), Stop=True, Version=4),
     "runs"),
    ("stopped after it was done", work(), seen(alloc(), Stop=True, Version=4), "completed"),
    ("an instance was stopped", work(), seen(alloc(desired="stop")), "held"),
    ("purged", work(), Seen(None, True, (), ()), "gone"),
    ("purged, nothing else answered", work(), Seen(None, True), "gone"),
    ("replaced", work(), seen(alloc("running"), Version=4), "superseded"),
    ("replaced after it was done", work(), seen(alloc(), Version=4), "completed"),
    ("purged and registered anew", work(), seen(alloc(version=0), Version=0, CreateIndex=50),
     "superseded"),
    ("every node of a sysbatch job", work(job("sysbatch")),
     seen(alloc(), alloc(id="b"), kind="sysbatch"), "completed"),
    ("a sysbatch job that is not over", work(job("sysbatch")),
     seen(alloc(), kind="sysbatch", Status="pending"), "runs"),
    ("one node of a sysbatch job failed", work(job("sysbatch")),
     seen(alloc(), alloc("failed", id="b"), kind="sysbatch"), "failed"),
    ("a sysbatch job that runs nowhere", work(job("sysbatch")), seen(kind="sysbatch"), "failed"),
    ("a launch that another one joined", work(job(ID="n/periodic-1"), "n"),
     seen(alloc(version=4), ID="n/periodic-1", Version=4), "completed"),
    ("a dispatch is nobody else's", work(job(ID="n/dispatch-1-a"), "n"),
     seen(alloc(version=4), ID="n/dispatch-1-a", Version=4), "superseded"),
]  # fmt: skip


@pytest.mark.parametrize(("what", "of", "answers", "word"), TABLE, ids=[row[0] for row in TABLE])
def test_the_word_for_what_was_seen(what: str, of: Work, answers: Seen, word: Word) -> None:
    assert judge(of, answers).word == word, what


allocations = st.builds(
    alloc,
    st.sampled_from(["pending", "running", "complete", "failed", "lost", "unknown"]),
    id=st.sampled_from("abcd"),
    desired=st.sampled_from(["run", "stop", "evict"]),
    version=st.integers(2, 4),
    group=st.sampled_from(["g0", "g1"]),
    failed=st.booleans(),
    next=st.sampled_from([None, "a", "b", "z"]),
)


@given(
    st.lists(allocations, unique_by=lambda a: a.id),
    st.tuples(st.integers(0, 2), st.integers(1, 2)),
    st.sampled_from(["pending", "running", "dead"]),
    st.booleans(),
    st.integers(2, 5),
    st.sampled_from(["batch", "sysbatch"]),
)
@settings(deadline=None, max_examples=150)
def test_no_answers_make_unfinished_work_completed(
    found: list[AllocationView],
    counts: tuple[int, int],
    status: str,
    stopped: bool,
    version: int,
    kind: str,
) -> None:
    raw = job(kind, counts, Status=status, Stop=stopped, Version=version)
    if judge(work(job(kind, counts)), seen(*found, of=raw)).word != "completed":
        return
    # Written anew, from what completed has to mean.
    well = [
        a for a in found
        if (a.job_version, a.client_status, a.desired_status) == (3, "complete", "run")
        and not a.tasks[0].failed
    ]  # fmt: skip
    if kind == "batch":
        for number, group in zip(counts, ("g0", "g1"), strict=True):
            assert len([a for a in well if a.group == group]) >= number
    else:
        assert well and status == "dead"
        assert not [a for a in found if a.job_version == 3 and a.client_status == "running"
                    and a.next_allocation not in {b.id for b in found}]  # fmt: skip


def test_a_task_is_read_from_its_last_end() -> None:
    def ended(code: int, signal: int = 0, oom: bool = False) -> dict[str, Any]:
        details = {"exit_code": str(code), "signal": str(signal), "oom_killed": str(oom).lower()}
        return {"Type": "Terminated", "Details": details}

    state = {
        "State": "dead", "Failed": True, "Restarts": 1, "StartedAt": "2026-01-31T10:00:00.5Z",
        "FinishedAt": "2026-01-31T10:00:01.123456789Z", "Events": [ended(1), ended(137, 9, True)],
    }  # fmt: skip
    raw = {
        "ID": "a", "TaskGroup": "g", "NodeName": "n", "ClientStatus": "failed",
        "DesiredStatus": "run", "NextAllocation": "b",
        "TaskStates": {"app": state, "init": {"State": "pending", "StartedAt": "0001-01-01T"}},
    }  # fmt: skip
    other = {"ID": "b", "CreateIndex": 9, "ClientStatus": "pending", "DesiredStatus": "run"}
    app, init, new = rows([other, raw, {"ID": "c"}], {"a", "b"})
    assert (app.state, app.exit_code, app.signal, app.oom) == ("failed", 137, 9, True)
    assert (app.restarts, app.replaced, init.replaced) == (1, True, True)
    assert app.started is not None and app.finished is not None
    assert round(app.finished - app.started, 3) == 0.623
    assert (init.started, init.exit_code, init.state) == (None, None, "pending")
    assert (new.allocation, new.task, new.state) == ("b", "", "pending")


@pytest.mark.parametrize(("desired", "state"), [("run", "complete"), ("stop", "stopped")])
def test_an_end_that_somebody_asked_for_is_not_complete(desired: str, state: str) -> None:
    task = {"State": "dead", "Events": [{"Type": "Killed"}]}
    raw = {
        "ID": "a",
        "ClientStatus": "complete",
        "DesiredStatus": desired,
        "TaskStates": {"app": task},
    }
    assert [row.state for row in rows([raw], {"a"})] == [state]


def test_an_answer_that_is_older_changes_nothing_for_the_better() -> None:
    done = seen(alloc())
    assert judge(work(), replace(done, allocations=())).word == "failed"
    assert judge(work(), replace(done, allocations=None)).word == "runs"
