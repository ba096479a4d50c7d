"""Kinds of jobs that end in their own way, on real agents; they are played at the same time."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from textwrap import indent
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.plain import NO_OTHER, plain
from tests.agents.shop import Said, Shop
from toolkit.rollout.schedule import next_launch

pytestmark = pytest.mark.agents

AGAIN = """
reschedule {
  attempts       = 1
  interval       = "1h"
  delay          = "5s"
  delay_function = "constant"
  unlimited      = false
}
"""
"""Five seconds are the least that Nomad takes."""
CANARY = 'update {\n  canary           = 1\n  min_healthy_time = "300ms"\n}\n'
ROLLED = 'update {\n  min_healthy_time = "300ms"\n}\n'
AT_ONCE = 'update {\n  max_parallel     = 0\n  min_healthy_time = "2s"\n}\n'
SECOND = """
  group "side" {
    update {
      min_healthy_time = "300ms"
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
      resources {
        cpu    = 20
        memory = 24
      }
    }
  }
"""
CALLED = 'parameterized {\n  payload = "optional"\n}\n'
WORDS = ("again", "groups", "replaced", "at once", "dispatched", "nightly")
CRONS = ("0 3 * * *", "*/20 1-4 * * 1-5", "30 12 1 jan,jul *", "15 6 13 * fri", "@weekly")


@dataclass(frozen=True)
class Ends:
    shop: Shop
    names: Mapping[str, str]
    said: Mapping[str, Said]


@pytest.fixture(scope="module")
def ends(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "kinds")
    names = {word: shop.name(word.replace(" ", "-")) for word in WORDS}
    try:
        said = shop.at_once({
            "again": lambda: again(shop, names["again"]),
            "groups": lambda: groups(shop, names["groups"]),
            "replaced": lambda: replaced(shop, names["replaced"]),
            "at once": lambda: deploy(shop, names["at once"], update=AT_ONCE),
            "dispatched": lambda: deploy(shop, names["dispatched"], kind="batch", more=CALLED),
            "nightly": lambda: deploy(shop, names["nightly"], kind="batch", more=periodic(*CRONS)),
        })  # fmt: skip
        yield Ends(shop, names, said)
    finally:
        shop.close()


def deploy(shop: Shop, name: str, script: str = "exec sleep 600", **how: Any) -> Said:
    return shop.deploy(shop.plain(name, plain(name, script, **how)))


def again(shop: Shop, name: str) -> Said:
    """Work that fails at its first instance, and is done by the next one."""
    flag = shop.root / f"{name}.flag"
    script = f"test -e {flag} && exit 0; touch {flag}; echo not yet >&2; exit 7"
    text = plain(name, script, kind="batch").replace(
        indent(NO_OTHER, "    "), indent(AGAIN, "    ")
    )
    assert "5s" in text
    return shop.deploy(shop.plain(name, text))


def groups(shop: Shop, name: str) -> Said:
    """One group with a canary, one that is rolled."""

    def text(release: str) -> str:
        one = plain(name, release=release, update=CANARY)
        return one.rstrip().removesuffix("}") + SECOND + "}\n"

    first = shop.deploy(shop.plain(name, text("1.0.0")))
    assert (first.code, first.report["verdict"]) == (0, "deployed"), first.err
    return shop.deploy(shop.plain(name, text("2.0.0")))


def replaced(shop: Shop, name: str) -> Said:
    """While it rolls, somebody registers a version that Nomad makes no deployment for."""
    slow = 'update {\n  canary           = 1\n  min_healthy_time = "20s"\n}\n'
    first = deploy(shop, name, update=ROLLED)
    assert (first.code, first.report["verdict"]) == (0, "deployed"), first.err

    def other() -> None:
        job = shop.job(name)
        job["Meta"] = {"release": "3.0.0"}
        for group in job["TaskGroups"]:
            group["Update"]["MaxParallel"] = group["Update"]["Canary"] = 0
        shop.nomad("/v1/jobs", {"Job": job})

    text = plain(name, release="2.0.0", update=slow)
    return shop.deploy(shop.plain(name, text), on={"canary ": other})


def periodic(*crons: str) -> str:
    return "periodic {\n  crons = [" + ", ".join(f'"{cron}"' for cron in crons) + "]\n}"


def ended(ends: Ends, word: str) -> tuple[int, str]:
    said = ends.said[word]
    return said.code, said.report["verdict"]


def test_work_that_nomad_tries_again_is_judged_by_its_last_instance(ends: Ends) -> None:
    assert ended(ends, "again") == (0, "completed"), ends.said["again"].err
    found = ends.shop.nomad(f"/v1/job/{ends.names['again']}/allocations")
    assert sorted(a["ClientStatus"] for a in found) == ["complete", "failed"]


def test_a_group_with_a_canary_beside_one_without(ends: Ends) -> None:
    said = ends.said["groups"]
    assert ended(ends, "groups") == (0, "deployed"), said.err
    assert any("Nomad 1/1" in line and "promoted" in line for line in said.told("gate"))
    running = ends.shop.running(ends.names["groups"])
    assert [(a["TaskGroup"], a["JobVersion"]) for a in running] in (
        [("app", 1), ("side", 1)],
        [("side", 1), ("app", 1)],
    )


def test_a_newer_version_without_a_deployment_supersedes_ours(ends: Ends) -> None:
    said = ends.said["replaced"]
    assert ended(ends, "replaced") == (7, "superseded"), said.err
    assert said.report["serving"] is None
    assert ends.shop.release(ends.names["replaced"]) == "3.0.0"


def test_without_a_deployment_it_has_to_run_for_a_while(ends: Ends) -> None:
    assert ended(ends, "at once") == (0, "deployed"), ends.said["at once"].err
    assert ends.shop.deployments(ends.names["at once"]) == []


def test_a_parameterized_job_is_deployed_when_it_is_registered(ends: Ends) -> None:
    assert ended(ends, "dispatched") == (0, "deployed"), ends.said["dispatched"].err
    assert "is registered, launched by a dispatch" in ends.said["dispatched"].report["sentence"]


def test_a_periodic_job_names_its_next_launch(ends: Ends) -> None:
    assert ended(ends, "nightly") == (0, "deployed"), ends.said["nightly"].err
    assert "next launch 20" in ends.said["nightly"].report["sentence"]


@pytest.mark.parametrize("cron", CRONS)
def test_the_next_launch_is_the_one_that_nomad_says(ends: Ends, cron: str) -> None:
    shop = ends.shop
    name = shop.name("cron")
    said = shop.deploy(shop.plain(name, plain(name, kind="batch", more=periodic(cron))), "--detach")
    assert said.code == 0, said.err
    job, before = shop.job(name), datetime.now().timestamp()
    command = [str(shop.cluster.machine.nomad_bin), "job", "status", name]
    environ = {"NOMAD_ADDR": shop.cluster.nomad_address}
    status = subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout
    when = re.search(r"Next Periodic Launch\s*=\s*(\S+)", status)
    assert when is not None, status
    there = datetime.fromisoformat(when.group(1)).timestamp()
    # The moment of a launch may pass between the two.
    assert there in {next_launch(job, at) for at in (before, datetime.now().timestamp())}
