"""`toolkit plan` says what others did since our last deploy: changed, scaled, reverted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from toolkit.workflows.plan import plan_job as make_plan

pytestmark = pytest.mark.agents

PASSWORD = "a horse of another colour"

HCL = """
job "NAME" {
  meta {
    release = "RELEASE"
  }
  group "web" {
    count = COUNT
    update {
      max_parallel = 0
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
      env {
        API_TOKEN = "VALUE"
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
    service {
      provider = "nomad"
      name     = "NAME"
      tags     = ["TAG"]
    }
  }
}
"""


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "drift")
    yield shop
    shop.close()


def text(name: str, release: str = "1.0.0", count: int = 1, tag: str = "a") -> str:
    found = HCL.replace("NAME", name).replace("RELEASE", release).replace("TAG", tag)
    return found.replace("COUNT", str(count)).replace("VALUE", "one")


@pytest.fixture
def ours(shop: Shop) -> str:
    """A job that we registered as version 0."""
    name = shop.plain(shop.name("drift"), text(shop.made[-1]))
    assert shop.deploy(name, "--detach").code == 0
    return name


def plan(shop: Shop, name: str, *more: str) -> dict[str, Any]:
    return shop.toolkit("plan", name, "--json", *more).report


def drift(shop: Shop, name: str) -> dict[str, Any]:
    found = plan(shop, name)["drift"]
    assert isinstance(found, dict)
    return found


def change(shop: Shop, name: str, *, source: str | None = "job {}\n", **meta: Any) -> None:
    """What a colleague with another tool does: more memory, another token."""
    job = shop.job(name)
    task = job["TaskGroups"][0]["Tasks"][0]
    task["Resources"]["MemoryMB"] += 8
    task["Env"]["API_TOKEN"] = PASSWORD
    job["Meta"].update(meta)
    body: dict[str, Any] = {"Job": job}
    if source is not None:
        body["Submission"] = {"Source": source, "Format": "hcl2"}
    shop.nomad("/v1/jobs", body)


def scale(shop: Shop, name: str, count: int, **more: Any) -> None:
    body = {"Count": count, "Target": {"Group": "web"}, **more}
    shop.nomad(f"/v1/job/{name}/scale", body, "POST")


def paths(found: dict[str, Any]) -> list[str]:
    return [line["path"] for line in found["changes"]]


MEMORY = "group[web].task[app].Resources.MemoryMB"
TOKEN = "group[web].task[app].Env[API_TOKEN]"


def test_no_job_has_no_drift_and_ours_has_none(shop: Shop) -> None:
    name = shop.plain(shop.name("drift"), text(shop.made[-1]))
    assert plan(shop, name)["drift"] is None
    assert shop.deploy(name, "--detach").code == 0
    found = drift(shop, name)
    assert (found["state"], found["since"], found["changes"]) == ("none", found["live"], [])
    assert (found["live"]["version"], found["live"]["release"]) == (0, "1.0.0")
    shop.plain(name, text(name, "1.1.0"))
    assert shop.deploy(name, "--detach").code == 0
    assert drift(shop, name)["since"]["version"] == 1
    assert "drift  " not in shop.toolkit("plan", name).out


@pytest.mark.parametrize("source", ["job {}\n", None], ids=["another source", "no source"])
def test_what_a_colleague_changed_is_named_field_by_field(
    shop: Shop, ours: str, source: str | None
) -> None:
    change(shop, ours, source=source)
    said = shop.toolkit("plan", ours)
    assert said.code == 10
    assert "drift     since our deploy of 1.0.0 (version 0, " in said.out
    assert f"~ {MEMORY}: 16 → 24" in said.out
    assert f"~ {TOKEN}: *** → ***" in said.out
    found = drift(shop, ours)
    assert (found["state"], found["since"]["version"], found["live"]["version"]) == (
        "changed", 0, 1,
    )  # fmt: skip
    assert paths(found) == [TOKEN, MEMORY]
    assert PASSWORD not in said.out + said.err + str(plan(shop, ours))
    # The deploy that takes it back says so too, and is ours again.
    done = shop.deploy(ours, "--detach", "--yes")
    assert any("others changed it: version 1" in note for note in done.told("note")), done.err
    assert drift(shop, ours)["since"]["version"] == 2


def test_several_changes_of_others_are_measured_from_our_newest(shop: Shop, ours: str) -> None:
    shop.plain(ours, text(ours, "1.1.0"))
    assert shop.deploy(ours, "--detach").code == 0
    change(shop, ours)
    # Registered as if from version 0: Nomad shows the source of that version with it.
    job = shop.job(ours)
    job["Version"], job["Priority"] = 0, 60
    shop.nomad("/v1/jobs", {"Job": job})
    found = drift(shop, ours)
    assert (found["state"], found["since"]["version"], found["live"]["version"]) == (
        "changed", 1, 3,
    )  # fmt: skip
    assert sorted(paths(found)) == sorted([MEMORY, TOKEN, "Priority"])


def test_who_scaled_is_named(shop: Shop, ours: str) -> None:
    scale(shop, ours, 2, Message="submitted using the Nomad CLI")
    found = plan(shop, ours)
    [scaled] = found["scaled"]
    assert found["drift"]["state"] == "none"
    assert (scaled["previous"], scaled["live"], scaled["asked"]) == (1, 2, 1)
    assert (scaled["by"], scaled["kept"], scaled["message"]) == ("nomad job scale", True, "")
    said = shop.toolkit("plan", ours).out
    assert "note      count of group web stays 2 as scaled (the file says 1; " in said
    assert "scaled    group web 1 → 2 by nomad job scale, " in said
    # Not kept, and still named.
    [scaled] = plan(shop, ours, "--reset-count")["scaled"]
    assert (scaled["by"], scaled["kept"]) == ("nomad job scale", False)
    # By the Autoscaler, whose word may hold anything.
    scale(shop, ours, 3, Message="cpu is\nhigh", Meta={"nomad_policy_id": "x"})
    [scaled] = plan(shop, ours)["scaled"]
    assert (scaled["by"], scaled["message"], scaled["previous"]) == (
        "an autoscaler", "cpu is high", 2,
    )  # fmt: skip
    # By us, and a change of somebody else on top.
    scale(shop, ours, 2, Message="toolkit scale")
    change(shop, ours, source=None)
    found = plan(shop, ours)
    assert [group["by"] for group in found["scaled"]] == ["toolkit scale"]
    assert found["drift"]["state"] == "changed"
    assert paths(found["drift"]) == [TOKEN, MEMORY]


def test_a_count_that_was_registered_is_a_change_and_not_a_scaling(shop: Shop, ours: str) -> None:
    job = shop.job(ours)
    job["TaskGroups"][0]["Count"] = 2
    shop.nomad("/v1/jobs", {"Job": job, "Submission": {"Source": "job {}", "Format": "hcl2"}})
    found = plan(shop, ours)
    assert paths(found["drift"]) == ["group[web].Count"]
    assert (found["scaled"], found["drift"]["state"]) == ([], "changed")


def test_a_revert_to_one_of_ours_is_said_and_is_no_change(shop: Shop, ours: str) -> None:
    shop.plain(ours, text(ours, "1.1.0"))
    assert shop.deploy(ours, "--detach").code == 0
    shop.nomad(f"/v1/job/{ours}/revert", {"JobID": ours, "JobVersion": 0})
    found = drift(shop, ours)
    assert (found["state"], found["since"]["version"], found["live"]["version"]) == (
        "reverted", 0, 2,
    )  # fmt: skip
    said = shop.toolkit("plan", ours).out
    assert (
        "is our deploy of 1.0.0 (version 0, " in said
        and "again: Nomad or somebody put it back" in said
    )


def test_a_stopped_job_has_not_drifted(shop: Shop, ours: str) -> None:
    shop.nomad(f"/v1/job/{ours}", method="DELETE")
    found = drift(shop, ours)
    assert (found["state"], found["since"]["version"]) == ("none", 0)


def test_never_ours_and_no_longer_kept(shop: Shop) -> None:
    name = shop.name("drift")
    hcl = text(name)
    parsed = shop.nomad("/v1/jobs/parse", {"JobHCL": hcl})
    shop.nomad("/v1/jobs", {"Job": parsed, "Submission": {"Source": hcl, "Format": "hcl2"}})
    shop.plain(name, hcl)
    found = plan(shop, name)
    assert (found["drift"]["state"], found["drift"]["since"]) == ("never", None)
    assert "drift  " not in shop.toolkit("plan", name).out
    shop.plain(name, text(name, "1.1.0"))
    assert shop.deploy(name, "--detach").code == 0
    # Nomad keeps six, and those with a tag. After as many of somebody else's, ours, without its
    # tag, is gone, and that is said.
    shop.nomad(f"/v1/job/{name}/versions/1.1.0-v1/tag", method="DELETE")
    for _ in range(6):
        change(shop, name)
    found = drift(shop, name)
    assert (found["state"], found["changes"]) == ("unseen", [])
    gone = "Nomad keeps nothing before version 2, and none of the kept ones is ours"
    assert found["detail"] == gone
    assert "drift     cannot tell what others changed since our deploy: " in (
        shop.toolkit("plan", name).out
    )


def test_a_version_that_carries_our_name_is_ours(shop: Shop, ours: str) -> None:
    change(shop, ours)
    tag = {"Version": 1, "Description": "verified"}
    shop.nomad(f"/v1/job/{ours}/versions/1.0.0-v1/tag", tag, "POST")
    found = drift(shop, ours)
    assert (found["state"], found["since"]["version"]) == ("none", 1)
    change(shop, ours)
    found = drift(shop, ours)
    assert (found["since"]["version"], paths(found)) == (1, [MEMORY])


def test_a_version_without_a_source_may_be_ours(shop: Shop) -> None:
    name = shop.name("drift")
    parsed = shop.nomad("/v1/jobs/parse", {"JobHCL": text(name)})
    shop.nomad("/v1/jobs", {"Job": parsed})
    shop.plain(name, text(name))
    found = drift(shop, name)
    assert found["state"] == "unseen"
    assert found["detail"] == "version 0 may be ours too, without a source to tell"


def test_a_change_that_replaces_nothing_is_said_to_be_in_place(shop: Shop, ours: str) -> None:
    shop.until_running(ours, 1)
    before = [each["ID"] for each in shop.running(ours)]
    shop.plain(ours, text(ours, tag="b"))
    said = shop.toolkit("plan", ours)
    assert said.code == 10
    assert f"plan      {ours}: 1.0.0 · 1 updated in place · fits" in said.out
    assert shop.deploy(ours, "--detach").code == 0
    shop.until("the tag is there", lambda: shop.nomad(f"/v1/service/{ours}")[0]["Tags"] == ["b"])
    # What was said came true: the same instance goes on.
    assert [each["ID"] for each in shop.running(ours)] == before
    shop.plain(ours, text(ours, "1.1.0", tag="b"))
    assert f"{ours}: 1.0.0 → 1.1.0 · 1 replaced · fits" in shop.toolkit("plan", ours).out


def test_the_formats_are_one_plan(shop: Shop, ours: str) -> None:
    shop.plain(ours, text(ours, "1.1.0"))
    change(shop, ours)
    comment = shop.toolkit("plan", ours, "--format", "markdown")
    assert comment.code == 10
    head, *_ = comment.out.splitlines()
    assert head == f"### `{ours}` would change: 1.0.0 → 1.1.0"
    assert "+ Meta[release] = 1.1.0" in comment.out.splitlines()
    assert f"+ {MEMORY} = 24" in comment.out.splitlines()
    assert PASSWORD not in comment.out
    as_json = shop.toolkit("plan", ours, "--format", "json")
    same = plan(shop, ours)
    assert {**json.loads(as_json.out), "made_at": 0} == {**same, "made_at": 0}
    assert shop.toolkit("plan", ours, "--format", "text").out.startswith(f"plan      {ours}: ")
    for wrong in (["--format", "html"], ["--json", "--format", "markdown"]):
        assert shop.toolkit("plan", ours, *wrong).code == 2
    nobody = shop.toolkit("plan", "nobody", "--format", "json")
    assert json.loads(nobody.out)["verdict"] == "refused"


def test_a_version_with_its_tag_tells_for_longer_than_nomad_keeps_others(
    shop: Shop, ours: str
) -> None:
    for _ in range(8):
        change(shop, ours)
    found = drift(shop, ours)
    assert (found["state"], found["since"]["version"]) == ("changed", 0)


def test_a_plan_is_cheap_and_history_is_read_only_where_it_tells(shop: Shop, ours: str) -> None:
    def calls() -> int:
        session = shop.session()
        assert make_plan(session, ours).drift is not None
        return session.nomad.counter.calls

    # Parse, job, source, validate, plan.
    assert calls() == 5
    change(shop, ours)
    # Besides: the job's secrets, versions, whose tags tell which is ours, the change since.
    assert calls() == 8
