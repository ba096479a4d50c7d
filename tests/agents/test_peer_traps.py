"""What other deployers got wrong, as a user would meet it here: whose job it is, what is shown."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from shutil import rmtree
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.plain import plain
from tests.agents.shop import Hook, Said, Shop

pytestmark = pytest.mark.agents

CHANGING: dict[tuple[str, ...], tuple[str, ...]] = {
    ("deploy",): (),
    ("bump",): ("9.9.9",),
    ("rollback",): (),
    ("stop",): (),
    ("restart",): (),
    ("scale",): ("2",),
    ("promote",): (),
    ("abort",): (),
    ("pause",): (),
    ("resume",): (),
    ("secret", "delete"): ("db_password",),
}
"""Commands that change a job, and what they take after its name."""
CRASH = ("--var", "environment.MODE=crash")


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "traps")
    yield shop
    shop.close()


def ended(said: Said) -> tuple[int, str]:
    return said.code, said.report["verdict"]


# The server parses the job: what only its parser knows is accepted.

PARSED = """
variable "flags" {
  type    = map(string)
  default = { one = "1", two = "2" }
}
locals {
  who = upper(format("%s-%s", "NAME", substr(sha256("seed"), 0, 4)))
}
job "NAME" {
  ui {
    description = "made of **parts**"
    link {
      label = "docs"
      url   = "https://docs.example"
    }
  }
  group "app" {
    disconnect {
      lost_after = "6h"
      replace    = false
    }
    update {
      min_healthy_time = "300ms"
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
      env {
        WHO = local.who
      }
      dynamic "action" {
        for_each = var.flags
        labels   = [action.key]
        content {
          command = "/bin/echo"
          args    = [action.value]
        }
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""


def test_what_only_the_servers_parser_knows_is_accepted(shop: Shop) -> None:
    name = shop.name("parsed")
    said = shop.deploy(shop.plain(name, PARSED.replace("NAME", name)))
    assert ended(said) == (0, "deployed"), said.err
    job = shop.job(name)
    [group] = job["TaskGroups"]
    [task] = group["Tasks"]
    assert job["UI"]["Links"] == [{"Label": "docs", "Url": "https://docs.example"}]
    assert group["Disconnect"]["LostAfter"] == 6 * 3600 * 10**9
    assert [(each["Name"], each["Args"]) for each in task["Actions"]] == [
        ("one", ["1"]), ("two", ["2"]),
    ]  # fmt: skip
    assert task["Env"]["WHO"].startswith(f"{name.upper()}-")


# Only the job that is named is touched, and what is not named is nobody's guess.


@pytest.fixture(scope="module")
def neighbours(shop: Shop) -> dict[str, str]:
    """A job, one whose name begins with its name, one whose name its name begins with."""
    shorter = shop.name("street")
    middle, longer = f"{shorter}-9", f"{shorter}-9-annex"
    shop.made += [middle, longer]
    names = {"middle": middle, "longer": longer, "shorter": shorter}
    shop.all_deployed({"name": name} for name in names.values())
    for name in names.values():
        # The job's own index moves once more, when Nomad calls the version stable.
        shop.until(f"{name} is stable", lambda name=name: shop.job(name)["Stable"])  # type: ignore[misc]
    return names


def looks(shop: Shop, name: str) -> tuple[Any, ...]:
    """All that somebody's deploy of another job could have changed of this one."""
    job = shop.job(name)
    indexes = job["ModifyIndex"], job["JobModifyIndex"], job["Version"]
    deployments = [(d["ID"], d["ModifyIndex"]) for d in shop.deployments(name)]
    return indexes, deployments, [a["ID"] for a in shop.running(name)], shop.instance_of(name)


def test_no_command_touches_a_job_that_was_not_named(
    shop: Shop, neighbours: dict[str, str]
) -> None:
    name = neighbours["middle"]
    others = [neighbours["longer"], neighbours["shorter"]]
    before = {other: looks(shop, other) for other in others}

    def untouched(what: str) -> None:
        assert {other: looks(shop, other) for other in others} == before, what

    assert ended(shop.deploy(name, "--release", "1.1.0")) == (0, "deployed")
    untouched("deploy")
    assert ended(shop.deploy(name, "--release", "1.2.0", *CRASH)) == (8, "reverted")
    untouched("a deploy that fails")
    back = shop.toolkit("rollback", name, "--json")
    assert ended(back) == (0, "deployed"), back.out
    untouched("rollback")
    assert shop.toolkit("stop", name).code == 0
    untouched("stop")
    assert shop.toolkit("stop", name, "--purge").code == 0
    assert shop.nomad(f"/v1/job/{name}") is None
    untouched("purge")
    # It is gone, and the only job whose name begins with its name is not taken for it.
    rmtree(shop.root / "jobs" / name)
    for command in CHANGING:
        said = shop.toolkit(*command, name, *CHANGING[command], "--json")
        assert said.code == 1, (command, said.out)
        assert f'no job "{name}"' in said.error["message"], command
        assert neighbours["longer"] in said.error["message"]
        assert "whole name" in said.error["hint"]
        untouched(" ".join(command))
    # Nor when only the cluster knows that job.
    rmtree(shop.root / "jobs" / neighbours["longer"])
    for command in (("stop",), ("restart",), ("secret", "delete")):
        said = shop.toolkit(*command, name, *CHANGING[command], "--json")
        assert said.code == 1, (command, said.out)
        assert neighbours["longer"] in said.error["message"]
        untouched(" ".join(command))


# A job that was edited elsewhere is deployed over, and what goes is shown.


def edit(shop: Shop, name: str, *, release: str | None = None) -> None:
    """Register the job by the plain API, with another environment and meta of one's own."""
    job = shop.job(name)
    job["TaskGroups"][0]["Tasks"][0]["Env"]["MODE"] = "by-hand"
    job["Meta"]["owner"] = "somebody"
    if release is not None:
        job["Meta"]["release"] = release
    shop.nomad("/v1/jobs", {"Job": job})


@pytest.mark.parametrize("release", [None, "7.0.0"])
def test_a_job_that_was_edited_elsewhere_is_deployed_over_and_the_drift_is_shown(
    shop: Shop, release: str | None
) -> None:
    name = shop.deployed(name=shop.name("edited"))
    edit(shop, name, release=release)
    planned = shop.toolkit("plan", name)
    assert planned.code == 10, planned.err
    assert "Env[MODE]: by-hand → fine" in planned.out
    assert "- Meta[owner] = somebody" in planned.out
    # Their edit was a rollout of its own, and ours ends it.
    said = shop.deploy(name)
    assert ended(said) == (0, "deployed"), said.err
    [line] = said.told("plan")
    assert ("7.0.0 → 1.0.0" in line) == (release is not None)
    job = shop.job(name)
    assert job["Meta"] == {"release": "1.0.0"}
    assert job["TaskGroups"][0]["Tasks"][0]["Env"]["MODE"] == "fine"
    assert shop.serves(name) == ["1.0.0"]


def test_a_job_of_another_tool_is_deployed_over(shop: Shop) -> None:
    """Registered without any mark of ours, and with a mark of theirs."""
    name = shop.name("theirs")
    hcl = plain(name, release="0.9.0", more='meta = { "pack.deployment_name" = "theirs" }')
    hcl = hcl.replace('meta {\n    release = "0.9.0"\n  }\n', "")
    shop.nomad("/v1/jobs", {"Job": shop.nomad("/v1/jobs/parse", {"JobHCL": hcl})})
    shop.until_running(name, 1)
    said = shop.deploy(shop.plain(name, plain(name)))
    assert ended(said) == (0, "deployed"), said.err
    assert shop.job(name)["Meta"] == {"release": "1.0.0"}


# Back is to the release that served, not to the deployment before this one.


@dataclass(frozen=True)
class Back:
    """A job after bad deploys, and the rollback of it."""

    name: str
    served: set[str]
    """Instances of what served when the bad deploys began."""
    bad: list[Said]
    said: Said


def back(shop: Shop, name: str, *bumps: tuple[str, ...], before: Hook | None = None) -> Back:
    """Deploy these releases one after the other, then go back."""
    served = {a["ID"] for a in shop.running(name)}
    bad = [shop.deploy(name, "--release", *bump) for bump in bumps]
    if before is not None:
        before()
    return Back(name, served, bad, shop.toolkit("rollback", name, "--json"))


@pytest.fixture(scope="module")
def backs(shop: Shop) -> dict[str, Back]:
    """At the same time: most of a rollout is waiting."""
    own = shop.root / "both.py"
    own.write_text(shop.app.read_text())
    changes = {
        "twice": {"restart_delay": "auto_revert = true\nrestart_delay"},
        "stays": {"restart_delay": "auto_revert = false\nrestart_delay"},
        "both": {"APP": str(own), "restart_delay": "canaries = 0\nrestart_delay"},
    }
    names = {word: shop.name(word) for word in changes}
    shop.all_deployed({"name": names[word], "change": how} for word, how in changes.items())
    bad = [("1.2.0", *CRASH), ("1.3.0", *CRASH)]
    works = {
        "twice": lambda: back(shop, names["twice"], ("1.1.0",), *bad),
        "stays": lambda: back(shop, names["stays"], *bad),
        "both": lambda: back(shop, names["both"], ("1.1.0",), before=own.unlink),
    }
    with ThreadPoolExecutor() as pool:
        doing = {word: pool.submit(work) for word, work in works.items()}
        return {word: future.result() for word, future in doing.items()}


def test_after_two_bad_deploys_back_is_to_the_release_that_served(
    shop: Shop, backs: dict[str, Back]
) -> None:
    """Nomad went back by itself, twice: the newest deployments but one are failed ones."""
    back = backs["twice"]
    assert [ended(said) for said in back.bad] == [
        (0, "deployed"), (8, "reverted"), (8, "reverted"),
    ]  # fmt: skip
    assert {said.report["serving"] for said in back.bad} == {"1.1.0"}
    assert ended(back.said) == (0, "deployed"), back.said.out
    assert (back.said.report["release"], back.said.report["serving"]) == ("1.0.0", "1.0.0")
    assert shop.serves(back.name) == ["1.0.0"]


def test_after_two_bad_deploys_that_nobody_reverted_back_is_to_what_still_serves(
    shop: Shop, backs: dict[str, Back]
) -> None:
    back = backs["stays"]
    assert [ended(said) for said in back.bad] == [(8, "reverted"), (8, "reverted")]
    assert ended(back.said) == (0, "deployed"), back.said.out
    assert back.said.report["serving"] == "1.0.0"
    assert shop.release(back.name) == "1.0.0"
    assert shop.serves(back.name) == ["1.0.0"]
    # Its instance ran all the time, and nothing had to be replaced.
    assert {a["ID"] for a in shop.running(back.name)} == back.served


def test_a_rollback_whose_target_fails_too_is_a_failure(shop: Shop, backs: dict[str, Back]) -> None:
    """Nothing serves in the end: neither the release gone back to nor the one left."""
    back = backs["both"]
    report = back.said.report
    assert ended(back.said) == (3, "failed"), back.said.err
    assert report["serving"] is None
    assert "nothing is verified to serve" in report["sentence"]
    assert "the revert failed too" in report["sentence"]
    assert report["causes"][0]["kind"] == "crash"
    assert shop.passing(back.name) == {}


# Values of variables are the user's: no log, no report has them.

LEAKY = """
variable "greeting" {
  type = string
}
variable "db_password" {
  type = string
}
"""
ENV = """
env {
  GREETING    = var.greeting
  DB_PASSWORD = var.db_password
  DSN         = "db://shop:${var.db_password}@host/x"
}
"""
FIRST, SECOND = ("correct-horse", "battery-staple")


def leaky(shop: Shop, name: str, script: str = "exec sleep 600") -> str:
    return shop.plain(name, LEAKY + plain(name, script, task=ENV))


def given(password: str) -> tuple[str, ...]:
    return "--var", "greeting=open sesame", "--var", f"db_password={password}"


@pytest.fixture(scope="module")
def greeter(shop: Shop) -> str:
    name = shop.name("leaky")
    said = shop.toolkit("deploy", leaky(shop, name), *given(FIRST))
    assert said.code == 0, said.err
    assert FIRST not in said.out + said.err
    assert "sesame" not in said.out + said.err
    return name


@pytest.mark.parametrize("flags", [[], ["--debug"], ["--json"], ["--quiet"]])
@pytest.mark.parametrize("command", ["deploy", "validate", "verify"])
def test_values_of_variables_are_in_no_log(
    shop: Shop, greeter: str, command: str, flags: list[str]
) -> None:
    values = () if command == "verify" else given(FIRST)
    said = shop.toolkit(command, greeter, *values, *flags)
    assert said.code == 0, said.err
    assert FIRST not in said.out + said.err
    assert "sesame" not in said.out + said.err


def test_a_mistake_beside_a_value_does_not_show_it(shop: Shop, greeter: str) -> None:
    for mistake in (["--var", f"db_pasword={SECOND}"], ["--var", f"greeting={SECOND}"]):
        said = shop.toolkit("deploy", greeter, *mistake, "--debug")
        assert said.code == 1, said.err
        assert SECOND not in said.out + said.err


def test_the_plan_hides_what_a_variables_name_says_is_secret(shop: Shop, greeter: str) -> None:
    for flags in ([], ["--json"]):
        said = shop.toolkit("plan", greeter, *given(SECOND), *flags)
        assert said.code == 10
        assert "DB_PASSWORD" in said.out
        assert SECOND not in said.out + said.err
        assert FIRST not in said.out + said.err


def test_evidence_hides_what_a_variables_name_says_is_secret(shop: Shop) -> None:
    name = shop.name("blurts")
    script = 'echo "FATAL $DB_PASSWORD does not open $DSN" >&2; exit 3'
    said = shop.deploy(leaky(shop, name, script), *given(SECOND))
    assert ended(said) == (3, "failed"), said.err
    [cause] = said.report["causes"]
    assert any("FATAL *** does not open db://" in line for line in cause["evidence"]), cause
    assert SECOND not in said.out + said.err
