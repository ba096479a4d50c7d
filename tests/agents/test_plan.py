"""`toolkit plan`, and what a deploy keeps: counts that were scaled, releases chosen by hand."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop

pytestmark = pytest.mark.agents

PASSWORD = "correct horse battery staple"
SECRET = '[secrets]\nkeys = ["db_password"]\n'
TOKEN = "abcdef0123456789"


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "plan")
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def base(shop: Shop) -> str:
    """A service with a secret, which no plan changes."""
    name = shop.name("plan")
    shop.secret(name, "db_password", PASSWORD)
    return shop.deployed(name=name, count=2, more=SECRET)


# Plans.


def test_a_plan_of_nothing(shop: Shop, base: str) -> None:
    said = shop.toolkit("plan", base)
    assert said.code == 0
    assert f"{base}: 1.0.0 · nothing to change" in said.out
    assert shop.toolkit("plan", base, "--json").report["changed"] is False


def test_a_plan_of_changes_says_what_will_happen(shop: Shop, base: str) -> None:
    before = shop.job(base)["JobModifyIndex"]
    said = shop.toolkit("plan", base, "--release", "1.1.0")
    assert said.code == 10
    assert f"{base}: 1.0.0 → 1.1.0 · 2 canaries, then 2 stopped · fits" in said.out
    assert "~ Meta[release]: 1.0.0 → 1.1.0" in said.out
    report = shop.toolkit("plan", base, "--release", "1.1.0", "--json").report
    [group] = report["groups"]
    assert (group["canary"], group["ignore"], group["place"]) == (2, 2, 0)
    assert (report["check_index"], report["fits"]) == (before, True)
    assert report["live"]["release"] == "1.0.0"
    assert shop.job(base)["JobModifyIndex"] == before


def test_a_plan_that_does_not_fit(shop: Shop, base: str) -> None:
    name = shop.write(name=shop.name("huge"), change={"memory = 32": "memory = 9000000"})
    said = shop.toolkit("plan", name)
    assert said.code == 4
    assert "first deploy of 1.0.0" in said.out
    assert "does not fit" in said.out
    assert "not enough memory" in said.out


def test_a_plan_is_refused_like_the_deploy_would_be(shop: Shop) -> None:
    name = shop.write(more=SECRET)
    said = shop.toolkit("plan", name, "--json")
    assert said.code == 1
    assert said.error["hint"] == f"toolkit secret set {name} db_password"


def test_secrets_are_taken_out_of_the_diff_by_key_and_by_value(shop: Shop, base: str) -> None:
    more = ("--var", f"environment.API_TOKEN={TOKEN}", "--var", f"environment.DSN=u:{PASSWORD}@db")
    for how in ([], ["--json"]):
        said = shop.toolkit("plan", base, *more, *how)
        assert said.code == 10, said.err
        assert TOKEN not in said.out + said.err
        assert PASSWORD not in said.out + said.err
    lines = {line["path"]: line["new"] for line in said.report["diff"]}
    path = f"group[{base}].task[app].Env"
    assert lines[f"{path}[API_TOKEN]"] == "***"
    assert lines[f"{path}[DSN]"] == "u:***@db"


# Counts.


def test_a_scaled_count_stays_until_the_file_changes_or_a_person_says_so(shop: Shop) -> None:
    name = shop.deployed()
    scaled = {"Count": 2, "Target": {"Group": name}}
    shop.nomad(f"/v1/job/{name}/scale", scaled, "POST")
    shop.until("two pass", lambda: len(shop.passing(name)) == 2)
    kept = shop.deploy(name, "--release", "1.1.0")
    assert (kept.code, kept.report["verdict"]) == (0, "deployed"), kept.err
    assert any(f"count of group {name} stays 2 as scaled" in n for n in kept.told("note"))
    assert kept.report["verification"]["expected"] == 2
    states = {link["name"]: link["state"] for link in kept.report["verification"]["links"]}
    assert states == {
        "nomad": "holds", "consul": "holds", "traefik": "absent", "release": "holds",
        "edge": "absent",
    }  # fmt: skip
    assert kept.link("traefik")["detail"] == "the job has no route"
    assert shop.serves(name) == ["1.1.0", "1.1.0"]
    # Every instance of the scaled number was gated, not only the file's one.
    assert kept.told("gate")[-1].startswith("Nomad 2/2")
    reset = shop.toolkit("plan", name, "--release", "1.1.0", "--reset-count", "--json").report
    assert reset["notes"] == []
    assert [g["stop"] for g in reset["groups"]] == [1]
    # The file says another count than when it was deployed last: the file is meant.
    shop.write(name, count=3)
    changed = shop.toolkit("plan", name, "--release", "1.1.0", "--json").report
    assert changed["notes"] == []
    assert [g["place"] for g in changed["groups"]] == [1]
    done = shop.deploy(name, "--release", "1.1.0", "--reset-count")
    assert (done.code, done.report["verification"]["verified"]) == (0, 3), done.err
    assert len(shop.running(name)) == 3


def test_a_count_of_none_is_verified_as_none(shop: Shop) -> None:
    name = shop.name("none")
    said = shop.deploy(shop.plain(name, BARE.replace("NAME", name).replace("COUNT", "0")))
    report = said.report
    assert (said.code, report["verdict"]) == (0, "deployed"), said.err
    assert (report["verification"]["expected"], report["verification"]["verified"]) == (0, 0)
    assert shop.running(name) == []
    # And back again, from some to none.
    some = BARE.replace("NAME", name).replace("COUNT", "1")
    assert shop.deploy(shop.plain(name, some)).report["verification"]["verified"] == 1
    none = shop.deploy(shop.plain(name, BARE.replace("NAME", name).replace("COUNT", "0")))
    assert (none.code, none.report["verdict"]) == (0, "deployed"), none.err
    assert shop.running(name) == []


# Releases.


def test_a_release_chosen_by_hand_is_not_replaced_unasked(shop: Shop) -> None:
    name = shop.deployed()
    assert shop.deploy(name, "--release", "1.1.0").code == 0
    said = shop.deploy(name)
    assert said.code == 1
    assert "release 1.1.0" in said.error["message"]
    assert "--yes" in said.error["hint"]
    assert shop.release(name) == "1.1.0"
    planned = shop.toolkit("plan", name, "--json").report
    assert "change it to 1.0.0" in planned["question"]
    # A file that says another release since then is meant.
    shop.write(name, release="1.2.0")
    assert shop.toolkit("plan", name, "--json").report["question"] is None
    shop.write(name)
    yes = shop.deploy(name, "--yes")
    assert (yes.code, yes.report["serving"]) == (0, "1.0.0"), yes.err
    assert shop.serves(name) == ["1.0.0"]
    assert shop.toolkit("plan", name, "--json").report["question"] is None


# Jobs of other shapes.

BARE = """
variable "greeting" {
  type    = string
  default = "hello"
}

