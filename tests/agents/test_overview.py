"""`toolkit status` of everything: the same facts as asking job by job, in a handful of calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from toolkit.errors import NotFoundError
from toolkit.spec.listing import JobRow, Launched
from toolkit.workflows.overview import AFTER, everything, singly
from toolkit.workflows.session import Session

pytestmark = pytest.mark.agents

SPACE = "overview"
MANY = 25


def job(name: str, kind: str = "service", *, count: int = 2, **more: Any) -> dict[str, Any]:
    """A job of the mock driver: instances without processes."""
    runs = "1ms" if kind in {"batch", "sysbatch"} else "6h"
    group = {
        "Name": "web",
        "Count": 1 if "sys" in kind else count,
        "EphemeralDisk": {"SizeMB": 10},
        "RestartPolicy": {"Attempts": 0, "Mode": "fail"},
        "Update": {"MaxParallel": 2, "MinHealthyTime": 0, "HealthCheck": "task_states"}
        if kind in {"service", "system"}
        else None,
        "Tasks": [
            {
                "Name": "app",
                "Driver": "mock_driver",
                "Config": {"run_for": runs},
                "Resources": {"CPU": 1, "MemoryMB": 10},
                "LogConfig": {"Disabled": True, "MaxFiles": 1, "MaxFileSizeMB": 1},
            }
        ],
    }
    return {
        "ID": name, "Name": name, "Namespace": SPACE, "Type": kind, "Datacenters": ["*"],
        "Meta": {"release": "1.0.0"}, "TaskGroups": [group], **more,
    }  # fmt: skip


@pytest.fixture(scope="module")
def space(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """Jobs of every kind and in many states, in a namespace of their own."""
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "overview")
    shop.nomad(f"/v1/namespace/{SPACE}", {"Name": SPACE})
    for kind in ("service", "batch", "system", "sysbatch"):
        register(shop, job(f"of-{kind}", kind))
    register(shop, job("stopped"))
    register(shop, job("huge"), memory=90_000_000)
    register(shop, job("hourly", "batch", Periodic={"SpecType": "cron", "Spec": "0 * * * *"}))
    register(shop, job("import", "batch", ParameterizedJob={}))
    shop.nomad(f"/v1/job/import/dispatch?namespace={SPACE}", {"Meta": {}})
    register(shop, job("canary"))
    for number in range(MANY):
        register(shop, job(f"many-{number:03}", count=1))
    shop.until("all run", lambda: len(allocations(shop, "running")) == MANY + 7)
    shop.until("what ends has ended", lambda: len(allocations(shop, "complete")) == 5)
    shop.until("the rollouts are over", lambda: under_way(shop) == {"huge"})
    shop.nomad(f"/v1/job/stopped?namespace={SPACE}", method="DELETE")
    held = job("canary", Meta={"release": "1.1.0"})
    held["TaskGroups"][0]["Update"]["Canary"] = 1
    register(shop, held)
    shop.until("the canary waits", lambda: canary_waits(shop))
    shop.until("the stopped ones ended", lambda: len(allocations(shop, "complete")) == 7)
    yield shop
    for stub in shop.nomad(f"/v1/jobs?namespace={SPACE}"):
        shop.nomad(f"/v1/job/{stub['ID']}?purge=true&namespace={SPACE}", method="DELETE")


def register(shop: Shop, body: dict[str, Any], memory: int | None = None) -> None:
    if memory:
        body["TaskGroups"][0]["Tasks"][0]["Resources"]["MemoryMB"] = memory
    shop.nomad(f"/v1/jobs?namespace={SPACE}", {"Job": body})


def allocations(shop: Shop, state: str) -> list[Any]:
    found = shop.nomad(f"/v1/allocations?namespace={SPACE}&task_states=false")
    return [stub for stub in found if stub["ClientStatus"] == state]


def under_way(shop: Shop) -> set[str]:
    found = shop.nomad(f"/v1/deployments?namespace={SPACE}")
    return {rollout["JobID"] for rollout in found if rollout["Status"] == "running"}


def canary_waits(shop: Shop) -> bool:
    found = shop.nomad(f"/v1/job/canary/deployment?namespace={SPACE}") or {}
    summary = shop.nomad(f"/v1/job/canary/summary?namespace={SPACE}")["Summary"]["web"]
    healthy = found["JobVersion"] == 1 and found["TaskGroups"]["web"]["HealthyAllocs"] == 1
    return healthy and int(summary["Running"]) == 3


def rows_of(session: Session) -> dict[str, JobRow]:
    rows, _ = everything(session)
    return {row.name: row for row in rows}


def test_all_at_once_says_what_one_by_one_says(space: Shop) -> None:
    session = space.session(namespace=SPACE)
    nomad = session.nomad
    stubs = [stub for stub in nomad.jobs() if not stub.get("ParentID")]
    expected = {
        stub["ID"]: singly(session, stub, nomad.latest_deployment(stub["ID"]), ours=False)
        for stub in stubs
    }
    assert rows_of(session) == expected
    assert len(expected) == MANY + 9
    canary, huge = expected["canary"], expected["huge"]
    assert (canary.release, canary.version, canary.running) == ("1.1.0", 1, 3)
    assert (canary.healthy, canary.deployment) == (1, "running")
    assert (huge.wanted, huge.running, huge.state) == (2, 0, "pending")
    assert (expected["stopped"].state, expected["stopped"].wanted) == ("stopped", 0)
    assert (expected["of-system"].wanted, expected["of-system"].running) == (1, 1)
    assert (expected["of-batch"].state, expected["of-batch"].running) == ("dead", 0)
    assert (expected["of-batch"].complete, expected["of-batch"].failed) == (2, 0)
    assert expected["import"].state == "running"
    assert (expected["import"].wanted, expected["hourly"].wanted) == (0, 0)
    assert expected["hourly"].launched == Launched(0, 0, 0)
    imports = expected["import"].launched
    assert imports is not None
    assert imports.pending + imports.running + imports.dead == 1


def test_the_calls_do_not_grow_with_the_jobs(space: Shop) -> None:
    session = space.session(namespace=SPACE)
    # Jobs that ended in the same moment are one in Nomad's overview: the others are asked after.
    lacking = MANY + 9 - len(session.nomad.statuses())
    before = session.nomad.counter.calls
    assert len(rows_of(session)) == MANY + 9
    assert session.nomad.counter.calls - before == 3 + min(lacking, AFTER)


def test_pages_are_put_together_whole_and_without_repeats(space: Shop) -> None:
    nomad = space.session(namespace=SPACE).nomad
    whole = nomad.statuses()
    paged = nomad.statuses(per_page=7)
    assert nomad.counter.calls == 1 + -(-len(whole) // 7)
    assert sorted(item["ID"] for item in paged) == sorted(item["ID"] for item in whole)


@pytest.mark.parametrize("lacking", [{"canary"}, {"canary", "huge", "of-batch"}, None])
def test_a_job_that_the_overview_lacks_is_asked_after(
    space: Shop, lacking: set[str] | None
) -> None:
    session = space.session(namespace=SPACE)
    nomad = session.nomad

    class Lacking:
        """A Nomad with an incomplete overview, or with none."""

        def __getattr__(self, name: str) -> Any:
            return getattr(nomad, name)

        def statuses(self) -> list[dict[str, Any]]:
            if lacking is None:
                raise NotFoundError("no such page", system="Nomad", status=404)
            return [item for item in nomad.statuses() if item["ID"] not in lacking]

    world: Any = replace(session.world, nomad=Lacking())  # type: ignore[arg-type]
    assert rows_of(replace(session, world=world)) == rows_of(session)


def test_an_overview_with_many_holes_costs_no_call_for_each(space: Shop) -> None:
    session = space.session(namespace=SPACE)
    nomad = session.nomad
    kept = [item for item in nomad.statuses() if item["ID"] == "huge"]

    class Lacking:
        """A Nomad whose overview has one job."""

        def __getattr__(self, name: str) -> Any:
            return getattr(nomad, name)

        def statuses(self) -> list[dict[str, Any]]:
            return kept

    world: Any = replace(session.world, nomad=Lacking())  # type: ignore[arg-type]
    expected = rows_of(session)
    before = nomad.counter.calls
    rows, notes = everything(replace(session, world=world))
    assert nomad.counter.calls - before == 2 + AFTER
    found = {row.name: row for row in rows}
    # What a deployment tells is the same; of what has none nothing is made up.
    assert found["many-000"] == expected["many-000"]
    unknown = [row for row in rows if row.version is None]
    assert unknown
    assert all(row.state == expected[row.name].state for row in unknown)
    assert all(row.wanted in (None, expected[row.name].wanted) for row in unknown)
    assert any("toolkit status JOB" in note for note in notes)


def test_a_long_list_ends_with_what_is_in_it(space: Shop) -> None:
    said = space.toolkit("status", "--namespace", SPACE)
    assert said.code == 0
    tail = said.out.splitlines()[-2:]
    assert tail[0].startswith(f"jobs      {MANY + 9} jobs: ")
    assert tail[1] == "short     1 job runs fewer instances than it wants: huge"
    few = space.toolkit("status", "--namespace", SPACE, "--limit", "2", "--json").report
    assert [row["name"] for row in few["jobs"]] == ["canary", "hourly"]
    assert (few["left_out"], few["short"]) == (MANY + 7, ["huge"])
    assert 3 <= few["calls"] <= 6
    assert sum(few["states"].values()) == MANY + 9
    assert space.toolkit("status", "--limit", "0").code == 2
