"""`failed` (exit 3): the new release did not take, and nothing is verified to serve.

And `unplaced` (exit 4): it cannot be placed, or not in the time it was given.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import APP, Said, Shop

pytestmark = pytest.mark.agents

HUGE = {"memory = 32": "memory = 9000000"}


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "failed")
    yield shop
    shop.close()


@dataclass(frozen=True)
class End:
    name: str
    said: Said
    before: set[str]


@pytest.fixture(scope="module")
def ends(shop: Shop) -> dict[str, End]:
    """Rollouts that fail in different ways, at the same time."""
    first = shop.write(name=shop.name("first"), change={'"fine"': '"crash"'})
    halves = shop.name("halves")
    shop.plain(halves, HALVES.replace("NAME", halves))
    own = shop.root / "gone.py"
    own.write_text(APP)
    gone, room = shop.all_deployed([
        {
            "name": shop.name("gone"),
            "change": {"APP": str(own), "restart_delay": "canaries = 0\nrestart_delay"},
        },
        {"name": shop.name("room")},
    ])  # fmt: skip
    before = {name: {a["ID"] for a in shop.running(name)} for name in (gone, room)}
    # Neither the new release nor the old one can start from now on.
    own.unlink()
    shop.write(room, change=HUGE, release="1.1.0")
    said = shop.at_once({
        first: lambda: shop.deploy(first),
        halves: lambda: shop.deploy(halves),
        gone: lambda: shop.deploy(gone, "--release", "1.1.0"),
        room: lambda: shop.deploy(room, "--wait-capacity", "2s"),
    })  # fmt: skip
    words = {"first": first, "halves": halves, "gone": gone, "room": room}
    return {word: End(n, said[n], before.get(n, set())) for word, n in words.items()}


CROWD = """
job "NAME" {
  group "app" {
    count = 3
    network {
      port "http" {
        static = 19433
      }
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""
"""More instances than a node has addresses for the port."""

HALVES = """
job "NAME" {
  group "good" {
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
  group "bad" {
    restart {
      attempts = 0
      mode     = "fail"
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo no such thing as luck; exit 7"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""


def assert_failed(end: End) -> dict[str, Any]:
    report = end.said.report
    assert (end.said.code, report["verdict"], report["code"]) == (3, "failed", 3), end.said.err
    assert report["serving"] is None
    assert f"{end.name} " in report["sentence"]
    assert "nothing is verified to serve" in report["sentence"]
    cause: dict[str, Any] = report["causes"][0]
    return cause


def test_a_first_deploy_that_crashes(shop: Shop, ends: dict[str, End]) -> None:
    cause = assert_failed(ends["first"])
    assert cause["kind"] == "crash"
    assert cause["task"] == "app"
    assert "exited 3" in cause["summary"]
    assert cause["evidence"][0].startswith("stderr: FATAL no database at nowhere")
    name = ends["first"].name
    assert cause["allocation"] in {a["ID"] for a in shop.nomad(f"/v1/job/{name}/allocations")}
    assert shop.passing(name) == {}
    [deployment] = shop.deployments(name)
    assert deployment["Status"] == "failed"
    assert ends["first"].said.report["previous_release"] is None


def test_what_nomad_gave_up_is_begun_anew_as_the_note_says(
    shop: Shop, ends: dict[str, End]
) -> None:
    """The cause may lie beside the job, which is then mended without a change of it."""
    name = ends["first"].name
    again = shop.deploy(name)
    assert (again.code, again.report["verdict"]) == (6, "unverified")
    anew = f"`toolkit stop {name}`, then `toolkit deploy {name}`"
    assert f"Nomad has given version 0 up: {anew}, begins anew" in again.err
    refused = shop.toolkit("restart", name)
    assert refused.code == 1
    assert anew in " ".join(refused.err.split())
    assert shop.toolkit("stop", name, "--yes").code == 0
    assert shop.deploy(name).report["verdict"] == "failed"


def test_one_of_two_groups_that_crashes_is_named(shop: Shop, ends: dict[str, End]) -> None:
    cause = assert_failed(ends["halves"])
    assert (cause["group"], cause["task"], cause["kind"]) == ("bad", "app", "crash")
    assert "exited 7" in cause["summary"]
    # Nothing on stderr: what there is comes from stdout.
    assert "stdout: no such thing as luck" in cause["evidence"]


def test_a_revert_that_fails_too(shop: Shop, ends: dict[str, End]) -> None:
    end = ends["gone"]
    cause = assert_failed(end)
    assert cause["kind"] == "crash"
    assert any("gone.py" in line for line in cause["evidence"])
    assert "the revert failed too" in end.said.report["sentence"]
    assert "revert" in end.said.stages()
    assert shop.passing(end.name) == {}
    assert [d["Status"] for d in shop.deployments(end.name)][-2:] == ["failed", "failed"]


BATCH = """
job "NAME" {
  type = "batch"
  group "work" {
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo on it >&2; exit CODE"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""


@pytest.mark.parametrize(
    ("exit_code", "code", "verdict"), [("0", 0, "completed"), ("4", 3, "failed")]
)
def test_a_batch_job_is_done_or_failed(shop: Shop, exit_code: str, code: int, verdict: str) -> None:
    name = shop.name("batch")
    said = shop.deploy(shop.plain(name, BATCH.replace("NAME", name).replace("CODE", exit_code)))
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (code, verdict, code), said.err
    [allocation] = shop.nomad(f"/v1/job/{name}/allocations")
    assert allocation["ClientStatus"] == {"completed": "complete"}.get(verdict, "failed")
    if verdict == "failed":
        cause = report["causes"][0]
        assert "exited 4" in cause["summary"]
        assert cause["evidence"] == ["stderr: on it"]


# Unplaced.


def assert_unplaced(said: Said, *words: str) -> dict[str, Any]:
    report = said.report
    assert (said.code, report["verdict"], report["code"]) == (4, "unplaced", 4), said.err
    cause: dict[str, Any] = report["causes"][0]
    assert cause["kind"] == "unplaced"
    for word in words:
        assert word in cause["summary"], cause
    assert cause["summary"] in report["sentence"]
    assert cause["advice"]
    return cause


def test_a_driver_that_no_node_has(shop: Shop) -> None:
    hcl = HALVES.replace("raw_exec", "podman")
    name = shop.name("driver")
    said = shop.deploy(shop.plain(name, hcl.replace("NAME", name)))
    cause = assert_unplaced(said, "driver podman", "no eligible node")
    assert cause["group"] == "bad"
    assert any("without driver podman" in line for line in cause["evidence"])
    # Every group that cannot be placed is named.
    assert [c["group"] for c in said.report["causes"]] == ["bad", "good"]
    assert said.report["next"] == f"toolkit why-not {name}"
    assert shop.nomad(f"/v1/job/{name}") is None
    assert shop.nomad(f"/v1/job/{name}/evaluations") == []


def test_more_memory_than_any_node_has(shop: Shop) -> None:
    name = shop.write(name=shop.name("huge"), change=HUGE)
    said = shop.deploy(name)
    cause = assert_unplaced(said, "not enough memory on 1 node")
    assert any("asks for 9000000 MB" in line for line in cause["evidence"])
    assert "submit" not in said.stages()
    assert shop.nomad(f"/v1/job/{name}") is None


def test_a_datacenter_without_nodes(shop: Shop) -> None:
    name = shop.name("nowhere")
    hcl = HALVES.replace("NAME", name).replace(
        'group "good"', 'datacenters = ["atlantis"]\n  group "good"'
    )
    said = shop.deploy(shop.plain(name, hcl))
    assert_unplaced(said, "no eligible node in datacenter atlantis")
    assert shop.nomad(f"/v1/job/{name}") is None


def test_waiting_for_capacity_in_vain_ends_with_the_old_release(
    shop: Shop, ends: dict[str, End]
) -> None:
    end = ends["room"]
    cause = assert_unplaced(end.said, "not enough memory")
    assert cause["group"] == end.name
    assert any("waiting up to 2 s for capacity" in line for line in end.said.told("place"))
    assert shop.release(end.name) == "1.0.0"
    assert {a["ID"] for a in shop.running(end.name)} == end.before
    assert shop.serves(end.name) == ["1.0.0"]
    report = end.said.report
    assert report["serving"] == "1.0.0"
    assert report["sentence"].endswith("; 1.0.0 serves, 1 of 1 verified")
    assert len(end.said.told("revert")) == 1
    # The version that found no room was registered, and is not what is registered now.
    assert shop.job(end.name)["Version"] > end.said.report["version"]


def test_who_has_the_port_is_named_when_the_wait_is_over(shop: Shop) -> None:
    """The plan names it too, but what waited was registered in spite of the plan."""
    name = shop.name("crowd")
    shop.plain(name, CROWD.replace("NAME", name))
    cause = assert_unplaced(shop.deploy(name, "--wait-capacity", "1s"), "port 19433 is taken")
    held = "port: 19433 on "
    assert any(line.startswith(held) and "this very job" in line for line in cause["evidence"])


def test_capacity_that_comes_in_time(shop: Shop) -> None:
    """Each asks for more than half of the node's memory; one leaves while the other waits."""
    [node] = shop.nomad("/v1/nodes?resources=true")
    half = int(node["NodeResources"]["Memory"]["MemoryMB"] * 0.55)
    large = {"memory = 32": f"memory = {half}"}
    holder = shop.registered(name=shop.name("holder"), change=large)
    waiter = shop.write(name=shop.name("waiter"), change=large)
    shop.until_running(holder, 1)
    assert_unplaced(shop.deploy(waiter), "not enough memory")

    def leave() -> None:
        shop.nomad(f"/v1/job/{holder}", method="DELETE")

    said = shop.deploy(waiter, "--wait-capacity", "60s", on={"waiting up to 60 s": leave})
    assert (said.code, said.report["verdict"]) == (0, "deployed"), said.err
    assert shop.serves(waiter) == ["1.0.0"]
    assert len(shop.running(waiter)) == 1