job "NAME" {
  group "one" {
    count = COUNT
    update {
      min_healthy_time = "500ms"
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "echo $GREETING; exec sleep 600"]
      }
      env {
        GREETING = var.greeting
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
"""


def test_a_plain_job_without_a_service_by_path_and_without_a_project(
    shop: Shop, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = shop.name("bare")
    folder = tmp_path_factory.mktemp("elsewhere")
    file = folder / "bare.nomad.hcl"
    file.write_text(BARE.replace("NAME", name).replace("COUNT", "2"))
    environ = {
        **shop.environ(),
        "NOMAD_ADDR": shop.cluster.nomad_address,
        "CONSUL_HTTP_ADDR": shop.cluster.consul_address.removeprefix("http://"),
    }
    said = shop.toolkit(
        "deploy", str(file), "--var", "greeting=servus", "--json", environ=environ, folder=folder
    )
    report = said.report
    assert (said.code, report["verdict"]) == (0, "deployed"), said.err
    assert report["verification"]["verified"] == 2
    states = {link["name"]: link["state"] for link in report["verification"]["links"]}
    assert states == {
        "nomad": "holds", "consul": "absent", "traefik": "absent", "release": "absent",
        "edge": "absent",
    }  # fmt: skip
    assert said.link("consul")["detail"] == "the job has no Consul service"
    assert said.link("release")["detail"] == "by job version, not asked"
    task = shop.job(name)["TaskGroups"][0]["Tasks"][0]
    assert task["Env"] == {"GREETING": "servus"}
    # The file went to Nomad as it is.
    source = shop.nomad(f"/v1/job/{name}/submission?version=0")["Source"]
    assert source.startswith(file.read_text().rstrip())
    again = shop.toolkit(
        "deploy", str(file), "--var", "greeting=servus", "--json", environ=environ, folder=folder
    )
    assert (again.code, again.report["verdict"]) == (0, "unchanged"), again.err


def test_a_job_that_somebody_else_registered_is_adopted(shop: Shop) -> None:
    name = shop.name("adopted")
    hcl = BARE.replace("NAME", name).replace("COUNT", "1")
    shop.nomad("/v1/jobs", {"Job": shop.nomad("/v1/jobs/parse", {"JobHCL": hcl})})
    shop.until("its own rollout is over", lambda: bool(shop.job(name)["Stable"]))
    before = shop.job(name)["JobModifyIndex"]
    said = shop.deploy(shop.plain(name, hcl))
    assert (said.code, said.report["verdict"]) == (0, "unchanged"), said.out
    assert said.report["verification"]["verified"] == 1
    assert shop.job(name)["JobModifyIndex"] == before
    changed = shop.deploy(name, "--var", "greeting=grüezi ${x} %{y}")
    assert (changed.code, changed.report["verdict"]) == (0, "deployed"), changed.out
    task = shop.job(name)["TaskGroups"][0]["Tasks"][0]
    assert task["Env"] == {"GREETING": "grüezi ${x} %{y}"}


def test_several_groups_are_planned_and_verified_each(shop: Shop) -> None:
    name = shop.name("groups")
    one = BARE.replace("NAME", name).replace("COUNT", "1")
    body = one[one.index('  group "one"') : one.rindex("}")]
    said = shop.deploy(shop.plain(name, one.rstrip()[:-1] + body.replace('"one"', '"two"') + "}\n"))
    report = said.report
    assert (said.code, report["verdict"]) == (0, "deployed"), said.err
    assert said.told("plan") == ["one: 1 placed · two: 1 placed · fits"]
    rows = report["verification"]["instances"]
    assert sorted(row["group"] for row in rows) == ["one", "two"]
    assert {row["allocation"] for row in rows} == {a["ID"] for a in shop.running(name)}
