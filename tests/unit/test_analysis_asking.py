"""Who is asked, in which order, what is counted, and what is told of it; without a network."""

from __future__ import annotations

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from tests.unit.machinery import OURS, allocation, deployment, group, job
from toolkit.clients.consul import Consul
from toolkit.clients.http import Answer
from toolkit.clients.nomad import Nomad
from toolkit.rollout.analysis import tally, words
from toolkit.rollout.analysis.analyst import Analyst
from toolkit.rollout.analysis.metrics import Reading
from toolkit.rollout.analysis.sampler import BLOCK, Sampler
from toolkit.rollout.analysis.tally import LEAVING, Sample, Tally
from toolkit.rollout.analysis.targets import Target, Targets, choose
from toolkit.rollout.machine import Opinion
from toolkit.rollout.world import World
from toolkit.spec.analysis import AnalysisSettings
from toolkit.spec.observed import ConsulInstance
from toolkit.spec.target import Endpoint
from toolkit.spec.target import Target as Environment

SOON = AnalysisSettings(samples=30, rate=200, hold=0.05, deadline=30.0, timeout=1.0)
GOOD, BAD = Answer(200, seconds=0.01), Answer(500, seconds=0.01)
SILENT = Answer(None, error="connection refused", seconds=0.01)


def target(name: str) -> Target:
    return Target(name * 8, "web", "node-1", f"http://h:{ord(name)}", "web.localhost")


BOTH = Targets((target("c"),), (target("s"), target("t")))


def world() -> World:
    nomad, consul = (Endpoint(s, "http://127.0.0.1:9", "test") for s in ("Nomad", "Consul"))
    return World(Environment("dev", nomad, consul), Nomad(nomad), Consul(consul))


# Whom to ask.


def instance(name: str, port: int = 80, label: str = "http", service: str = "web") -> Any:
    full = f"{name * 8}-{name * 4}-{name * 4}-{name * 4}-{name * 12}"
    return ConsulInstance(
        service, f"_nomad-task-{full}-group-web-{service}-{label}", name * 8, "10.0.0.1", port, "n"
    )


def chosen(*those: Any, consul: tuple[Any, ...], raw: dict[str, Any] | None = None) -> Targets:
    raw = raw or job()
    raw["TaskGroups"][0]["Services"][0]["PortLabel"] = "http"
    waits = deployment("running", groups=[group(desired_canaries=1)])
    return choose(raw, waits, those, {"web": consul})


def test_canaries_and_older_instances_of_the_groups_that_wait() -> None:
    found = chosen(
        allocation("c", canary=True), allocation("o", job_version=3),
        allocation("p", job_version=3, desired_status="stop"),
        allocation("g", group="side", job_version=3), allocation("f", "failed", job_version=3),
        consul=tuple(instance(name) for name in "copgf"),
    )  # fmt: skip
    assert [t.allocation for t in found.canaries] == ["c" * 8]
    assert [t.allocation for t in found.stable] == ["o" * 8]
    assert found.told_to_stop == {"p" * 8}
    assert found.canaries[0].url == "http://10.0.0.1:80"


def test_what_consul_does_not_have_cannot_be_asked() -> None:
    found = chosen(allocation("c"), allocation("o", job_version=3), consul=(instance("c", 0),))
    assert (found.canaries, found.stable) == ((), ())


def test_of_one_name_on_two_ports_the_services_own_is_asked() -> None:
    found = chosen(
        allocation("c"), consul=(instance("c", 9100, "metrics"), instance("c", 80, "http"))
    )
    assert [t.url for t in found.canaries] == ["http://10.0.0.1:80"]


def test_the_version_before_may_be_another_than_the_one_before() -> None:
    old = [allocation(n, job_version=v) for n, v in (("o", OURS - 1), ("p", OURS - 3))]
    found = chosen(allocation("c"), *old, consul=tuple(instance(n) for n in "cop"))
    assert len(found.stable) == 2


# What is counted.


def sample(side: Any = "canary", at: float = 1.0, **how: Any) -> Sample:
    return Sample(at, side, how.pop("who", "c"), "/", how.pop("seconds", 0.1), **how)


def test_what_is_answered_is_counted_by_side_and_by_second() -> None:
    rows = (
        sample(at=1.2), sample(at=1.9, wrong="HTTP 500"), sample("stable", 1.5, seconds=0.3),
        sample("stable", 2.1),
    )  # fmt: skip
    canary = tally.side(rows, "canary", 1)
    assert (canary.requests, canary.failed, canary.latencies) == (2, 1, [0.1])
    first, second = tally.seconds(rows)
    assert (first.at, first.canary_requests, first.canary_failed) == (1, 2, 1)
    assert (first.stable_requests, first.stable_slowest) == (1, 0.3)
    assert (second.at, second.canary_requests, second.stable_requests) == (2, 0, 1)


