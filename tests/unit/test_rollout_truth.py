"""No sequence of answers makes a success of what is none, however stale, out of order or false.

The oracle below reads the last answers only, as they came, and knows nothing of the machine: it
says what must hold at least for each word of success. `make soak` draws a hundred times as many.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
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
from toolkit.errors import ServerError
from toolkit.rollout.feed import Update
from toolkit.rollout.machine import (
    Answers,
    Decision,
    Deeds,
    End,
    GateAnswer,
    Opinion,
    Promote,
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
from toolkit.spec.plan import LiveJob

SUCCESS = ("deployed", "unchanged", "completed", "reverted")
MIN_HEALTHY = 2.0
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


@dataclass
class Last:
    """The last answers, as they came."""

    raw: dict[str, Any]
    made: str | None
    now: float = 0.0
    allocations: Sequence[AllocationView] | None = None
    deployments: Sequence[DeploymentView] | None = None
    evaluations: Sequence[EvaluationView] | None = None
    registered: Registered | None = None
    proof: Proof | None = None
    spent: bool = False
    """The budget of a probe is."""
    denied: bool = False
    since: dict[str, float] = field(default_factory=dict)
    """Since when each allocation runs without a restart, in every list from then on."""
    failed: bool = False
    """Our deployment was seen failed."""


# The oracle.


def may_say(word: str, last: Last) -> bool:
    """True when the last answers do not forbid the word."""
    if word == "reverted":
        return may_be_reverted(last)
    if last.denied or not is_ours(last.registered) or (last.spent and word != "completed"):
        return False
    if word == "completed":
        return may_be_completed(last)
    return proven(last, OURS) and may_be_deployed(last)


def is_ours(found: Registered | None) -> bool:
    return (
        isinstance(found, LiveJob)
        and (found.version, found.modify_index) == (OURS, INDEX)
        and not found.stopped
    )


def proven(last: Last, version: int) -> bool:
    if last.proof is None or last.proof.version != version:
        return False
    return {link.state for link in last.proof.verification.links} <= {"holds", "absent"}


def may_be_reverted(last: Last) -> bool:
    if last.denied or last.proof is None or last.proof.version == OURS:
        return False
    if not proven(last, last.proof.version):
        return False
    ours = [d for d in last.deployments or () if d.job_modify_index == INDEX]
    return all(d.status == "failed" for d in ours) and (last.failed or not ours)


def may_be_deployed(last: Last) -> bool:
    raw = last.raw
    if raw.get("Periodic") or (raw.get("ParameterizedJob") and not raw.get("Dispatched")):
        return True
    if raw["Type"] in {"batch", "sysbatch"} or last.allocations is None:
        return False
    ours = [d for d in last.deployments or () if d.job_modify_index == INDEX]
    if ours:
        mine = [a for a in last.allocations if a.job_version == OURS and a.should_run]
        return ours[0].status == "successful" and (raw["Type"] != "system" or bool(mine))
    if any(d.job_modify_index > INDEX for d in last.deployments or ()):
        return False
    return settled(last) and runs(last)


def settled(last: Last) -> bool:
    """The scheduler is done with all that it made since we registered."""
    if last.evaluations is None:
        return False
    if last.made is not None and last.made not in {e.id for e in last.evaluations}:
        return False
    mine = [e for e in last.evaluations if INDEX in {e.job_modify_index} or e.create_index >= INDEX]
    return not any(e.status == "pending" for e in mine)


def waits(last: Last) -> bool:
    mine = [
        e for e in last.evaluations or () if e.job_modify_index == INDEX or e.create_index >= INDEX
    ]
    return any(e.status == "blocked" for e in mine)


def runs(last: Last) -> bool:
    raw, found = last.raw, last.allocations or ()
    alive = [a for a in found if a.desired_status == "run" and a.client_status in LIVING]
    if any(a.job_version > OURS for a in found):
        return False
    if raw["Type"] == "service" and all(g["Count"] == 0 for g in raw["TaskGroups"]):
        return not alive
    mine = [a for a in alive if a.job_version == OURS and not a.next_allocation]
    if waits(last) or len(mine) < len(alive) or not mine:
        return False
    if any(a.client_status != "running" or a.healthy is False for a in mine):
        return False
    if raw["Type"] == "service" and any(
        len({a.name for a in mine if a.group == g["Name"]}) < g["Count"] for g in raw["TaskGroups"]
    ):
        return False
    vouched = all(a.healthy for a in mine) and not any(a.canary for a in mine)
    stable = isinstance(last.registered, LiveJob) and last.registered.stable
    rolled = raw["Type"] == "service" and raw["TaskGroups"][0]["Update"]["MaxParallel"] > 0
    named = any(e.deployment for e in last.evaluations or () if e.create_index >= INDEX)
    if (rolled or named) and not (vouched or stable):
        return False
    return all(a.healthy or last.now - last.since[a.id] >= MIN_HEALTHY for a in mine)


def may_be_completed(last: Last) -> bool:
    raw = last.raw
    if raw["Type"] not in {"batch", "sysbatch"} or last.allocations is None:
        return False
    if not settled(last) or waits(last):
        return False
    mine = [a for a in last.allocations if a.job_version == OURS and not a.next_allocation]
    if not mine or any((a.client_status, a.desired_status) != ("complete", "run") for a in mine):
        return False
    groups = [g for g in raw["TaskGroups"] if raw["Type"] == "batch"]
    return all(len({a.name for a in mine if a.group == g["Name"]}) >= g["Count"] for g in groups)


LIVING = {"pending", "running"}


def may_decide(found: Decision, follows: Watched, answers: Answers) -> bool:
    """True when the last answers do not forbid to promote, or to go on to the next step."""
    ready = isinstance(found, End) and found.end == "ready"
    if not ready and not isinstance(found, Promote):
        return True
    if answers.gate is None or not answers.gate.open:
        return False
    if isinstance(found, Promote) and found.revert:
        return True
    good = answers.analysis is not None and answers.analysis.word == "good"
    spent = answers.probe is not None and answers.probe.word == "bad"
    compared = not follows.analyse or (good and answers.did.analysing)
    may = ready == follows.more_steps and (ready or follows.promote)
    return compared and may and (not spent or answers.did.fail_refused)


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


def remember(last: Last, update: Update) -> None:
    match update.kind:
        case "allocations":
            old = {a.id: a for a in last.allocations or ()}
            last.since = {
                a.id: last.since[a.id] if same_run(old.get(a.id), a) else last.now
                for a in update.value
            }
            last.allocations, last.registered = update.value, None
        case "deployments":
            last.deployments, last.registered = update.value, None
            ours = [d.status for d in update.value if d.job_modify_index == INDEX]
            last.failed = ours[0] == "failed" if ours else last.failed
        case "evaluations":
            last.evaluations = update.value
        case "denied":
            last.denied = last.denied or update.source == "Nomad"


def same_run(old: AllocationView | None, new: AllocationView) -> bool:
    if old is None or not all(
        (a.client_status, a.desired_status) == ("running", "run") for a in (old, new)
    ):
        return False
    return old.tasks[0].restarts == new.tasks[0].restarts


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
