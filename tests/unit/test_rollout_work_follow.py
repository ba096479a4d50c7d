"""The loop that follows work, on scripted answers and a clock that a test moves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.rollout.work import Work
from toolkit.rollout.work_follow import Following, WorkEnd, _Loop
from toolkit.rollout.work_inbox import Inbox, Item, News
from toolkit.rollout.world import World
from toolkit.spec.target import Endpoint, Target
from toolkit.spec.work import Written

JOB = {
    "ID": "migrate", "Type": "batch", "Version": 0, "JobModifyIndex": 30, "CreateIndex": 30,
    "Status": "running", "Stop": False, "TaskGroups": [{"Name": "g", "Count": 1, "Tasks": [{}]}],
}  # fmt: skip
DONE = {
    "ID": "a", "TaskGroup": "g", "JobVersion": 0, "ClientStatus": "complete",
    "DesiredStatus": "run", "CreateIndex": 31, "TaskStates": {},
}  # fmt: skip
BLOCKED = {"ID": "e", "Status": "blocked", "TriggeredBy": "queued-allocs", "CreateIndex": 32}
PIECE = Written("a", "app", "stdout", b"chatter\n")


class Script(Inbox):
    """An inbox that a test fills; each look at it costs a tenth of a second of the clock."""

    def __init__(self, items: Iterator[Item | None]) -> None:
        super().__init__()
        self.items = items
        self.time = 0.0
        self.waited: list[float] = []

    def take(self, timeout: float) -> Item | None:
        item = next(self.items, None)
        self.waited.append(timeout)
        self.time += 0.1 if item is not None else max(timeout, 0.001)
        return item

    def start(self, name: str, work: Callable[[], None]) -> None:
        raise AssertionError("nothing to read in this test")


@contextmanager
def loop(
    items: Iterator[Item | None], answers: Callable[[str], Any], **how: Any
) -> Iterator[tuple[_Loop, Script, Scripted]]:
    def reply(asked: Asked) -> Reply:
        body = json.dumps(answers(asked.path)).encode()
        return Reply(body, headers={"X-Nomad-Index": "50"})

    with Scripted(reply) as server:
        nomad, consul = (Endpoint(name, server.address, "test") for name in ("Nomad", "Consul"))
        script = Script(items)
        world = World(
            Target("dev", nomad, consul), Nomad(nomad), Consul(consul),
            clock=lambda: script.time, now=lambda: script.time,
        )  # fmt: skip
        work = Work(JOB, 0, 30)
        following = Following(work, **how)
        yield _Loop(world, following, lambda _e: None, lambda _p: None, script), script, server


def ended(items: Iterator[Item | None], answers: Callable[[str], Any], **how: Any) -> WorkEnd:
    with loop(items, answers, **how) as (following, _, _server):
        return following.run()


def news(allocations: list[Any], evaluations: list[Any], job: Any = JOB) -> Iterator[Item | None]:
    yield News("job", job)
    yield News("evaluations", evaluations)
    yield News("allocations", allocations)


def path(job: Any, allocations: list[Any], evaluations: list[Any]) -> Callable[[str], Any]:
    def answer(asked: str) -> Any:
        if asked.endswith("/allocations"):
            return allocations
        return evaluations if asked.endswith("/evaluations") else job

    return answer


def test_a_task_that_never_stops_writing_does_not_put_off_the_deadline() -> None:
    def flood() -> Iterator[Item | None]:
        yield from news([], [])
        while True:
            yield PIECE

    with loop(flood(), path(JOB, [], []), deadline=3.0) as (following, script, _):
        end = following.run()
        assert script.time < 4.0
    assert (end.verdict, end.detail) == (
        "unknown", "it was not done in time: nothing of it was placed"
    )  # fmt: skip


def test_an_end_that_is_not_confirmed_is_looked_at_again_and_not_without_pause() -> None:
    # The list says blocked for good; asked anew, it is not, until the clock has moved on.
    asked: list[str] = []

    def answers(what: str) -> Any:
        asked.append(what)
        late = asked.count("/v1/job/migrate/evaluations") > 5
        return path(JOB, [], [BLOCKED] if late else [])(what)

    def blocked() -> Iterator[Item | None]:
        yield from news([], [BLOCKED])
        while True:
            yield None
            yield News("evaluations", [BLOCKED])

    with loop(blocked(), answers, wait_capacity=1.0) as (following, script, server):
        end = following.run()
        assert end.verdict == "unplaced"
        # Half a second between two looks: so many calls for so many seconds.
        assert len(server.asked) <= 3 * (script.time / 0.5 + 1)


def test_what_is_done_of_another_job_of_the_same_name_is_not_ours() -> None:
    other = {**JOB, "CreateIndex": 60, "Status": "dead"}
    end = ended(news([DONE], []), path(other, [DONE], []))
    assert (end.verdict, end.detail) == (
        "superseded", "somebody purged it and registered it anew"
    )  # fmt: skip


def test_done_is_done_although_it_was_purged_afterwards() -> None:
    gone = {**JOB, "Stop": True, "Version": 1}
    assert ended(news([DONE], []), path(gone, [DONE], [])).verdict == "completed"


def test_an_older_run_that_was_blocked_is_not_ours() -> None:
    old = {**BLOCKED, "CreateIndex": 12}
    dead = {**JOB, "Status": "dead"}
    end = ended(news([], [old], dead), path(dead, [], [old]))
    assert (end.verdict, end.detail) == (
        "failed", "Nomad placed fewer instances than the job asks for"
    )  # fmt: skip
