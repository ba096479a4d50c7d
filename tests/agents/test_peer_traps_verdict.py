"""What other deployers called a success, or never ended: here it has its own word and exit code.

The rollouts run at the same time, since almost all of each is waiting; every test looks at one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.plain import NOWHERE, plain
from tests.agents.shop import Said, Shop
from tests.faults.proxy import FaultProxy, Rule

pytestmark = pytest.mark.agents

CRASH = "echo no luck today >&2; exit 3"
AT_ONCE = 'update {\n  max_parallel     = 0\n  min_healthy_time = "4s"\n}\n'
DUMB = """
        if MODE == "dumb" and path == [b"/"]:
            return
"""
"""What makes the service say nothing at all when it is asked what it is."""
LATE = 3.0
"""Seconds for which Nomad's revert stays hidden: longer than the second that others give it."""


@dataclass
class Ends:
    """How each of them ended."""

    shop: Shop
    names: dict[str, str] = field(default_factory=dict)
    said: dict[str, Said] = field(default_factory=dict)
    hidden: dict[str, int] = field(default_factory=dict)
    """How often something was kept from the command."""

    def ended(self, word: str) -> tuple[int, str]:
        said = self.said[word]
        return said.code, said.report["verdict"]

    def cause(self, word: str) -> dict[str, Any]:
        causes = self.said[word].report["causes"]
        assert causes, self.said[word].out
        first: dict[str, Any] = causes[0]
        return first


class Scenes:
    """The scenarios; each is given a job name and returns what the command said."""

    def __init__(self, shop: Shop, ends: Ends, stack: ExitStack) -> None:
        self.shop, self.ends, self.stack = shop, ends, stack

    def through(self, *rules: Rule) -> tuple[str, str]:
        """Options that lead through a proxy with these rules."""
        proxy = self.stack.enter_context(FaultProxy(self.shop.cluster.nomad_address))
        proxy.add(*rules)
        return "--nomad-addr", proxy.address

    def deploy(self, name: str, text: str, *more: str) -> Said:
        return self.shop.deploy(self.shop.plain(name, text), *more)

    def late(self, name: str) -> Said:
        """Nomad's revert has a deployment, and for seconds nobody tells us."""
        began: list[float] = []

        def without_revert(body: bytes) -> bytes:
            found = json.loads(body)
            shown = [each for each in found if each["JobVersion"] < 2]
            if len(shown) == len(found):
                return body
            began.append(time.monotonic())
            if began[-1] - began[0] > LATE:
                return body
            self.ends.hidden["late"] = self.ends.hidden.get("late", 0) + 1
            return json.dumps(shown).encode()

        there = self.through(Rule("rewrite", path="/deployments", rewrite=without_revert))
        return self.shop.deploy(name, "--release", "2", "--var", "environment.MODE=crash", *there)

    def evaluation(self, name: str, word: str, kind: str) -> Said:
        """The evaluation ended badly, and nothing was placed or said to be in the way."""

        def ended(body: bytes) -> bytes:
            found = json.loads(body)
            if isinstance(found, list):
                return json.dumps([bad(each) for each in found]).encode()
            return json.dumps(bad(found)).encode()

        def bad(evaluation: dict[str, Any]) -> dict[str, Any]:
            if evaluation["JobID"] == name:
                evaluation["Status"] = word
                evaluation["StatusDescription"] = "evaluation reached delivery limit (3)"
            return evaluation

        nothing = Rule(
            "garbage", method="GET", path=f"/v1/job/{name}/(allocations|deploy)", text="[]"
        )
        there = self.through(Rule("rewrite", path="/evaluation", rewrite=ended), nothing)
        return self.deploy(name, plain(name, kind=kind), "--timeout", "6s", *there)

    def paused(self, name: str) -> Said:
        """Somebody paused the rollout before we came."""
        assert self.shop.deploy(name, "--release", "1.1.0", "--no-promote").code == 9
        ours = self.shop.deployments(name)[-1]["ID"]
        body = {"DeploymentID": ours, "Pause": True}
        self.shop.nomad(f"/v1/deployment/pause/{ours}", body)
        return self.shop.toolkit("attach", name, "--json")

    def system(self, name: str) -> Said:
        """A system job at a good version; the next one fails its deployment."""
        update = 'update {\n  min_healthy_time = "300ms"\n  auto_revert = false\n}\n'
        good = self.deploy(name, plain(name, kind="system", update=update))
        assert (good.code, good.report["verdict"]) == (0, "deployed"), good.err
        again = plain(name, CRASH, kind="system", update=update, release="2.0.0")
        return self.deploy(name, again)


