"""`toolkit dispatch`, and `toolkit run` of a periodic job: a child is made and followed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Shop
from tests.agents.work import allocations, ended, group, states, task, write
from tests.faults.proxy import FaultProxy, Rule

pytestmark = pytest.mark.agents

DISPATCH = "/v1/job/.*/dispatch"
ECHO = 'echo "$NOMAD_META_who $NOMAD_META_why"; cat "$NOMAD_TASK_DIR/in"; sleep 0.3'
PARAMETERS = """parameterized {
    payload       = "PAYLOAD"
    meta_required = ["who"]
    meta_optional = ["why"]
  }"""
FILE = 'dispatch_payload {\n        file = "in"\n      }'
YEARLY = 'periodic {\n    crons = ["0 3 1 1 *"]\n    MORE\n  }'


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "dispatched")
    yield shop
    shop.close()


def parameterized(shop: Shop, script: str = ECHO, payload: str = "optional") -> str:
    """A parameterized job, deployed."""
    name = shop.name("import")
    file = "" if payload == "forbidden" else FILE
    write(
        shop, name, group(task(script, more=file)),
        more=PARAMETERS.replace("PAYLOAD", payload),
    )  # fmt: skip
    return deployed(shop, name)


def deployed(shop: Shop, name: str) -> str:
    """Registered by the command; what it calls that is no matter here."""
    said = shop.deploy(name)
    assert said.code == 0, said.err + said.out
    return name


def periodic(shop: Shop, script: str, more: str = "") -> str:
    """A periodic job, deployed."""
    name = write(shop, shop.name("nightly"), script, more=YEARLY.replace("MORE", more))
    return deployed(shop, name)


@pytest.fixture(scope="module")
def importer(shop: Shop) -> str:
    return parameterized(shop)


def children(shop: Shop, name: str) -> list[str]:
    return [j["ID"] for j in shop.nomad(f"/v1/jobs?prefix={name}/") if j["ParentID"] == name]


def test_every_mistake_at_once_and_nothing_is_dispatched(shop: Shop, importer: str) -> None:
    large = shop.root / "large"
    large.write_bytes(b"x" * (16 * 1024 + 1))
    before = children(shop, importer)
    said = shop.toolkit(
        "dispatch", importer, "--meta", "wo=me", "--meta", "colour=red",
        "--payload", "large", "--json",
    )  # fmt: skip
    assert said.code == 1
    told = {(m["where"], m["key"]): m for m in said.error["mistakes"]}
    assert set(told) == {
        ("--meta", "wo"), ("--meta", "colour"), ("--meta", "who"), ("--payload", None)
    }  # fmt: skip
    assert "who" in told["--meta", "wo"]["hint"]
    assert "requires" in told["--meta", "who"]["message"]
    assert "16385 bytes" in told["--payload", None]["message"]
    assert children(shop, importer) == before


def test_a_key_without_a_value_and_one_twice(shop: Shop, importer: str) -> None:
    said = shop.toolkit(
        "dispatch", importer, "--meta", "who", "--meta", "why=1", "--meta", "why=2", "--json"
    )
    assert said.code == 1
    assert [m["key"] for m in said.error["mistakes"]] == ["who", "why"]


def test_a_payload_that_is_required_or_forbidden(shop: Shop) -> None:
    needs, refuses = (
        parameterized(shop, payload="required"),
        parameterized(shop, "true", payload="forbidden"),
    )
    said = shop.toolkit("dispatch", needs, "--meta", "who=me", "--json")
    assert said.code == 1 and "requires one" in said.error["message"]
    (shop.root / "small").write_text("x")
    said = shop.toolkit("dispatch", refuses, "--meta", "who=me", "--payload", "small", "--json")
    assert said.code == 1 and "takes none" in said.error["message"]
    said = shop.toolkit("dispatch", needs, "--meta", "who=me", "--payload", "no-file", "--json")
    assert said.code == 1 and "no-file" in said.error["message"]


def test_jobs_that_take_no_dispatch(shop: Shop) -> None:
    batch = write(shop, shop.name("plain"), "true")
    assert shop.toolkit("dispatch", batch, "--json").error["hint"] == f"toolkit deploy {batch}"
    assert shop.toolkit("run", batch).code == 0
    said = shop.toolkit("dispatch", batch, "--json")
    assert said.code == 1
    assert "is not parameterized" in said.error["message"]
    assert said.error["hint"] == f"toolkit run {batch}"


def test_run_points_to_dispatch(shop: Shop, importer: str) -> None:
    said = shop.toolkit("run", importer, "--json")
    assert said.code == 1
    assert "is parameterized" in said.error["message"]
    assert said.error["hint"] == f"toolkit dispatch {importer} --meta who=…"


def test_the_task_gets_meta_and_payload(shop: Shop, importer: str) -> None:
    (shop.root / "rows.csv").write_bytes(b"a,b\n\xff,2\n")
    said = shop.toolkit(
        "dispatch", importer, "--meta", "who=me", "--meta", "why=a=b", "--payload", "rows.csv"
    )
    assert (said.code, said.out) == (0, "me a=b\na,b\n\ufffd,2\n"), said.err
    assert f"dispatched {importer}/dispatch-" in said.err


def test_the_child_is_in_the_report(shop: Shop, importer: str) -> None:
    said = shop.toolkit("dispatch", importer, "--meta", "who=me", "--json")
    assert ended(said) == (0, "completed"), said.err
    child = said.report["child"]
    assert said.report["job"] == importer
    assert shop.nomad(f"/v1/job/{child.replace('/', '%2F')}")["Meta"] == {"who": "me"}
    [allocation] = allocations(shop, child)
    assert [i["allocation"] for i in said.report["instances"]] == [allocation["ID"]]


def test_a_child_that_fails(shop: Shop) -> None:
    name = parameterized(shop, "echo no luck >&2; exit 8")
    said = shop.toolkit("dispatch", name, "--meta", "who=me", "--json")
    assert ended(said) == (3, "failed"), said.err
    assert (said.report["exit_code"], states(said)) == (8, [("g", "failed", 8)])
    assert any("no luck" in line for line in said.report["causes"][0]["evidence"])


def test_a_job_that_only_the_cluster_knows(shop: Shop) -> None:
    name = parameterized(shop)
    (shop.root / "jobs" / name / "job.nomad.hcl").unlink()
    (shop.root / "jobs" / name).rmdir()
    said = shop.toolkit("dispatch", name, "--meta", "who=them")
    assert (said.code, said.out.strip()) == (0, "them"), said.err


def test_one_token_is_one_child(shop: Shop, importer: str) -> None:
    before = len(children(shop, importer))
    command = ("dispatch", importer, "--meta", "who=me", "--idempotency-token", "t-1", "--json")
    first, second = shop.toolkit(*command), shop.toolkit(*command)
    assert ended(first) == ended(second) == (0, "completed"), second.err
    assert first.report["child"] == second.report["child"]
    assert "dispatched before" in second.err
    assert len(children(shop, importer)) == before + 1


def test_a_reply_that_is_lost_dispatches_once(shop: Shop, importer: str) -> None:
    before = len(children(shop, importer))
    with FaultProxy(shop.cluster.nomad_address) as proxy:
        proxy.add(Rule("lose", "POST", DISPATCH, times=1))
        there = ("--nomad-addr", proxy.address)
        said = shop.toolkit("dispatch", importer, "--meta", "who=me", *there, "--json")
        assert proxy.count("POST", DISPATCH) == 2
    assert ended(said) == (0, "completed"), said.err
    assert len(children(shop, importer)) == before + 1


def test_detached_and_attached_to_by_the_name_of_the_child_or_of_its_parent(shop: Shop) -> None:
    name = parameterized(shop, "echo begun; sleep 2; echo ended; sleep 0.3")
    left = shop.toolkit("dispatch", name, "--meta", "who=me", "--detach", "--json")
    assert ended(left) == (0, "submitted")
    child = left.report["child"]
    assert left.report["next"] == f"toolkit attach {child}"
    said = shop.toolkit("attach", name, "--json")
    assert ended(said) == (0, "completed"), said.err
    assert said.report["child"] == child
    again = shop.toolkit("attach", child)
    assert (again.code, again.out) == (0, "begun\nended\n"), again.err
    over = shop.toolkit("attach", name, "--json")
    assert over.code == 1 and "nothing" in over.error["message"]


def test_a_child_that_is_stopped_says_how_to_have_another_one(shop: Shop) -> None:
    name = parameterized(shop, "sleep 600", payload="required")
    (shop.root / "small").write_text("x")
    given = ("--meta", "who=me", "--payload", "small")
    left = shop.toolkit("dispatch", name, *given, "--detach", "--json")
    said = shop.toolkit("stop", left.report["child"], "--json")
    assert (said.code, said.report["notes"]) == (
        0, [f"`toolkit dispatch {name} --meta who=… --payload FILE` starts another one"]
    )  # fmt: skip
    again = shop.toolkit("run", left.report["child"], "--json")
    assert again.code == 1 and "is one run of another job" in again.error["message"]
    assert again.error["hint"] == said.report["notes"][0]


# Periodic jobs.


def test_a_launch_is_followed(shop: Shop) -> None:
    name = periodic(shop, "echo launched; sleep 0.3")
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (0, "completed"), said.err
    assert said.report["child"].startswith(f"{name}/periodic-")
    assert "launched\n" in said.err
    [allocation] = allocations(shop, said.report["child"])
    assert said.report["evaluation"] == allocation["EvalID"]


def test_a_launch_that_fails(shop: Shop) -> None:
    name = periodic(shop, "exit 2")
    said = shop.toolkit("run", name, "--json")
    assert ended(said) == (3, "failed"), said.err
    assert said.report["exit_code"] == 2


def test_a_launch_runs_what_is_deployed_so_the_file_must_say_the_same(shop: Shop) -> None:
    name = write(shop, shop.name("nightly"), "true", more=YEARLY.replace("MORE", ""))
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1 and "is not deployed" in said.error["message"]
    assert said.error["hint"] == f"toolkit deploy {name} first"
    deployed(shop, name)
    write(shop, name, "false", more=YEARLY.replace("MORE", ""))
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1 and "differs from what is deployed" in said.error["message"]
    assert f"toolkit plan {name}" in said.error["hint"]
    assert children(shop, name) == []


def test_a_job_that_prohibits_overlap(shop: Shop) -> None:
    name = periodic(shop, "sleep 600", "prohibit_overlap = true")
    left = shop.toolkit("run", name, "--detach", "--json")
    assert ended(left) == (0, "submitted")
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1 and "prohibits overlap" in said.error["message"]
    assert said.error["hint"] == f"toolkit attach {left.report['child']}"
    assert children(shop, name) == [left.report["child"]]
    stopped = shop.toolkit("stop", left.report["child"], "--json")
    assert (stopped.code, stopped.report["notes"]) == (
        0, [f"`toolkit run {name}` launches another one"]
    )  # fmt: skip


def test_a_schedule_that_is_switched_off(shop: Shop) -> None:
    name = periodic(shop, "true", "enabled = false")
    said = shop.toolkit("run", name, "--json")
    assert said.code == 1 and "switched off" in said.error["message"]
