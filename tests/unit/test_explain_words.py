"""How things are, in one word and one sentence, from what Nomad and the chain say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.explaining import BACK, BLOCKED, CRASH, RUNS, alloc, broken, job, rollout, seen
from toolkit.rollout import read
from toolkit.spec.cause import Cause
from toolkit.spec.chain import Link
from toolkit.spec.observed import (
    DeploymentView,
    TaskEvent,
    TaskView,
)
from toolkit.workflows.explain import history, service
from toolkit.workflows.explain import work as batch
from toolkit.workflows.explain.look import JobSeen
from toolkit.workflows.explain.service import Findings


@pytest.mark.parametrize(
    ("found", "word", "says"),
    [
        (Findings(seen(), RUNS), "well", "shop 1.1.0 (version 3) is well: 2 of 2 running"),
        (Findings(seen(job(Stop=True)), None), "stopped", "version 3 was its last"),
        (Findings(seen(), None), "unknown", "could not be seen"),
        (
            Findings(seen(deployments=(rollout(3, "running", healthy=1),)), RUNS),
            "rolling", "1 of 2 healthy",
        ),
        (
            Findings(seen(deployments=(rollout(3, "running"),)), RUNS, trouble=(alloc(),)),
            "rolling", "1 in trouble",
        ),
        (
            Findings(seen(deployments=(rollout(3, "paused"),)), RUNS), "waiting", "is paused",
        ),
        (
            Findings(seen(deployments=(rollout(3, "running", desired_canaries=2),)), RUNS),
            "waiting", "2 healthy canaries of shop 1.1.0 (version 3) wait for promotion",
        ),
        (
            Findings(seen(deployments=(rollout(3, "running", desired_canaries=1),)), RUNS),
            "waiting", "1 healthy canary of shop 1.1.0 (version 3) waits for promotion",
        ),
        (Findings(seen(), replace(RUNS, expected=0)), "well", "no instance is wanted"),
        (
            Findings(seen(deployments=(rollout(3, "running"),)), RUNS, BLOCKED),
            "waiting", "waits for a node",
        ),
        (Findings(seen(), RUNS, BLOCKED), "waiting", "waits for a node that can take it"),
        (
            Findings(
                seen(deployments=(), evaluations=(replace(BLOCKED, status="pending", failed={}),)),
                broken("nomad", "0 of 2 running"),
            ),
            "rolling", "the scheduler has not looked at shop 1.1.0 (version 3) yet",
        ),
        (
            Findings(
                seen(
                    deployments=(rollout(3, "failed"),),
                    allocations=(alloc("a", 2), alloc("b", 3, "failed")),
                ),
                RUNS,
            ),
            "unwell", "did not take and stays registered: 2 of 2 running; 1 of version 2 still run",
        ),
        (
            Findings(seen(), broken("nomad", "1 of 2 running")),
            "unwell", "is not well: 1 of 2 running",
        ),
        (
            Findings(seen(), broken("consul", "1 of 2 passing")),
            "unwell", "2 of 2 running, but consul: 1 of 2 passing",
        ),
        (
            Findings(seen(), replace(RUNS, links=(*RUNS.links, Link("consul", "unseen", "x")))),
            "unknown", "consul: x",
        ),
    ],
)  # fmt: skip
def test_how_a_service_is(found: Findings, word: str, says: str) -> None:
    told = service.judge(found)
    assert (told.word, says in told.sentence) == (word, True), told.sentence
    assert not told.sentence.endswith(".")


def test_since_when_a_service_is_so() -> None:
    assert service.judge(Findings(seen(), RUNS)).since == 1500.0
    assert service.judge(Findings(seen(job(Stop=True)), None)).since == 1000.0
    waits = Findings(seen(), RUNS, BLOCKED)
    assert service.judge(waits).since == 1700.0
    crashed = replace(
        alloc(status="failed"),
        tasks=(TaskView("app", "dead", True, 0, (TaskEvent("Driver Failure", 1234.0, "x"),)),),
    )
    bad = Findings(seen(), broken("nomad", "1 of 2"), trouble=(crashed,))
    assert service.judge(bad).since == 1234.0


# The version that failed before.


def reverted(**more: Any) -> JobSeen:
    failed = alloc("f", 2, "failed", desired_status="stop", healthy=False)
    told = (rollout(1), rollout(2, "failed", BACK), rollout(3))
    versions = (read.live_job(job(3)), read.live_job({**job(2), "Meta": {"release": "1.2.0"}}))
    return seen(**{"deployments": told, "versions": versions, "allocations": (failed,), **more})


def test_a_revert_tells_the_version_that_failed_in_between() -> None:
    past = history.failed_before(reverted())
    assert past is not None
    assert (past.version, past.release, past.went_back_to) == (2, "1.2.0", 1)
    assert [each.short for each in past.suspects] == ["f" * 8]
    told = service.judge(Findings(reverted(), RUNS, past=past))
    assert told.word == "well"
    assert told.sentence.endswith(
        "; version 2 (1.2.0) failed, and Nomad went back to version 1 as version 3"
    )


@pytest.mark.parametrize(
    "others",
    [
        (rollout(2, "failed", "Failed due to unhealthy allocations"), rollout(3)),
        (rollout(2, "cancelled", "Cancelled due to newer version of job"), rollout(3)),
        (rollout(1, "failed", BACK), rollout(2), rollout(3)),
        (rollout(3),),
    ],
)
def test_what_is_no_revert_tells_no_such_story(others: tuple[DeploymentView, ...]) -> None:
    assert history.failed_before(reverted(deployments=others)) is None


HAND = "Deployment marked as failed - rolling back to job version 1"


@pytest.mark.parametrize(
    ("unhealthy", "ends"), [(0, " as failed while its instances were healthy"), (1, " as failed")]
)
def test_a_version_that_was_failed_while_it_was_well_says_so(unhealthy: int, ends: str) -> None:
    told = (rollout(1), rollout(2, "failed", HAND, unhealthy=unhealthy), rollout(3))
    canary = alloc("c", 2, "complete", desired_status="stop", healthy=True)
    given_up = reverted(deployments=told, allocations=(canary,))
    past = history.failed_before(given_up)
    assert past is not None
    assert past.suspects == ()
    [cause] = history.aborted(given_up, past)
    assert cause.kind == "aborted"
    assert f"of version 2{ends}" in cause.summary
    assert cause.summary.endswith(ends)
    assert cause.evidence == (f"deployment: {HAND}",)
    found = Findings(given_up, RUNS, past=past)
    assert service.next_command("well", found, (cause,)) == "toolkit history shop"
    assert service.next_command("unwell", found, (cause,)) == "toolkit history shop"


def test_what_nomad_failed_itself_was_not_aborted() -> None:
    assert history.aborted(reverted(), history.failed_before(reverted())) == ()
    assert history.aborted(seen(), None) == ()
    stays = seen(deployments=(rollout(3, "failed", "Deployment marked as failed"),))
    assert [cause.kind for cause in history.aborted(stays, None)] == ["aborted"]


def test_history_that_is_gone_is_said() -> None:
    past = history.failed_before(reverted(allocations=()))
    assert history.forgotten(reverted(allocations=()), past) == (
        "the allocations of version 2: Nomad no longer keeps them",
    )
    lonely = reverted(deployments=(rollout(3),))
    assert history.forgotten(lonely, None) == (
        "how version 2 went: Nomad no longer keeps its deployment",
    )
    assert history.forgotten(reverted(), history.failed_before(reverted())) == ()
    first = seen(job(0), deployments=(rollout(0),))
    assert history.forgotten(first, None) == ()


def test_only_what_nothing_replaced_counts_for_the_registered_version() -> None:
    well, old = alloc("a"), alloc("b", 2)
    replaced = alloc("c", status="failed", next_allocation="x")
    failed = alloc("d", status="failed", desired_status="stop")
    updated = alloc("e", status="complete", desired_status="stop")
    drained = replace(updated, id="g" * 36, desired_description="alloc is being migrated")
    found = history.current(seen(allocations=(well, old, replaced, failed, updated, drained)))
    assert [each.short[0] for each in found] == ["a", "d", "g"]


@pytest.mark.parametrize(
    ("word", "found", "causes", "expected"),
    [
        ("well", Findings(seen(), RUNS), (), None),
        ("well", Findings(seen(), RUNS), (CRASH,), "explain ffffffff"),
        ("unwell", Findings(seen(), RUNS), (CRASH,), "explain ffffffff"),
        ("unwell", Findings(seen(), RUNS), (), "verify shop"),
        ("unwell", Findings(seen(), RUNS), (Cause("unplaced", "x"),), "why-not shop"),
        ("unwell", Findings(seen(), RUNS), (Cause("edge", "x"),), "doctor"),
        ("unwell", Findings(seen(), RUNS), (Cause("stale", "x"),), "status shop"),
        ("waiting", Findings(seen(), RUNS, BLOCKED), (), "why-not shop"),
        ("waiting", Findings(seen(), RUNS), (), "promote shop"),
        ("waiting", Findings(seen(deployments=(rollout(3, "paused"),)), RUNS), (), "resume shop"),
        ("rolling", Findings(seen(), RUNS), (), "attach shop"),
        ("unknown", Findings(seen(), None), (), "doctor"),
        ("stopped", Findings(seen(), None), (), "history shop"),
    ],
)  # fmt: skip
def test_the_next_command(
    word: Any, found: Findings, causes: tuple[Cause, ...], expected: str | None
) -> None:
    said = service.next_command(word, found, causes)
    assert said == (None if expected is None else f"toolkit {expected}")


# Work that ends.


@pytest.mark.parametrize(
    ("raw", "mine", "blocked", "retries", "word", "says"),
    [
        ({}, ["complete", "complete"], False, False, "done", "2 allocations completed"),
        ({}, ["complete", "failed"], False, False, "unwell", "1 allocation of 2"),
        ({}, ["failed", "failed"], False, True, "waiting", "Nomad tries again"),
        ({}, ["running", "failed"], False, False, "running", "1 running, after 1 failure"),
        ({}, [], True, False, "waiting", "waits for a node"),
        ({"Status": "dead"}, [], False, False, "unknown", "no longer keeps"),
        ({"Stop": True, "Status": "dead"}, ["complete"], False, False, "stopped", "by somebody"),
        ({"Status": "dead"}, ["complete"], False, False, "unwell", "without having been done"),
    ],
)
def test_how_work_is(
    raw: dict[str, Any], mine: list[str], blocked: bool, retries: bool, word: str, says: str
) -> None:
    allocations = tuple(alloc(str(n), status=status) for n, status in enumerate(mine))
    found = seen(job(kind="batch", **raw), allocations=allocations, deployments=())
    told = batch.condition(found, allocations, blocked=blocked, retries=retries)
    assert (told[0], says in told[1]) == (word, True), told
