"""Our Nomad client on a real agent: what changes, and what tasks write."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.faults.jobs import Make, follow, making, run, wait_for
from tests.faults.lab import until
from toolkit.clients.nomad import Nomad
from toolkit.errors import ApiError, ConflictError

pytestmark = pytest.mark.agents


@pytest.fixture
def nomad(cluster: LocalCluster) -> Iterator[Nomad]:
    with cluster.nomad() as client:
        yield client


@pytest.fixture
def make(nomad: Nomad) -> Iterator[Make]:
    with making(nomad) as make:
        yield make


def test_a_rollout_seen_through_blocking_queries(nomad: Nomad, make: Make) -> None:
    job = make()
    job["TaskGroups"][0]["Update"]["Canary"] = 1
    stub = run(nomad, job)
    assert stub["TaskStates"]["app"]["State"] == "running"
    assert nomad.allocation(stub["ID"])["Job"]["ID"] == job["ID"]
    first = nomad.latest_deployment(job["ID"])
    assert first is not None
    follow(nomad, first["ID"], "successful")

    live = nomad.job(job["ID"])
    assert live is not None
    answer = nomad.register({**job, "Meta": {"release": "2"}}, check_index=live["JobModifyIndex"])
    evaluation = nomad.evaluation(answer["EvalID"]).value
    assert evaluation["JobID"] == job["ID"]
    wait_for(nomad, job["ID"], lambda stub: stub["JobVersion"] == 1)
    second = nomad.latest_deployment(job["ID"])
    assert second is not None
    assert {d["ID"] for d in nomad.deployments(job["ID"]).value} == {first["ID"], second["ID"]}
    assert len(nomad.deployment_allocations(second["ID"])) == 1

    nomad.pause(second["ID"], True)
    assert nomad.deployment(second["ID"]).value["Status"] == "paused"
    nomad.pause(second["ID"], False)
    wait_for(
        nomad,
        job["ID"],
        lambda stub: (
            stub["JobVersion"] == 1 and (stub["DeploymentStatus"] or {}).get("Healthy") is True
        ),
    )
    nomad.promote(second["ID"])
    follow(nomad, second["ID"], "successful")
    with pytest.raises(ConflictError):
        nomad.fail(second["ID"])
    with pytest.raises(ConflictError):
        nomad.promote(second["ID"])


def test_canaries_that_are_not_healthy_are_not_promoted(nomad: Nomad, make: Make) -> None:
    job = make()
    job["TaskGroups"][0]["Update"]["Canary"] = 1
    stub = run(nomad, job)
    first = nomad.latest_deployment(job["ID"])
    assert first is not None
    follow(nomad, first["ID"], "successful")
    live = nomad.job(stub["JobID"])
    assert live is not None
    job["TaskGroups"][0]["Update"]["MinHealthyTime"] = 15_000_000_000
    nomad.register({**job, "Meta": {"release": "2"}}, check_index=live["JobModifyIndex"])
    wait_for(nomad, job["ID"], lambda stub: stub["JobVersion"] == 1)
    second = nomad.latest_deployment(job["ID"])
    assert second is not None
    with pytest.raises(ConflictError) as caught:
        nomad.promote(second["ID"])
    assert "0/1 healthy" in caught.value.message
    assert nomad.fail(second["ID"])["EvalID"]
    assert nomad.deployment(second["ID"]).value["Status"] == "failed"


def test_a_blocking_query_ends_when_something_changes(nomad: Nomad, make: Make) -> None:
    job = make()
    nomad.register(job, check_index=0)
    page = nomad.deployments(job["ID"])
    with nomad.clone() as other:
        answers: list[bool] = []

        def block() -> None:
            waiting = other.allocations("not-there-yet", index=1, wait=20.0)
            answers.append(waiting.changed)

        thread = threading.Thread(target=block)
        thread.start()
        nomad.register(make(name="not-there-yet"), check_index=0)
        thread.join(19)
        assert answers == [True]
    assert page.index > 0


def test_a_wait_with_nothing_new_is_an_expired_one(nomad: Nomad) -> None:
    page = nomad.allocations("nobody")
    while page.changed:
        page = nomad.allocations("nobody", index=page.index, wait=0.2)
    assert nomad.counter.expired_waits == 1
    assert nomad.counter.calls >= 2


def test_restart_in_place(nomad: Nomad, make: Make) -> None:
    stub = run(nomad, make())
    nomad.restart_allocation(stub["ID"], task="app")
    wait_for(nomad, stub["JobID"], lambda stub: stub["TaskStates"]["app"]["Restarts"] == 1)
    with pytest.raises(ApiError) as caught:
        nomad.restart_allocation(stub["ID"], task="nobody")
    assert "nobody" in caught.value.message


# Logs.


def test_the_end_of_a_log(nomad: Nomad, make: Make) -> None:
    stub = run(nomad, make("seq 1 20000; echo FATAL no db_url >&2; sleep 600"))
    until(lambda: nomad.logs(stub["ID"], "app").endswith(b"\n20000\n"), "the log is written")
    tail = nomad.logs(stub["ID"], "app", last_bytes=12)
    assert tail == b"19999\n20000\n"
    assert nomad.logs(stub["ID"], "app", "stderr") == b"FATAL no db_url\n"


def test_a_task_that_has_not_started_has_no_log(nomad: Nomad, make: Make) -> None:
    job = make()
    artifact = {"GetterSource": "http://127.0.0.1:1/nothing", "RelativeDest": "local/"}
    job["TaskGroups"][0]["Tasks"][0]["Artifacts"] = [artifact]
    nomad.register(job, check_index=0)
    stub = wait_for(nomad, job["ID"], lambda stub: bool(stub["TaskStates"]))
    assert nomad.logs(stub["ID"], "app") == b""


def test_a_followed_log_arrives_line_by_line(nomad: Nomad, make: Make, tmp_path: Path) -> None:
    # The second line waits until the first was read: buffering would never end.
    go = tmp_path / "go"
    script = f"echo one; while [ ! -e {go} ]; do sleep 0.05; done; echo two; sleep 600"
    stub = run(nomad, make(script))
    lines = nomad.follow_logs(stub["ID"], "app", from_start=True)
    assert next(lines) == b"one\n"
    go.touch()
    assert next(lines) == b"two\n"
    lines.close()


def test_a_followed_log_ends_with_its_task(nomad: Nomad, make: Make) -> None:
    stub = run(nomad, make("seq 1 30000; sleep 2"))
    whole = b"".join(nomad.follow_logs(stub["ID"], "app", from_start=True))
    assert whole == b"".join(b"%d\n" % number for number in range(1, 30001))
