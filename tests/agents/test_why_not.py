"""`toolkit why-not` as a user types it, on real agents and behind a proxy that hides things."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.docs.schemas import check
from tests.faults.proxy import FaultProxy, Rule

pytestmark = pytest.mark.agents

PLAIN = """
job "NAME" {
  group "web" {
    count = 2
    CONSTRAINT
    task "app" {
      driver = "mock_driver"
      config { run_for = "6h" }
      resources {
        cpu    = 10
        memory = MEMORY
      }
    }
  }
}
"""
DENIED = "Permission denied"


@pytest.fixture
def shop(cluster: LocalCluster, tmp_path: Path) -> Iterator[Shop]:
    made = Shop(cluster, tmp_path / "shop")
    yield made
    made.close()


def plain(shop: Shop, *, memory: int = 10, constraint: str = "") -> str:
    """A plain job file."""
    name = shop.name("plain")
    hcl = PLAIN.replace("NAME", name).replace("MEMORY", str(memory))
    return shop.plain(name, hcl.replace("CONSTRAINT", constraint))


def asked(shop: Shop, name: str, *more: str) -> Said:
    """The command's JSON, held against its schema."""
    said = shop.toolkit("why-not", name, "--json", *more)
    check(said.report)
    return said


def test_a_job_that_fits(shop: Shop) -> None:
    said = asked(shop, plain(shop))
    [group] = said.report["groups"]
    assert (said.code, said.report["fits"]) == (0, True)
    assert (group["wanted"], group["placed"], group["possible"]) == (2, 2, 1)
    assert said.report["dry_run"] == {"unplaced": {}, "error": None}
    assert said.report["source"].startswith("job file ")


def test_a_job_that_does_not_fit(shop: Shop) -> None:
    constraint = 'constraint {\nattribute = "${attr.kernel.name}"\nvalue = "plan9"\n}'
    name = plain(shop, memory=9_000_000, constraint=constraint)
    said = asked(shop, name)
    [node] = said.report["groups"][0]["nodes"]
    assert (said.code, said.report["fits"]) == (4, False)
    # Nomad stops at the constraint; both are named here.
    assert node["lacks"][0] == "attr.kernel.name is linux, not plan9"
    assert node["lacks"][1].startswith("lacks ")
    assert node["lacks"][1].endswith(" MiB of memory")
    text = shop.toolkit("why-not", name)
    assert text.code == 4
    assert text.out.splitlines()[0].startswith(f"{name} does not fit: nearest: {node['name']} ")


def test_a_job_of_the_project_with_its_options(shop: Shop) -> None:
    name = shop.write(count=1, change={"memory = 32": "memory = 64"})
    assert asked(shop, name, "--release", "7.0.0").code == 0
    name = shop.write(count=1, change={"memory = 32": "memory = 90000000"})
    said = asked(shop, name)
    assert (said.code, said.report["fits"]) == (4, False)
    labels = {demand["label"]: demand for demand in said.report["groups"][0]["demands"]}
    assert labels["memory"]["unmet"] == 1
    assert any(each["implied"] for each in labels.values())


def test_a_registered_job_is_taken_on_purpose_or_for_want_of_a_file(shop: Shop) -> None:
    name = plain(shop)
    assert shop.toolkit("why-not", name, "--live").code == 1
    assert shop.deploy(name, "--detach").code == 0
    shop.until_running(name, 2)
    # What the file says now does not fit; what is registered runs.
    hcl = PLAIN.replace("NAME", name).replace("CONSTRAINT", "").replace("MEMORY", "9000000")
    shop.plain(name, hcl)
    assert asked(shop, name).code == 4
    live = asked(shop, name, "--live")
    [group] = live.report["groups"]
    assert (live.code, group["wanted"], group["stays"]) == (0, 0, 2)
    assert live.report["source"] == "registered, version 0"
    (shop.root / "jobs" / name / "job.nomad.hcl").unlink()
    (shop.root / "jobs" / name).rmdir()
    assert asked(shop, name).report["source"] == "registered, version 0"


def test_a_name_that_nobody_knows(shop: Shop) -> None:
    said = shop.toolkit("why-not", "nowhere", "--json")
    assert (said.code, said.report["schema"]) == (1, "toolkit.error/1")


@pytest.fixture
def proxy(shop: Shop) -> Iterator[FaultProxy]:
    """In front of Nomad."""
    with FaultProxy(shop.cluster.nomad_address) as between:
        yield between


def hidden(shop: Shop, proxy: FaultProxy, name: str) -> Said:
    """The command through the proxy, without the project's own address."""
    environment = {**shop.environ(), "NOMAD_ADDR": proxy.address}
    return shop.toolkit(
        "why-not", name, "--live", "--json", environ=environment, folder=shop.root.parent
    )


@pytest.fixture
def live(shop: Shop) -> str:
    """A registered job whose instances run."""
    name = plain(shop)
    assert shop.deploy(name, "--detach").code == 0
    shop.until_running(name, 2)
    return name


def test_what_a_token_may_not_see_is_never_a_fit(shop: Shop, proxy: FaultProxy, live: str) -> None:
    proxy.add(Rule("status", path=r"/v1/acl/token/self", status=403, text=DENIED))
    said = hidden(shop, proxy, live)
    [group] = said.report["groups"]
    assert any("namespaces" in note for note in said.report["notes"])
    # Nomad's own dry run still knows; no cell does.
    assert (said.code, group["nodes"][0]["mark"]) == (0, "unknown")
    proxy.add(Rule("status", "POST", r"/v1/job/.*/plan", status=403, text=DENIED))
    proxy.add(Rule("status", path=r"/v1/allocations", status=403, text=DENIED))
    said = hidden(shop, proxy, live)
    assert (said.code, said.report["fits"]) == (5, None)
    assert "dry run gave no answer" in " ".join(said.report["notes"])
    check(said.report)


def test_nodes_that_may_not_be_read_are_an_error(shop: Shop, proxy: FaultProxy, live: str) -> None:
    proxy.add(Rule("status", path=r"/v1/nodes", status=403, text=DENIED))
    said = hidden(shop, proxy, live)
    assert (said.code, said.report["error"]["kind"]) == (1, "DeniedError")


def test_attributes_that_cannot_be_read_are_a_question_mark(shop: Shop, proxy: FaultProxy) -> None:
    constraint = 'constraint {\nattribute = "${attr.kernel.name}"\nvalue = "linux"\n}'
    name = plain(shop, constraint=constraint)
    assert shop.deploy(name, "--detach").code == 0
    shop.until_running(name, 2)
    # A stopped job is looked at as if it were started.
    shop.nomad(f"/v1/job/{name}", method="DELETE")
    shop.until_running(name, 0)
    proxy.add(
        Rule("status", path=r"/v1/node/", status=403, text=DENIED),
        Rule("status", "POST", r"/v1/job/.*/plan", status=403, text=DENIED),
    )
    said = hidden(shop, proxy, name)
    [node] = said.report["groups"][0]["nodes"]
    assert said.code == 5
    assert "attributes could not be read" in node["unclear"][0]
