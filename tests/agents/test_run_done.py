"""`toolkit run` of work that is done, and of work that was done before."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.agents.work import allocations, ended, group, states, task, write

pytestmark = pytest.mark.agents

FLAKY = 'echo x >> "$NOMAD_ALLOC_DIR/n"; echo try; test "$(wc -l < "$NOMAD_ALLOC_DIR/n")" = 3'


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "runs-done")
    yield shop
    shop.close()


@pytest.mark.parametrize(("kind", "kept"), [("batch", 2), ("sysbatch", 1)])
def test_two_at_once_do_not_both_run(shop: Shop, kind: str, kept: int) -> None:
    name = write(shop, shop.name("race"), "sleep 2", kind=kind)
    assert ended(shop.toolkit("run", name, "--json")) == (0, "completed")
    together = Barrier(2)

    def again() -> Said:
        # Both have planned before either registers.
        return shop.toolkit("run", name, "--json", on={"plan ": together.wait})

    with ThreadPoolExecutor(2) as pool:
        said = [future.result() for future in [pool.submit(again) for _ in range(2)]]
    good, refused = sorted(said, key=lambda each: each.code)
    assert ended(good) == (0, "completed"), good.err
    assert refused.code == 1, refused.out
    # Kept out by the lock, or by the check index once the lock is free again.
    message = refused.error["message"]
    assert "is locked by" in message or "between plan and submit" in message
    assert len(allocations(shop, name)) == kept


def test_what_is_under_way_is_refused_and_goes_on(shop: Shop) -> None:
    name = write(shop, shop.name("busy"), "sleep 600")
    assert ended(shop.toolkit("run", name, "--detach", "--json")) == (0, "submitted")
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1
    assert f"{name} is under way" in said.error["message"]
    assert f"toolkit attach {name}" in said.error["hint"]
    assert len(allocations(shop, name)) == 1
    shop.nomad(f"/v1/job/{name}", method="DELETE")


@pytest.fixture(scope="module")
def ends(shop: Shop) -> dict[str, tuple[str, Said]]:
    """Runs of different work, at the same time."""
    two = group(task("echo one; sleep 0.5", name="a"), task("echo two; sleep 0.5", name="b"))
    jobs = {
        "simple": write(shop, shop.name("simple"), "echo out; echo err >&2; sleep 0.5; printf end"),
        "report": write(shop, shop.name("report"), "echo out; sleep 0.5"),
        "several": write(shop, shop.name("several"), two),
        "flaky": write(shop, shop.name("flaky"), group(task(FLAKY), restarts=3)),
        "nowhere": write(shop, shop.name("nowhere"), "exit 3", kind="sysbatch"),
    }
    flags = {
        "simple": (), "several": (), "report": ("--release", "7", "--json"),
        "flaky": ("--json",), "nowhere": ("--json",),
    }  # fmt: skip
    said = shop.at_once(
        {word: (lambda word=word: shop.toolkit("run", jobs[word], *flags[word]))  # type: ignore[misc]
         for word in jobs}
    )  # fmt: skip
    return {word: (jobs[word], said[word]) for word in jobs}


def test_output_goes_where_the_task_wrote_it(shop: Shop, ends: dict[str, tuple[str, Said]]) -> None:
    name, said = ends["simple"]
    assert said.code == 0, said.err
    # Nothing but the task's own bytes: no prefix, and no final newline that it did not write.
    assert said.out == "out\nend"
    assert "err\n" in said.err
    [allocation] = allocations(shop, name)
    assert f"{allocation['ID'][:8]}" in said.err
    assert "completed" in said.err and f"{name} is done, 1 of 1 instance complete" in said.err


def test_with_json_the_report_is_alone_on_stdout(
    shop: Shop, ends: dict[str, tuple[str, Said]]
) -> None:
    name, said = ends["report"]
    assert ended(said) == (0, "completed"), said.err
    report = said.report
    assert (report["exit_code"], states(said)) == (0, [("g", "complete", 0)])
    assert "out\n" in said.err
    [allocation] = allocations(shop, name)
    [instance] = report["instances"]
    assert instance["allocation"] == allocation["ID"]
    assert instance["node"] == allocation["NodeName"]
    assert instance["started"] <= instance["finished"]
    assert report["evaluation"] == allocation["EvalID"]
    assert (report["job"], report["child"], report["version"]) == (name, None, 0)


def test_several_instances_and_tasks_say_whose_line_it_is(
    shop: Shop, ends: dict[str, tuple[str, Said]]
) -> None:
    name, said = ends["several"]
    assert said.code == 0, said.err
    short = allocations(shop, name)[0]["ID"][:8]
    assert sorted(said.out.splitlines()) == [f"{short} a  one", f"{short} b  two"]


def test_it_may_fail_twice_and_succeed(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["flaky"]
    assert ended(said) == (0, "completed"), said.err
    [instance] = said.report["instances"]
    assert (instance["state"], instance["exit_code"], instance["restarts"]) == ("complete", 0, 2)
    assert said.report["exit_code"] == 0
    assert said.err.count("try\n") == 3


def test_a_sysbatch_job_that_fails_on_a_node(ends: dict[str, tuple[str, Said]]) -> None:
    _, said = ends["nowhere"]
    assert ended(said) == (3, "failed"), said.err
    assert said.report["exit_code"] == 3


def test_over_before_the_first_look(shop: Shop) -> None:
    name = write(shop, shop.name("fast"), "echo quick")

    def over() -> None:
        shop.until("the work to end", lambda: _is_dead(shop, name))

    # In the command's own thread, between the registration and the first look.
    said = shop.toolkit("run", name, on={"submit ": over})
    assert (said.code, said.out) == (0, "quick\n"), said.err


def _is_dead(shop: Shop, name: str) -> bool:
    return bool(shop.job(name)["Status"] == "dead")


def test_finished_work_runs_again_as_often_as_it_is_asked(shop: Shop) -> None:
    name = write(shop, shop.name("again"), "echo ran; sleep 0.3")
    for times in (1, 2, 3):
        said = shop.toolkit("run", name)
        assert (said.code, said.out) == (0, "ran\n"), said.err
        assert len(allocations(shop, name)) == times
    job = shop.job(name)
    assert job["Stop"] is False and job["Meta"] is None
    versions = shop.nomad(f"/v1/job/{name}/versions")["Versions"]
    # Each run after the first is a stopped version and the one that ran.
    assert [v["Stop"] for v in versions] == [False, True, False, True, False]
    # And the job is still what its file says.
    assert shop.toolkit("plan", name, "--json").report["changed"] is False


def test_failed_and_stopped_work_runs_again_too(shop: Shop) -> None:
    name = write(shop, shop.name("mended"), 'test -e "$NOMAD_ALLOC_DIR/../../no" || exit 2')
    assert ended(shop.toolkit("run", name, "--json")) == (3, "failed")
    assert ended(shop.toolkit("run", name, "--json")) == (3, "failed")
    assert len(allocations(shop, name)) == 2
    write(shop, name, "exit 0")
    shop.nomad(f"/v1/job/{name}", method="DELETE")
    shop.until("it to be dead", lambda: _is_dead(shop, name))
    assert ended(shop.toolkit("run", name, "--json")) == (0, "completed")
    assert len(allocations(shop, name)) == 3


def test_a_sysbatch_job_runs_on_every_node_again_and_again(shop: Shop) -> None:
    name = write(shop, shop.name("every"), "echo here; sleep 0.3", kind="sysbatch")
    first = shop.toolkit("run", name, "--json")
    assert ended(first) == (0, "completed"), first.err
    before = {i["allocation"] for i in first.report["instances"]}
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (0, "completed"), said.err
    assert "forgotten first" in said.err
    after = {i["allocation"] for i in said.report["instances"]}
    assert len(after) == 1 and not after & before
    # Stopped, and run again unchanged: still a run.
    shop.nomad(f"/v1/job/{name}", method="DELETE")
    shop.until("it to be dead", lambda: _is_dead(shop, name))
    third = shop.toolkit("run", name, "--json")
    assert ended(third) == (0, "completed"), third.err
    assert not {i["allocation"] for i in third.report["instances"]} & (before | after)
    # Changed: Nomad itself runs it everywhere, and its history stays.
    write(shop, name, "echo other; sleep 0.3", kind="sysbatch")
    fourth = shop.toolkit("run", name, "--json")
    assert ended(fourth) == (0, "completed"), fourth.err
    assert "forgotten first" not in fourth.err
    assert "other\n" in fourth.err and fourth.report["version"] == 1


def test_detached_and_attached_to_later(shop: Shop) -> None:
    name = write(shop, shop.name("later"), "echo begun; sleep 1; echo ended; sleep 0.3")
    left = shop.toolkit("run", name, "--detach", "--json")
    assert ended(left) == (0, "submitted")
    assert left.report["next"] == f"toolkit attach {name}"
    said = shop.toolkit("attach", name)
    assert (said.code, said.out) == (0, "begun\nended\n"), said.err
    # What is over is attached to as well: its verdict and its output are still there.
    again = shop.toolkit("attach", name)
    assert (again.code, again.out) == (0, "begun\nended\n"), again.err


@pytest.mark.parametrize("kind", ["batch", "sysbatch"])
def test_work_that_only_the_cluster_knows_runs_as_it_is_registered(shop: Shop, kind: str) -> None:
    name = write(shop, shop.name("found"), "echo ran; sleep 0.3", kind=kind)
    assert shop.toolkit("run", name).code == 0
    before = shop.job(name)
    (shop.root / "jobs" / name / "job.nomad.hcl").unlink()
    (shop.root / "jobs" / name).rmdir()
    said = shop.toolkit("run", name)
    assert (said.code, said.out[-4:]) == (0, "ran\n"), said.err
    assert f"no job file of {name} here: as registered, version 0" in said.err
    # Stopped by somebody, it runs again as well.
    shop.nomad(f"/v1/job/{name}", method="DELETE")
    shop.until("it to be dead", lambda: _is_dead(shop, name))
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (0, "completed"), said.err
    after = shop.job(name)
    assert (after["Stop"], after["TaskGroups"]) == (False, before["TaskGroups"])
    source = shop.nomad(f"/v1/job/{name}/submission?version={after['Version']}")["Source"]
    assert "echo ran" in source


def test_what_only_the_cluster_knows_and_does_not_run(shop: Shop) -> None:
    name = write(shop, shop.name("busy"), "sleep 600")
    assert shop.toolkit("run", name, "--detach").code == 0
    (shop.root / "jobs" / name / "job.nomad.hcl").unlink()
    (shop.root / "jobs" / name).rmdir()
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1 and f"{name} is under way" in said.error["message"]
    shop.nomad(f"/v1/job/{name}", method="DELETE")
