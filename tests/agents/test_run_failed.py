"""`toolkit run` of work that fails, or that cannot be run: never a success, and always why."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.agents.work import ONCE, allocations, ended, group, states, task, write

pytestmark = pytest.mark.agents

HUGE = group(task("echo never", memory=9_000_000))


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "runs-failed")
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def ends(shop: Shop) -> dict[str, tuple[str, Said]]:
    """Runs that end badly in different ways, at the same time."""
    jobs = {
        "seven": ["echo FATAL no table at hunter2 >&2; exit 7"],
        "signal": ["kill -9 $$"],
        "half": [group(task('test "${NOMAD_ALLOC_INDEX}" = 0 && exit 0; exit 4'), count=2)],
        "groups": [group(task("exit 0"), name="good"), group(task("exit 9"), name="bad")],
        "tries": [group(task("echo try; exit 5"), reschedule=ONCE)],
        "restarts": [group(task("echo try; exit 6"), restarts=2)],
        "missing": [group(task("exit 0").replace("/bin/sh", "/bin/no-such-thing"))],
    }
    names = {word: write(shop, shop.name(word), *groups) for word, groups in jobs.items()}
    shop.secret(names["seven"], "password", "hunter2")
    said = shop.at_once(
        {word: (lambda name=name: shop.toolkit("run", name, "--json"))  # type: ignore[misc]
         for word, name in names.items()}
    )  # fmt: skip
    return {word: (names[word], said[word]) for word in names}


def test_the_exit_code_of_the_task_is_in_the_report(ends: dict[str, tuple[str, Said]]) -> None:
    name, said = ends["seven"]
    assert ended(said) == (3, "failed"), said.err
    assert said.report["exit_code"] == 7
    assert states(said) == [("g", "failed", 7)]
    assert f"{name} failed, 0 of 1 instance complete" in said.report["sentence"]
    [cause] = said.report["causes"]
    assert cause["kind"] == "crash" and "exited 7" in cause["summary"]
    [allocation] = {i["allocation"] for i in said.report["instances"]}
    assert said.report["next"] == f"toolkit explain {allocation[:8]}"
    assert cause["allocation"] == allocation


def test_evidence_holds_no_secret_and_the_output_is_the_users(
    ends: dict[str, tuple[str, Said]],
) -> None:
    _, said = ends["seven"]
    assert any("FATAL no table at" in line for line in said.report["causes"][0]["evidence"])
    assert "hunter2" not in said.out
    assert "FATAL no table at hunter2" in said.err


def test_a_signal_is_named(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["signal"]
    assert ended(said) == (3, "failed"), said.err
    [instance] = said.report["instances"]
    assert instance["signal"] == 9
    assert "signal 9" in said.report["causes"][0]["summary"]


def test_one_instance_of_two_is_not_enough(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["half"]
    assert ended(said) == (3, "failed"), said.err
    assert states(said) == [("g", "complete", 0), ("g", "failed", 4)]
    assert said.report["exit_code"] == 4
    assert "1 of 2 instances complete" in said.report["sentence"]


def test_one_group_of_two_is_not_enough(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["groups"]
    assert ended(said) == (3, "failed"), said.err
    assert states(said) == [("bad", "failed", 9), ("good", "complete", 0)]
    assert said.report["causes"][0]["group"] == "bad"


def test_it_has_failed_when_nomad_tries_no_more(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["tries"]
    assert ended(said) == (3, "failed"), said.err
    first, second = said.report["instances"]
    assert (first["replaced"], second["replaced"]) == (True, False)
    assert (first["exit_code"], second["exit_code"]) == (5, 5)
    # The output goes on with the allocation that took its place.
    assert said.err.count("try\n") == 2


def test_restarts_are_waited_for(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["restarts"]
    assert ended(said) == (3, "failed"), said.err
    [instance] = said.report["instances"]
    assert (instance["restarts"], instance["exit_code"]) == (2, 6)
    assert said.err.count("try\n") == 3


def test_a_command_that_does_not_exist(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["missing"]
    assert ended(said) == (3, "failed"), said.err
    [instance] = said.report["instances"]
    assert (instance["state"], instance["exit_code"]) == ("failed", None)
    assert said.report["exit_code"] is None
    assert "/bin/no-such-thing" in said.out


def test_what_does_not_fit_is_not_registered(shop: Shop) -> None:
    name = write(shop, shop.name("huge"), HUGE)
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (4, "unplaced"), said.err
    assert "nothing was registered" in said.report["sentence"]
    assert "memory" in said.report["causes"][0]["summary"]
    assert said.report["next"] == f"toolkit why-not {name}"
    assert shop.nomad(f"/v1/job/{name}") is None


def test_no_room_in_the_time_it_was_given(shop: Shop) -> None:
    name = write(shop, shop.name("queued"), HUGE)
    said = shop.toolkit("run", name, "--wait-capacity", "1s", "--json")
    assert ended(said) == (4, "unplaced"), said.err
    assert "waits on in Nomad" in said.report["sentence"]
    assert said.report["notes"] == [f"`toolkit stop {name}` takes it back"]
    assert said.report["instances"] == []
    assert "memory" in said.report["causes"][0]["summary"]
    # It is there, and under way: a second one is refused.
    again = shop.toolkit("run", name, "--json")
    assert again.code == 1 and "is under way" in again.error["message"]


def test_a_second_run_that_does_not_fit_any_more(shop: Shop) -> None:
    name = write(shop, shop.name("grown"), "exit 0")
    assert ended(shop.toolkit("run", name, "--json")) == (0, "completed")
    # The same job, unchanged, while somebody else has nearly all of the memory.
    free = _free_memory(shop)
    other = write(
        shop, shop.name("hog"), group(task("sleep 600", memory=free - 20)), kind="service"
    )
    shop.deploy(other, "--detach")
    shop.until_running(other, 1)
    try:
        said = shop.toolkit("run", name, "--json")
    finally:
        shop.nomad(f"/v1/job/{other}", method="DELETE")
    assert ended(said) == (4, "unplaced"), said.err
    assert "nothing was registered" in said.report["sentence"]
    assert len(allocations(shop, name)) == 1


def _free_memory(shop: Shop) -> int:
    [stub] = shop.nomad("/v1/nodes?resources=true")
    node = shop.nomad(f"/v1/node/{stub['ID']}")
    whole = int(node["NodeResources"]["Memory"]["MemoryMB"])
    reserved = int((node.get("ReservedResources") or {}).get("Memory", {}).get("MemoryMB") or 0)
    found = shop.nomad(f"/v1/node/{stub['ID']}/allocations") or []
    live = [a for a in found if a["ClientStatus"] in {"pending", "running"}]
    used = sum(
        int(t["Memory"]["MemoryMB"])
        for a in live
        for t in a["AllocatedResources"]["Tasks"].values()
    )
    return whole - reserved - used


@pytest.mark.parametrize("kind", ["service", "system"])
def test_a_job_that_runs_on_is_refused(shop: Shop, kind: str) -> None:
    name = write(shop, shop.name(kind), group(task("sleep 9"), reschedule=None), kind=kind)
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1
    assert f"is a {kind} job" in said.error["message"]
    assert said.error["hint"] == f"toolkit deploy {name}"


def test_a_job_that_asks_for_nothing_is_refused(shop: Shop) -> None:
    name = write(shop, shop.name("none"), group(task("exit 0"), count=0))
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1 and "count 0" in said.error["message"]
    assert shop.nomad(f"/v1/job/{name}") is None


def test_a_name_that_nobody_knows(shop: Shop) -> None:
    said = shop.toolkit("run", "no-such-job", "--json")
    assert said.code == 1 and "no-such-job" in said.error["message"]


def test_a_template_that_makes_another_kind_of_job_than_its_file_says(shop: Shop) -> None:
    name = shop.write(change={'kind = "service"': 'kind = "batch"'})
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1, said.out
    assert "makes a service job" in said.error["message"]
    assert shop.nomad(f"/v1/job/{name}") is None
