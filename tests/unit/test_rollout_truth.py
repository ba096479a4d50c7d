"""No sequence of answers makes a success of what is none, however stale, out of order or false.

The oracle is `tests/unit/truth.py`. `make soak` draws a hundred times as many stories.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.machinery import (
    FULL,
    INDEX,
    OURS,
    allocation,
    chain,
    deployment,
    evaluation,
    group,
    job,
    live,
    watched,
)
from tests.unit.truth import SUCCESS, Last, may_decide, may_say, remember
from toolkit.errors import ServerError
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import (
    Answers,
    Deeds,
    End,
    GateAnswer,
    Opinion,
    Proof,
    Registered,
    Watched,
    decide,
    verdict_of,
)
from toolkit.rollout.state import State
from toolkit.spec.cause import Cause
from toolkit.spec.chain import LinkState
from toolkit.spec.observed import AllocationView, DeploymentView, EvaluationView, TaskView

BACK = "Failed due to unhealthy allocations - rolling back to job version 3"
KINDS: dict[str, dict[str, Any]] = {
    "service": job(),
    "two groups": job(groups=("web", "side")),
    "three": job(count=3),
    "max_parallel 0": job(max_parallel=0),
    "count 0": job(count=0),
    "no services": job(checked=False),
    "system": job("system"),
    "batch": job("batch", groups=("web", "side")),
    "sysbatch": job("sysbatch"),
    "periodic": job("batch", Periodic={"Spec": "0 3 * * *"}),
    "parameterized": job("batch", ParameterizedJob={"Payload": "optional"}),
    "dispatched": job("batch", ParameterizedJob={"Payload": "optional"}, Dispatched=True),
}


# What is told: pools of answers, so that one draw is one answer.

ODDS = random.Random(1)
POOL = 300


def mostly(good: Any, *bad: Any) -> Any:
    """The good value almost always."""
    return good if ODDS.random() < 0.92 else ODDS.choice(bad)


def some_allocations(raw: dict[str, Any]) -> tuple[AllocationView, ...]:
    batch = raw["Type"] in {"batch", "sysbatch"}
    good, others = ("complete", "running") if batch else ("running", "complete")
    found, health = [], ODDS.choice([True, None])
    for number, its_group in enumerate(raw["TaskGroups"]):
        for name in "abc"[: max(its_group["Count"], 1)]:
            if not mostly(True, False) or (its_group["Count"] == 0 and ODDS.random() < 0.7):
                continue
            status = mostly(good, others, "pending", "failed", "lost", "unknown")
            state = {"running": "running", "pending": "pending"}.get(status, "dead")
            view = allocation(
                name, status, group=its_group["Name"], job_version=mostly(OURS, 3, 5),
                desired_status=mostly("run", "stop"), healthy=mostly(health, None, False),
                canary=mostly(False, True), next_allocation=mostly(None, "z" * 8),
                tasks=(TaskView("app", state, False, mostly(0, 1)),),
            )  # fmt: skip
            found.append(replace(view, id=f"{name}{number}" * 4))
    return tuple(found)


def some_deployments(hidden: bool) -> tuple[DeploymentView, ...]:
    hidden, found = hidden or ODDS.random() < 0.3, []
    for version, index in ((3, 50), (OURS, INDEX), (OURS, 90), (5, 105)):
        if mostly(index == INDEX and not hidden, index != INDEX):
            text = ODDS.choice(["", BACK, *["Deployment marked as failed"] * 3])
            bad = ["running", "paused", "cancelled", "pending", "odd", *["failed"] * 9]
            canaries = ODDS.choice([0, 0, 1])
            lacks = [group(placed=ODDS.choice([0, 1]), desired_canaries=canaries)]
            status = ODDS.choice(["successful", mostly("successful", *bad), ODDS.choice(bad)])
            found.append(deployment(status, text, version=version, index=index, groups=lacks))
    ODDS.shuffle(found)
    return tuple(found)


def some_evaluations() -> tuple[EvaluationView, ...]:
    return tuple(
        evaluation(
            mostly("complete", "pending", "blocked", "failed", "canceled"), name,
            create_index=create, job_modify_index=mostly(50 if create == 50 else INDEX, 0, 103),
            deployment=mostly(None, "d4"), failed=mostly({}, FULL),
        )
        for name, create in (("e0", 50), ("e1", INDEX), ("e2", 120))
        if mostly(name == "e1", name != "e1")
    )  # fmt: skip


def some_proof() -> Proof:
    state: LinkState = mostly("holds", "absent", "broken", "unseen")
    name = ODDS.choice(["nomad", "consul", "traefik", "release", "edge"])
    return Proof(ODDS.choice([OURS, OURS, 3, 5]), chain(**{name: state}))


def some_deeds() -> Deeds:
    return Deeds(
        promoted_at=mostly(None, 1.0), failed=mostly(False, True), gave_up=mostly(False, True),
        analysing=ODDS.choice([False, True]), fail_refused=mostly(False, True),
        explained=mostly(True, False), following=mostly(0.0, None),
    )  # fmt: skip


def drawn(make: Callable[[], Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from([make() for _ in range(POOL)])


def lost(system: str, kind: Literal["lost", "back", "denied"]) -> Update:
    return Update(kind, source=system, error=ServerError("No cluster leader", system=system))


REGISTERED: tuple[Registered | None, ...] = (
    *[live(), live(stable=True)] * 4, live(5, 105), live(5, 105), live(stopped=True), live(3, 50),
    live(OURS, 120), live(0, 200), "gone", None,
)  # fmt: skip
LOST = [lost(system, kind) for system in ("Nomad", "Consul") for kind in ("lost", "back")]
RARE = [*LOST, lost("Nomad", "denied"), lost("Consul", "denied")]
EMPTY = [Update("allocations", ()), Update("deployments", ()), Update("evaluations", ())]
READ = st.sampled_from(REGISTERED)
SPENT = Opinion("bad", "3 of 412 requests failed, 0 may", (Cause("probe", "3 failed"),))
PROBES = st.sampled_from([*[None, Opinion("good"), Opinion("undecided")] * 3, SPENT])
WORSE = Opinion("bad", "9 of 200 failed", (Cause("analysis", "9 of 200 failed"),))
GATES = st.sampled_from(
    [None, GateAnswer(True, chain(), "all agree"), GateAnswer(False, chain(), "not yet")]
)
COMPARED = st.sampled_from([*[None, Opinion("good"), Opinion("undecided")] * 2, WORSE])
EVALUATIONS, PROOFS, DEEDS = drawn(some_evaluations), drawn(some_proof), drawn(some_deeds)


def told(raw: dict[str, Any]) -> st.SearchStrategy[Update]:
    """One update for a job of that kind, as often good news as bad."""
    hidden = raw["Type"] != "service" or raw["TaskGroups"][0]["Update"]["MaxParallel"] == 0
    return st.sampled_from(
        [Update("allocations", some_allocations(raw)) for _ in range(POOL)]
        + [Update("deployments", some_deployments(hidden)) for _ in range(POOL)]
        + [Update("evaluations", some_evaluations()) for _ in range(POOL // 4)]
        + RARE * 2
        + EMPTY * 10
    )


UPDATES = {kind: st.lists(told(raw), min_size=1, max_size=3) for kind, raw in KINDS.items()}
FIRST = {
    kind: st.tuples(
        drawn(partial(some_allocations, raw)),
        drawn(partial(some_deployments, raw["Type"] != "service")),
    )
    for kind, raw in KINDS.items()
}


@st.composite
def stories(draw: st.DrawFn) -> list[tuple[str, Last]]:
    """Random answers one after the other; the word after each, with what it has to answer for."""
    kind = draw(st.sampled_from(sorted(KINDS)))
    raw, made = KINDS[kind], draw(st.sampled_from(["e1", "e1", None]))
    follows = watched(
        raw, evaluation=made, fail_fast=draw(st.booleans()), analyse=draw(st.booleans()),
        more_steps=draw(st.booleans()), promote=draw(st.booleans()),
    )  # fmt: skip
    state, last = State(), Last(raw, made)
    words: list[tuple[str, Last]] = []
    listed, rolled = draw(FIRST[kind])
    news = [Update("allocations", listed), Update("deployments", rolled)]
    for _ in range(draw(st.integers(1, 5))):
        last.now += draw(st.sampled_from([0.0, 1.5, 3.0, 30.0]))
        for update in news:
            state.take(update, last.now)
            remember(last, update)
        # What is read when the machine asks, after the news.
        state.registered = last.registered = draw(READ)
        last.evaluations = draw(EVALUATIONS)
        state.list_evaluations(tuple(last.evaluations))
        state.did, last.proof = draw(DEEDS), draw(PROOFS)
        state.probe, state.analysis = draw(PROBES), draw(COMPARED)
        state.gate = draw(GATES)
        last.spent = state.probe is not None and state.probe.word == "bad"
        answers = replace(state.answers(follows, last.now), proof=last.proof)
        assert may_decide(decide(follows, answers), follows, answers)
        word = verdict_of(follows, answers, unchanged=draw(st.booleans())).verdict
        words.append((word, replace(last, since=dict(last.since))))
        news = draw(UPDATES[kind])
    return words


@st.composite
def gated(draw: st.DrawFn) -> tuple[Watched, Answers]:
    """A canary that is due at the gate, and all that may be known of it."""
    follows = watched(
        KINDS["service"], analyse=draw(st.booleans()), more_steps=draw(st.booleans()),
        promote=draw(st.booleans()),
    )  # fmt: skip
    state = State()
    healthy = draw(st.sampled_from([True, True, True, None]))
    listed = (allocation("a", healthy=healthy, canary=True), allocation("o", job_version=3))
    waits = group(
        desired_canaries=1, healthy=1, promoted=draw(st.sampled_from([False] * 5 + [True]))
    )
    state.take(Update("allocations", listed), 0.0)
    state.take(Update("deployments", (deployment("running", groups=[waits]),)), 0.0)
    state.did, state.gate = draw(DEEDS), draw(GATES)
    state.probe, state.analysis = draw(PROBES), draw(COMPARED)
    return follows, state.answers(follows, draw(st.sampled_from([0.0, 3.0])))


def assert_true(story: list[tuple[str, Last]]) -> None:
    for word, last in story:
        assert word not in SUCCESS or may_say(word, last), f"{word} without its conditions: {last}"


CHECKS = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


@settings(max_examples=500, deadline=None, suppress_health_check=CHECKS)
@given(stories())
def test_no_success_without_its_conditions(story: list[tuple[str, Last]]) -> None:
    assert_true(story)


@pytest.mark.soak
@settings(max_examples=30_000, deadline=None, suppress_health_check=CHECKS)
@given(stories())
def test_no_success_without_its_conditions_in_many_stories(story: list[tuple[str, Last]]) -> None:
    assert_true(story)


def test_the_stories_end_well_often_enough_to_mean_something() -> None:
    words: Counter[str] = Counter()

    @settings(max_examples=500, deadline=None, derandomize=True, suppress_health_check=CHECKS)
    @given(stories())
    def count(story: list[tuple[str, Last]]) -> None:
        words.update(word for word, _ in story)

    tell: Callable[[], None] = count
    tell()
    assert all(words[word] >= 3 for word in SUCCESS), words


def test_the_stories_promote_often_enough_to_mean_something() -> None:
    decisions: Counter[str] = Counter()

    @settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=CHECKS)
    @given(gated())
    def count(story: tuple[Watched, Answers]) -> None:
        found = decide(*story)
        assert may_decide(found, *story)
        decisions[found.end if isinstance(found, End) else type(found).__name__] += 1

    tell: Callable[[], None] = count
    tell()
    wanted = ("Promote", "ready", "held", "Analyse", "Fail", "Wait", "Look")
    assert all(decisions[word] >= 3 for word in wanted), decisions
