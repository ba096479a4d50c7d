"""What is no success although nothing failed: jobs that went away, work that was cut short."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop

pytestmark = pytest.mark.agents

PLAIN = """
variable "release" { default = "1" }
job "NAME" {
  type = "KIND"
  meta { release = var.release }
  MORE
  group "app" {
    count = COUNT
    UPDATE
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    task "app" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"
      config {
        command = "PYTHON"
        args    = ["-c", "import time; time.sleep(SECONDS)"]
      }
      resources {
        cpu    = 20
        memory = 32
      }
    }
  }
}
"""
UPDATE = """
    update {
      canary           = 1
      min_healthy_time = "1s"
      auto_revert      = true
    }
"""


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "gone")
    yield shop
    shop.close()


def write(
    shop: Shop,
    name: str,
    *,
    kind: str = "service",
    count: int = 1,
    seconds: str = "600",
    update: str = "",
    more: str = "",
) -> None:
    text = PLAIN
    for word, value in {
        "NAME": name, "KIND": kind, "COUNT": str(count), "SECONDS": seconds,
        "UPDATE": update, "MORE": more, "PYTHON": sys.executable,
    }.items():  # fmt: skip
        text = text.replace(word, value)
    shop.plain(name, text)


def purge(shop: Shop, name: str) -> None:
    shop.nomad(f"/v1/job/{name}", method="DELETE")
    shop.cluster.until("the evaluation to end", lambda: evaluated(shop, name))
    shop.nomad(f"/v1/job/{name}?purge=true", method="DELETE")


def evaluated(shop: Shop, name: str) -> bool:
    found = shop.nomad(f"/v1/job/{name}/evaluations") or []
    return all(each["Status"] != "pending" for each in found)


def ended(said: Said) -> tuple[int, str]:
    return said.code, said.report["verdict"]


def test_a_job_without_services_that_is_purged_is_not_deployed(shop: Shop) -> None:
    name = shop.name("purged")
    write(shop, name, update=UPDATE)
    assert ended(shop.deploy(name)) == (0, "deployed")
    said = shop.deploy(name, "--release", "2", on={"canary ": lambda: purge(shop, name)})
    assert ended(said) == (9, "held"), said.err
    # Nomad cancels the deployment before it forgets it, and we may see either.
    words = ("job is stopped", "somebody purged")
    assert any(word in said.report["sentence"] for word in words)
    assert said.report["serving"] is None
    assert shop.nomad(f"/v1/job/{name}") is None


def test_stopped_work_is_not_completed(shop: Shop) -> None:
    name = shop.name("cut")
    write(shop, name, kind="batch")

    def stop() -> None:
        shop.nomad(f"/v1/job/{name}", method="DELETE")

    said = shop.deploy(name, on={"running": stop})
    assert ended(said) == (9, "held"), said.err
    assert shop.job(name)["Stop"] is True


def test_work_that_is_done_is_completed_and_stays_so(shop: Shop) -> None:
    name = shop.name("work")
    write(shop, name, kind="batch", count=2, seconds="0.5")
    assert ended(shop.deploy(name)) == (0, "completed")
    assert ended(shop.deploy(name)) == (0, "completed")
    said = shop.toolkit("verify", name, "--json")
    assert ended(said) == (0, "completed")


def test_work_that_fails_has_failed_now_and_later(shop: Shop) -> None:
    name = shop.name("bad")
    write(shop, name, kind="batch", seconds="no_such_name")
    said = shop.deploy(name)
    assert ended(said) == (3, "failed"), said.err
    assert any("no_such_name" in line for line in said.report["causes"][0]["evidence"])
    assert ended(shop.toolkit("verify", name, "--json")) == (3, "failed")


def test_a_periodic_job_is_registered_and_not_waited_for(shop: Shop) -> None:
    name = shop.name("nightly")
    periodic = 'periodic {\n    crons = ["0 3 * * *"]\n  }'
    write(shop, name, kind="batch", more=periodic)
    said = shop.deploy(name)
    assert ended(said) == (0, "deployed"), said.err
    assert "version 0 is registered, next launch 20" in said.report["sentence"]
    assert "03:00 UTC (schedule 0 3 * * *)" in said.report["sentence"]
    assert {link["name"]: link["state"] for link in said.report["verification"]["links"]} == {
        "nomad": "holds", "consul": "absent", "traefik": "absent", "release": "absent",
        "edge": "absent",
    }  # fmt: skip
    assert shop.running(name) == []
    assert ended(shop.deploy(name)) == (0, "unchanged")
    assert ended(shop.toolkit("verify", name, "--json")) == (0, "unchanged")
    assert ended(shop.deploy(name, "--release", "2", "--detach")) == (0, "submitted")


def test_a_restart_that_somebody_asks_for_is_no_crash(shop: Shop) -> None:
    name = shop.deployed(name=shop.name("restarted"))

    def runs_again(allocation: str, times: int) -> bool:
        task = shop.nomad(f"/v1/allocation/{allocation}")["TaskStates"]["app"]
        return bool(task["State"] == "running") and restarts(task) == times

    def restarts(task: dict[str, Any]) -> int:
        return [event["Type"] for event in task["Events"]].count("Started") - 1

    def restart() -> None:
        new = shop.running(name)[-1]["ID"]
        for times in range(2):
            shop.cluster.until("the task to run", partial(runs_again, new, times))
            shop.nomad(f"/v1/client/allocation/{new}/restart", {"TaskName": "app"})

    said = shop.deploy(name, "--release", "1.1.0", on={"  running\n": restart})
    assert ended(said) == (0, "deployed"), said.err + said.out


def test_a_deployment_that_somebody_fails_blames_no_instance(shop: Shop) -> None:
    name = shop.deployed(name=shop.name("marked"))

    def fail() -> None:
        ours = shop.deployments(name)[-1]["ID"]
        shop.nomad(f"/v1/deployment/fail/{ours}", {"DeploymentID": ours})

    said = shop.deploy(name, "--release", "1.1.0", on={"canary ": fail})
    assert ended(said) == (8, "reverted"), said.err
    (cause,) = said.report["causes"]
    assert (cause["kind"], cause["allocation"]) == ("aborted", None)
    assert "somebody" in cause["summary"]


def test_the_deadline_says_how_far_it_came(shop: Shop) -> None:
    name = shop.deployed(name=shop.name("late"))
    slow = {'min_healthy_time = "500ms"': 'min_healthy_time = "12s"'}
    shop.write(name, release="1.1.0", change=slow)
    said = shop.deploy(name, "--timeout", "4s")
    assert ended(said) == (5, "unknown"), said.err
    assert "0 of 1 instances were healthy at the deadline" in said.report["sentence"]
    shop.toolkit("abort", name, "--yes", "--json")


def test_verify_during_a_rollout_says_that_it_rolls(shop: Shop) -> None:
    name = shop.deployed(name=shop.name("rolling"))
    assert ended(shop.deploy(name, "--release", "1.1.0", "--no-promote")) == (9, "held")
    said = shop.toolkit("verify", name, "--json")
    assert ended(said) == (5, "unknown"), said.out
    assert "still rolling" in said.report["sentence"]
    assert said.report["next"] == f"toolkit attach {name}"
    done = shop.toolkit("attach", name, "--yes", "--json")
    assert ended(done) == (0, "deployed"), done.err