def test_who_was_told_to_stop_is_forgiven_what_it_left_unanswered() -> None:
    kept = Tally()
    for one in (
        sample("stable", 10.0 - LEAVING - 0.1, wrong="refused", answered=False),
        sample("stable", 9.0, wrong="refused", answered=False),
        sample("stable", 9.0, wrong="HTTP 500"),
        sample("stable", 9.0),
        sample("stable", 9.0, who="other", wrong="refused", answered=False),
    ):
        kept.add(one)
    kept.forgive("c", 10.0)
    assert kept.requests("stable") == len(kept.samples()) == 4
    assert sum(s.wrong is not None for s in kept.samples()) == 3


def test_only_the_first_failures_of_each_side_are_kept() -> None:
    rows = [sample(at=float(n), wrong="x") for n in range(50)]
    rows += [sample("stable", 60.0, wrong="y")]
    found = tally.failures(rows)
    assert [f.side for f in found].count("canary") == tally.MOST_FAILURES
    assert found[-1].what == "y"


# How it is asked.


@contextmanager
def asking(
    request: Callable[[Target, str], Answer], settings: AnalysisSettings, targets: Targets = BOTH
) -> Iterator[Tally]:
    kept, here = Tally(), world()
    sampler = Sampler(settings, request, kept, clock=here.clock, now=here.now)
    sampler.aim(targets)
    sampler.start()
    try:
        yield kept
    finally:
        sampler.stop()
    assert sampler.broken is None


def test_both_sides_are_asked_alike_on_each_path() -> None:
    settings = replace(SOON, paths=("/a", "/b"), rate=400)
    with asking(lambda _target, _path: GOOD, settings) as kept:
        kept.wait(200, 30.0)
        found = kept.samples()
    paths = Counter((s.side, s.path) for s in found)
    assert max(paths.values()) - min(paths.values()) <= 10
    stable = Counter(s.allocation for s in found if s.side == "stable")
    assert set(stable) == {"s" * 8, "t" * 8}


def test_neither_side_is_always_the_first() -> None:
    asked: queue.Queue[str] = queue.Queue()

    def request(target: Target, _path: str) -> Answer:
        asked.put(target.allocation[0])
        return GOOD

    one_lane = replace(SOON, rate=1000.0, timeout=0.001)
    with asking(request, one_lane, Targets((target("c"),), (target("s"),))) as kept:
        kept.wait(32, 30.0)
        order = "".join(asked.get() for _ in range(64))
    pairs = Counter(order[at : at + 2] for at in range(0, 64, 2))
    assert pairs == {"cs": 16, "sc": 16}


def test_one_canary_carries_no_more_than_one_stable_instance() -> None:
    asked: queue.Queue[str] = queue.Queue()

    def request(target: Target, _path: str) -> Answer:
        asked.put(target.allocation[0])
        return GOOD

    one_lane = replace(SOON, rate=1000.0, timeout=0.001)
    beside = Targets((target("c"),), tuple(map(target, "stu")))
    with asking(request, one_lane, beside) as kept:
        kept.wait(6 * BLOCK, 30.0)
        order = [asked.get() for _ in range(12 * BLOCK)]
    stable = [who for who in order if who != "c"]
    assert stable == [who for who in "stustu" for _ in range(BLOCK)]


def test_no_more_than_so_many_a_second_however_fast_they_answer() -> None:
    settings = replace(SOON, rate=50.0)
    here = world()
    begun = here.clock()
    with asking(lambda _target, _path: GOOD, settings) as kept:
        kept.wait(40, 30.0)
        number = kept.requests("canary")
        took = here.clock() - begun
    assert number <= 50 * took + 8


def test_slow_answers_are_not_made_up_for_in_a_burst() -> None:
    go, held = threading.Event(), threading.Semaphore(0)

    def stuck(_target: Target, _path: str) -> Answer:
        held.release()
        go.wait(30)
        return GOOD

    settings = replace(SOON, rate=1000.0, timeout=0.004)  # four lanes
    here = world()
    with asking(stuck, settings) as kept:
        assert all(held.acquire(timeout=10) for _ in range(4))
        # What is due by now is what a burst would be.
        waited = threading.Event()
        waited.wait(0.2)
        go.set()
        begun = here.clock()
        kept.wait(100, 30.0)
        number = len(kept.samples())
        took = here.clock() - begun
    # Each lane had one pair on its way, and one or two that were due.
    assert number <= 2 * (1000 * took + 24)


# From the open gate to an opinion.


class Told:
    """An analyst and what it tells."""

    def __init__(self, request: Callable[[Target, str], Answer], settings: AnalysisSettings = SOON):
        self.opinions: queue.Queue[Opinion] = queue.Queue()
        self.analyst = Analyst(
            world(), job(), settings, Reading(unseen="not asked"), self.opinions.put,
            request=request,
        )  # fmt: skip

    def until_decided(self) -> list[Opinion]:
        """Every opinion up to the one that decides."""
        found = [self.opinions.get(timeout=30)]
        while found[-1].word == "undecided":
            found.append(self.opinions.get(timeout=30))
        return found