def made(scenes: Scenes, names: Mapping[str, str]) -> dict[str, Callable[[], Said]]:
    """What to do, by name."""
    deploy = scenes.deploy
    n = names.__getitem__
    return {
        "late": lambda: scenes.late(n("late")),
        "paused": lambda: scenes.paused(n("paused")),
        "failed": lambda: scenes.evaluation(n("failed"), "failed", "service"),
        "canceled": lambda: scenes.evaluation(n("canceled"), "canceled", "batch"),
        "batch": lambda: deploy(n("batch"), plain(n("batch"), kind="batch", more=NOWHERE)),
        "batch waits": lambda: deploy(
            n("batch waits"), plain(n("batch waits"), kind="batch", more=NOWHERE),
            "--wait-capacity", "2s",
        ),
        "system": lambda: deploy(n("system"), plain(n("system"), kind="system", more=NOWHERE)),
        "system waits": lambda: deploy(
            n("system waits"), plain(n("system waits"), kind="system", more=NOWHERE),
            "--wait-capacity", "2s", "--timeout", "20s",
        ),
        "system fails": lambda: scenes.system(n("system fails")),
        "no deployment": lambda: deploy(
            n("no deployment"), plain(n("no deployment"), CRASH, update=AT_ONCE)
        ),
        "dies young": lambda: deploy(
            n("dies young"), plain(n("dies young"), f"sleep 2; {CRASH}", update=AT_ONCE)
        ),
        "work fails": lambda: deploy(n("work fails"), plain(n("work fails"), CRASH, kind="batch")),
        "dumb": lambda: scenes.shop.deploy(n("dumb")),
    }  # fmt: skip


@pytest.fixture(scope="module")
def ends(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ends]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "verdicts")
    ends = Ends(shop)
    text = shop.app.read_text()
    shop.app.write_text(text.replace("        sick = ", f"{DUMB}        sick = "))
    with ExitStack() as stack:
        stack.callback(shop.close)
        scenes = Scenes(shop, ends, stack)
        for word in made(scenes, {}):
            ends.names[word] = shop.name(word.replace(" ", "-"))
        shop.all_deployed({"name": ends.names[word]} for word in ("late", "paused"))
        shop.write(ends.names["dumb"], change={'"fine"': '"dumb"'})
        ends.said = shop.at_once(made(scenes, ends.names))
        yield ends


def test_a_revert_that_appears_late_is_followed(ends: Ends) -> None:
    name = ends.names["late"]
    assert ends.hidden["late"] > 0
    assert ends.ended("late") == (8, "reverted"), ends.said["late"].err
    assert ends.said["late"].report["serving"] == "1.0.0"
    assert ends.cause("late")["kind"] == "crash"
    assert ends.shop.serves(name) == ["1.0.0"]
    assert ends.shop.release(name) == "1.0.0"


def test_a_paused_rollout_is_held_and_nothing_is_promoted(ends: Ends) -> None:
    assert ends.ended("paused") == (9, "held"), ends.said["paused"].err
    assert "paused" in ends.said["paused"].report["sentence"]
    latest = ends.shop.deployments(ends.names["paused"])[-1]
    assert latest["Status"] == "paused"
    assert not any(group["Promoted"] for group in latest["TaskGroups"].values())


@pytest.mark.parametrize("word", ["failed", "canceled"])
def test_an_evaluation_that_ends_badly_without_a_reason_is_no_success(
    ends: Ends, word: str
) -> None:
    said = ends.said[word]
    assert ends.ended(word) in {(3, "failed"), (5, "unknown")}, said.out
    assert said.report["serving"] is None


@pytest.mark.parametrize("word", ["batch", "batch waits", "system", "system waits"])
def test_an_evaluation_without_allocations_is_never_done(ends: Ends, word: str) -> None:
    assert ends.ended(word) == (4, "unplaced"), ends.said[word].err
    cause = ends.cause(word)
    assert cause["kind"] == "unplaced"
    assert "${node.class} = made-of-cheese" in cause["summary"]
    assert cause["group"] == "app"
    registered = ends.shop.nomad(f"/v1/job/{ends.names[word]}") is not None
    assert registered == ("waits" in word)


def test_a_system_job_whose_deployment_fails_is_no_success(ends: Ends) -> None:
    name = ends.names["system fails"]
    assert ends.ended("system fails") == (3, "failed"), ends.said["system fails"].err
    assert [d["Status"] for d in ends.shop.deployments(name)] == ["successful", "failed"]
    cause = ends.cause("system fails")
    assert (cause["kind"], cause["task"]) == ("crash", "app")
    assert "exited 3" in cause["summary"]
    assert ends.said["system fails"].report["serving"] is None


@pytest.mark.parametrize("word", ["no deployment", "dies young", "work fails"])
def test_what_crashes_without_a_deployment_has_failed(ends: Ends, word: str) -> None:
    assert ends.shop.deployments(ends.names[word]) == []
    assert ends.ended(word) == (3, "failed"), ends.said[word].err
    cause = ends.cause(word)
    assert cause["kind"] == "crash"
    assert "exited 3" in cause["summary"]
    assert "stderr: no luck today" in cause["evidence"]


def test_a_release_that_cannot_be_read_is_not_taken_for_the_right_one(ends: Ends) -> None:
    """Nomad and Consul are content; the instance says nothing when asked what it is."""
    said = ends.said["dumb"]
    assert len(ends.shop.passing(ends.names["dumb"])) == 1
    assert ends.ended("dumb") in {(5, "unknown"), (6, "unverified")}, said.out
    assert said.link("release")["state"] in {"broken", "unseen"}
    assert said.report["serving"] is None


def test_an_unchanged_deploy_is_a_success(ends: Ends) -> None:
    name = ends.names["late"]
    before = ends.shop.job(name)["JobModifyIndex"]
    said = ends.shop.deploy(name)
    assert (said.code, said.report["verdict"]) == (0, "unchanged"), said.err
    assert said.report["serving"] == "1.0.0"
    assert ends.shop.job(name)["JobModifyIndex"] == before
