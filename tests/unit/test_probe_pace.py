"""A probe keeps its pace whatever becomes of the answers, and knows when it was itself that slept.

Nothing here depends on how fast this machine is: what is waited for is waited for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from tests.faults.scripted import Asked, Reply, Scripted
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.rollout.probe.doors import Asking, Place
from toolkit.rollout.probe.firsts import TRIES, first_failure
from toolkit.rollout.probe.probe import LATE, MOST_WAITING, Probe, Releases
from toolkit.rollout.world import World
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.probe import ProbeBudget, ProbeFailure, ProbeSettings
from toolkit.spec.target import Endpoint, Target

PATIENT = ProbeBudget(gap=600.0)
GOOD = Reply(b"ok", headers={"X-Release": "1.0.0"})
NOBODY = Endpoint("Nomad", "http://127.0.0.1:1", "the test")
WORLD = World(Target("dev", NOBODY, NOBODY), Nomad(NOBODY), Consul(NOBODY))


@dataclass
class Told:
    """What a probe said of its budget."""

    whys: list[str] = field(default_factory=list)
    failures: tuple[ProbeFailure, ...] = ()
    said: threading.Event = field(default_factory=threading.Event)

    def __call__(self, why: str, failures: tuple[ProbeFailure, ...]) -> None:
        self.whys.append(why)
        self.failures = failures
        self.said.set()


def asking(server: Scripted, **settings: object) -> Asking:
    how = ProbeSettings(rate=100, timeout=30, settle=0.0, budget=PATIENT)
    return Asking(
        addresses=(server.address,),
        host="shop.localhost",
        places=(Place(0, "GET", "/"), Place(0, "GET", "/b")),
        settings=replace(how, **settings),  # type: ignore[arg-type]
        served=ServedRelease(header="X-Release"),
    )


def until(what: str, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline, what
        threading.Event().wait(0.005)


def test_every_place_is_asked_in_turn_and_no_more_often_than_agreed() -> None:
    told = Told()
    with Scripted(GOOD) as server:
        how = asking(server, most_requests=10)
        with Probe(WORLD, how, Releases("1.1.0", "1.0.0"), told, counting="now") as probe:
            until("ten were answered", lambda: probe.seen().requests == 10)
            until("it ended by itself", lambda: bool(probe.seen().notes))
        report = probe.seen()
        paths = [asked.target for asked in server.asked]
        assert server.connections <= 10
    assert sorted(paths) == ["/"] * 5 + ["/b"] * 5
    assert report.notes == ("it ended after 10 requests, the most that it may make",)
    assert (report.failed, report.over, told.whys) == (0, None, [])
    # Nine of them had to wait for their time.
    assert report.ended - report.began >= 9 / 100
    assert (report.first_new, report.last_new, report.mixed) == (None, None, None)
    assert report.last_old is not None


def test_an_outage_is_failures_in_every_slot_and_not_silence() -> None:
    told = Told()
    with Scripted(Reply(hold=True)) as server:
        how = asking(server, rate=200)
        with Probe(WORLD, how, Releases(), told, counting="now") as probe:
            assert told.said.wait(30)
            report = probe.seen()
            askers = [thread for thread in threading.enumerate() if thread.name == "probe-asks"]
            assert len(askers) == MOST_WAITING
    assert report.over == "1 of 1 requests failed, 0 may"
    assert report.failures[0].what == f"not sent: {MOST_WAITING} before it still wait"
    assert len(told.whys) == 1


def test_a_gap_is_noticed_while_it_lasts() -> None:
    told = Told()
    budget = ProbeBudget(failed=1.0, gap=0.3)
    with Scripted(Reply(hold=True)) as server:
        how = asking(server, budget=budget, rate=20)
        with Probe(WORLD, how, Releases(), told, counting="now") as probe:
            assert told.said.wait(30)
            assert (probe.spent or "").startswith("no good answer for ")


def test_a_machine_that_slept_is_not_held_against_the_release() -> None:
    slept, held, free = 0.0, threading.Event(), threading.Event()

    def clock() -> float:
        return time.monotonic() + slept

    def script(asked: Asked) -> Reply:
        if asked.target == "/b":
            held.set()
            free.wait(30)
        return GOOD

    told = Told()
    with Scripted(script) as server:
        how = asking(server, rate=20, budget=ProbeBudget(gap=20.0, latency=20.0, percentile=100))
        world = replace(WORLD, clock=clock)
        with Probe(world, how, Releases(), told, counting="now") as probe:
            assert held.wait(30)
            slept = 900.0
            until("it was noticed", lambda: bool(probe.seen().notes))
            free.set()
            seen = probe.seen().requests
            until("it goes on", lambda: probe.seen().requests > seen + 5)
            report = probe.seen()
    assert (report.over, told.whys) == (None, [])
    assert report.notes[0].startswith("this machine kept it waiting for ")
    # Nothing was sent to make up for what was missed.
    assert report.requests < 100


def test_a_bad_answer_is_bad_whoever_slept_meanwhile() -> None:
    slept, held, free = 0.0, threading.Event(), threading.Event()

    def clock() -> float:
        return time.monotonic() + slept

    def script(_: Asked) -> Reply:
        held.set()
        free.wait(30)
        return Reply(b"no", 500)

    told = Told()
    with Scripted(script) as server:
        how = asking(server, rate=20, timeout=3600)
        with Probe(replace(WORLD, clock=clock), how, Releases(), told, counting="now") as probe:
            assert held.wait(30)
            slept = 60.0
            until("it was noticed", lambda: bool(probe.seen().notes))
            free.set()
            assert told.said.wait(30)
    assert told.failures[0].what == "HTTP 500"


def test_after_its_last_request_nobody_is_late() -> None:
    free = threading.Event()

    def script(_: Asked) -> Reply:
        free.wait(30)
        return Reply(b"no", 500)

    told = Told()
    with Scripted(script) as server:
        how = asking(server, most_requests=1)
        with Probe(WORLD, how, Releases(), told, counting="now") as probe:
            until("it ended by itself", lambda: bool(probe.seen().notes))
            threading.Event().wait(2 * LATE)
            free.set()
            assert told.said.wait(30)
        assert probe.seen().notes == ("it ended after 1 requests, the most that it may make",)


def test_an_end_does_not_wait_for_what_hangs() -> None:
    with Scripted(Reply(hold=True)) as server:
        with Probe(WORLD, asking(server), Releases(), Told(), counting="now") as probe:
            until("it asked", lambda: bool(server.asked))
        assert (probe.seen().requests, probe.seen().over) == (0, None)


def test_once_over_it_is_told_once_and_the_rest_still_counted() -> None:
    told = Told()
    with Scripted(Reply(b"no", 503, {"X-Release": "1.1.0"})) as server:
        how = asking(server)
        with Probe(WORLD, how, Releases("1.1.0", "1.0.0"), told, counting="now") as probe:
            until("more failed", lambda: probe.seen().failed >= 5)
            report = probe.seen()
    assert told.whys == ["1 of 1 requests failed, 0 may"]
    assert [(f.what, f.release) for f in told.failures] == [("HTTP 503", "1.1.0")]
    assert report.over == told.whys[0]
    assert {row.release for row in report.seconds} == {"1.1.0"}


def test_it_settles_only_once_what_failed_is_answered_again() -> None:
    told, broken = Told(), threading.Event()

    def script(_: Asked) -> Reply:
        return Reply(b"no", 502) if broken.is_set() else GOOD

    with Scripted(script) as server:
        how = asking(server, budget=ProbeBudget(failed=1.0, gap=600.0))
        with Probe(WORLD, how, Releases(), told, counting="now") as probe:
            broken.set()
            until("something failed", lambda: probe.seen().failed > 0)
            settled = threading.Thread(target=probe.settle, args=(WORLD.clock(), 60.0))
            settled.start()
            before = probe.seen().failed
            until("it asks on", lambda: probe.seen().failed > before + 3)
            assert settled.is_alive()
            broken.clear()
            settled.join(30)
            assert not settled.is_alive()


def test_a_bug_on_a_thread_of_its_own_is_not_lost() -> None:
    def on_spent(_why: str, _failures: tuple[ProbeFailure, ...]) -> None:
        raise ZeroDivisionError

    with Scripted(Reply(b"no", 500)) as server:
        with Probe(WORLD, asking(server), Releases(), on_spent, counting="now") as probe:
            probe.settle(WORLD.clock(), 1e9)
        with pytest.raises(ZeroDivisionError):
            probe.seen()


def test_what_fails_from_the_start_is_named_after_a_few_tries() -> None:
    def script(asked: Asked) -> Reply:
        return Reply(b"404 page not found", 404) if asked.target == "/b" else GOOD

    pauses: list[float] = []
    with Scripted(script) as server:
        world = replace(WORLD, sleep=pauses.append)
        assert first_failure(world, asking(server)) == "GET /b: HTTP 404"
        assert [asked.target for asked in server.asked] == ["/"] + ["/b"] * TRIES
        assert len(pauses) == TRIES - 1


def test_what_fails_once_does_not_fail_from_the_start() -> None:
    answers = iter([Reply(b"", 502), GOOD, GOOD])
    with Scripted(lambda _: next(answers)) as server:
        world = replace(WORLD, sleep=lambda _: None)
        assert first_failure(world, asking(server)) is None


@pytest.mark.parametrize(
    ("status", "expect", "good"),
    [(200, (), True), (301, (), True), (404, (), False), (404, (404,), True), (200, (404,), False)],
)
def test_which_answers_are_good(status: int, expect: tuple[int, ...], good: bool) -> None:
    with Scripted(Reply(b"", status)) as server:
        how = asking(server, expect=expect)
        world = replace(WORLD, sleep=lambda _: None)
        assert (first_failure(world, how) is None) is good