def test_nothing_is_asked_before_the_gate_is_open() -> None:
    told = Told(lambda _target, _path: GOOD)
    told.analyst.compare(BOTH, begin=False)
    assert told.analyst.close() is None
    assert told.opinions.empty()


def test_canaries_that_are_no_worse() -> None:
    told = Told(lambda _target, _path: GOOD)
    told.analyst.compare(BOTH)
    begun, *_, last = told.until_decided()
    assert begun.reason.startswith("1 canary beside 2 stable instances · / · 200 requests/s")
    assert last.word == "good"
    assert last.reason.startswith("no worse: canary 0/")
    assert "judged without Traefik's own counts: the job has no route" in last.reason
    # What comes after the end changes nothing any more.
    told.analyst.compare(Targets())
    step = told.analyst.close()
    assert step is not None
    assert (step.word, step.canaries, step.stable.instances) == ("passed", 1, 2)
    assert step.canary.requests >= 30
    assert step.notes == ()


def test_canaries_that_fail() -> None:
    told = Told(lambda target, _path: BAD if target.allocation == "c" * 8 else GOOD)
    told.analyst.compare(BOTH)
    last = told.until_decided()[-1]
    assert last.word == "bad"
    [cause] = last.causes
    assert (cause.kind, cause.allocation, cause.node) == ("analysis", "c" * 8, "node-1")
    assert cause.evidence == ("asked: / of cccccccc: HTTP 500",)
    step = told.analyst.close()
    assert step is not None
    assert (step.word, step.reason) == ("failed", last.reason)
    assert step.canary.failed == step.canary.requests


def test_too_few_answers_at_the_deadline() -> None:
    told = Told(lambda _target, _path: GOOD, replace(SOON, rate=2.0, hold=0.1, deadline=0.4))
    told.analyst.compare(BOTH)
    last = told.until_decided()[-1]
    assert (last.word, last.causes[0].kind) == ("bad", "inconclusive")
    assert "30 are wanted of each" in last.reason
    step = told.analyst.close()
    assert step is not None
    assert step.word == "inconclusive"


def test_an_end_that_comes_from_elsewhere() -> None:
    told = Told(lambda _target, _path: GOOD, replace(SOON, hold=30.0, deadline=60.0))
    told.analyst.compare(BOTH)
    assert told.opinions.get(timeout=30).word == "undecided"
    step = told.analyst.close()
    assert step is not None
    assert step.word == "stopped"


def test_no_stable_instance_is_said_and_stays_so() -> None:
    asked: set[str] = set()

    def request(target: Target, _path: str) -> Answer:
        asked.add(target.allocation)
        return GOOD

    told = Told(request)
    told.analyst.compare(Targets(BOTH.canaries))
    told.analyst.compare(BOTH)
    assert told.until_decided()[-1].word == "good"
    step = told.analyst.close()
    assert step is not None
    assert step.notes == (words.ALONE,)
    assert asked == {"c" * 8}


def test_stable_instances_that_fail_as_well_are_said() -> None:
    told = Told(lambda _target, _path: BAD)
    told.analyst.compare(BOTH)
    assert told.until_decided()[-1].word == "good"
    step = told.analyst.close()
    assert step is not None
    [note] = step.notes
    assert "look at canary.paths" in note


def test_instances_that_nobody_can_reach_from_here_are_no_pass() -> None:
    told = Told(lambda _target, _path: SILENT)
    told.analyst.compare(BOTH)
    last = told.until_decided()[-1]
    assert (last.word, last.causes[0].kind) == ("bad", "inconclusive")
    assert last.reason.startswith("no instance answers at its own address")
    told.analyst.close()


def test_a_release_that_answers_where_the_old_one_is_silent() -> None:
    told = Told(lambda target, _path: GOOD if target.allocation == "c" * 8 else SILENT)
    told.analyst.compare(BOTH)
    assert told.until_decided()[-1].word == "good"
    told.analyst.close()


def test_a_bug_promotes_nothing_and_is_raised() -> None:
    def request(_target: Target, _path: str) -> Answer:
        raise ZeroDivisionError

    told = Told(request)
    told.analyst.compare(BOTH)
    last = told.until_decided()[-1]
    assert (last.word, last.reason) == ("bad", "the analysis itself failed: ZeroDivisionError")
    with pytest.raises(ZeroDivisionError):
        told.analyst.close()


def test_a_canary_that_leaves_is_not_asked_any_more() -> None:
    asked: queue.Queue[str] = queue.Queue()

    def request(target: Target, _path: str) -> Answer:
        asked.put(target.allocation)
        return GOOD

    told = Told(request, replace(SOON, hold=20.0, samples=100_000))
    told.analyst.compare(Targets((target("c"), target("d")), BOTH.stable))
    seen: set[str] = set()
    while not {"c" * 8, "d" * 8} <= seen:
        seen.add(asked.get(timeout=30))
    told.analyst.compare(BOTH)
    later = [asked.get(timeout=30) for _ in range(200)]
    told.analyst.close()
    # What was on its way may still be among them.
    assert later[100:].count("d" * 8) == 0
    assert later[100:].count("c" * 8) > 0
