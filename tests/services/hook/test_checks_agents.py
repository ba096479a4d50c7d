"""Checks of pushed commits by a real Nomad: what is said before a ref moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hook.children.children import Children
from hook.children.errand import Result, Work
from hook.children.files import gather
from hook.children.zygote import PRELOAD
from hook.gate.checking import Check, Checked, checked
from hook.gate.checks import CALL

from tests.agents.cluster import LocalCluster
from tests.agents.stacks import Stack
from tests.services.hook.gate_rig import config
from toolkit.config.tree import FolderTree
from toolkit.spec.hook import HookConfig, PushLimits
from toolkit.spec.target import Endpoint, Secret

pytestmark = pytest.mark.agents

ROOT = Path(__file__).parents[3]
MODULES = "tests.services.hook.child_checks"


class Yard:
    """A project beside the cluster, checked as a push of it would be."""

    def __init__(self, cluster: LocalCluster, root: Path, children: Children):
        self.shop = Stack(cluster, root)
        self.children = children
        known = config(cluster.nomad_address)
        consul = Endpoint("Consul", cluster.consul_address, "hook.toml")
        self.config: HookConfig = replace(known, target=replace(known.target, consul=consul))

    def run(self, *, call: str = CALL, memory: int = 128 << 20) -> Result:
        tree = gather(FolderTree(self.shop.root, label="c" * 40), PushLimits())
        work = Work(call, Check(self.config), Secret(""), tree)
        return self.children.run(work, memory=memory, seconds=60.0)

    def well(self) -> Checked:
        result = self.run()
        assert result.end == "done", result
        return checked(result.value)


@pytest.fixture(scope="module")
def children() -> Iterator[Children]:
    running = Children(modules=[*PRELOAD, MODULES], path=[str(ROOT)])
    yield running
    running.close()


@pytest.fixture
def yard(cluster: LocalCluster, tmp_path: Path, children: Children) -> Iterator[Yard]:
    made = Yard(cluster, tmp_path / "shop", children)
    yield made
    made.shop.close()


def test_what_nomad_refuses_is_said_of_every_job_by_template_and_line(yard: Yard) -> None:
    shop = yard.shop
    first, second, good = shop.names("first", "second", "good")
    for name in (first, second):
        shop.service(name)
        (shop.root / f"jobs/{name}/job.nomad.hcl.j2").write_text('job "x" {\n  colour = 1\n}\n')
    shop.service(good)
    shop.stack(first, second, good)
    result = yard.run()
    assert (result.end, result.error) == ("refused", "RefusedError")
    for name in (first, second):
        assert f"jobs/{name}/job.nomad.hcl.j2:2" in result.message
    assert "colour" in result.message
    assert shop.nomad(f"/v1/job/{good}") is None


def test_what_has_no_room_is_refused_before_anything_is_registered(yard: Yard) -> None:
    shop = yard.shop
    fits, big = shop.names("fits", "big")
    shop.service(fits)
    shop.service(big, change={"memory = 32": "memory = 9999999"})
    shop.stack(fits, big)
    result = yard.run()
    assert result.end == "refused"
    assert f"{big}" in result.message and "memory" in result.message
    assert shop.nomad(f"/v1/job/{fits}") is None


ELSEWHERE = """job "NAME" {
  group "app" {
    network {
      port "http" {}
    }
    service {
      name    = "NAME"
      port    = "http"
      address = "169.254.169.254"
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["900"]
      }
    }
  }
}
"""


def test_a_service_that_would_have_the_server_ask_elsewhere_is_refused(yard: Yard) -> None:
    """Instances are asked for their release at the address that Consul has of them."""
    shop = yard.shop
    (name,) = shop.names("elsewhere")
    shop.service(name)
    (shop.root / f"jobs/{name}/job.nomad.hcl.j2").write_text(ELSEWHERE.replace("NAME", name))
    shop.stack(name)
    result = yard.run()
    assert result.end == "refused", result
    said_once = " ".join(result.message.split())  # on lines as long as a screen's
    assert f"service {name} says that it is at 169.254.169.254" in said_once
    # Somebody's own deploy asks whom its job names, as before.
    said = shop.toolkit("plan", name)
    assert "says that it is at" not in said.out + said.err


def test_a_whole_stack_in_one_sentence(yard: Yard) -> None:
    """Four jobs, one of them work; then one of them in another release, and nothing else."""
    shop = yard.shop
    names = shop.names("a", "b", "c", "work")
    a, b, c, work = names
    for name in (a, b, c):
        shop.service(name, count=2)
    shop.work(work)
    shop.stack(*names)
    first = yard.well()
    assert first.sentence == (
        f"{a} 1.0.0 (2 placed), {b} 1.0.0 (2 placed), {c} 1.0.0 (2 placed), {work} 1 (1 placed)"
    )
    assert first.jobs == tuple(names)
    assert yard.well().digest == first.digest and first.digest.startswith("sha256:")
    said = shop.deploy(a, "--detach")
    assert said.code == 0, said.out
    shop.service(a, count=2, release="1.1.0")
    later = yard.well()
    assert later.sentence.startswith(f"{a} 1.0.0 → 1.1.0 (2 canaries")
    assert later.digest != first.digest
    shop.service(a, count=2)
    assert f"{a} unchanged, {b} 1.0.0 (2 placed)" in yard.well().sentence


def test_a_check_finds_everything_imported_and_fits_into_little_memory(yard: Yard) -> None:
    shop = yard.shop
    names = shop.names("a", "b", "c", "work")
    for name in names[:3]:
        shop.service(name)
    shop.work(names[3])
    shop.stack(*names)
    result = yard.run(call=f"{MODULES}:modules")
    assert result.value["imported"] == []
    assert "(1 placed)" in result.value["sentence"]
