"""Rollouts through a network, and a Nomad, that fail at the worst moment: late, never wrong.

The bumps run at the same time, each through a proxy of its own in front of the real agents;
every test looks at one of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Hook, Said, Shop
from tests.faults.proxy import FaultProxy, Rule
from tests.faults.shell import unaddressed

pytestmark = pytest.mark.agents

REGISTER = r"/v1/jobs(\?|$)"
PROMOTE = "/v1/deployment/promote/"
FOLLOWED = r"/v1/job/[^/]+/(allocations|deployments)"
NO_LEADER = "No cluster leader"


@dataclass
class Bump:
    """A service at 1.0.0 that is bumped to 1.1.0 through two proxies."""

    shop: Shop
    name: str
    nomad: FaultProxy
    consul: FaultProxy
    said: Said | None = None

    def deploy(self, *more: str, on: Mapping[str, Hook] | None = None) -> Said:
        there = ("--nomad-addr", self.nomad.address, "--consul-addr", self.consul.address)
        return self.shop.deploy(self.name, "--release", "1.1.0", *there, *more, on=on)

    @property
    def end(self) -> Said:
        assert self.said is not None
        return self.said

    def registrations(self) -> int:
        return self.nomad.count("POST", REGISTER)

    def deployment(self) -> dict[str, Any]:
        """The newest one."""
        return self.shop.deployments(self.name)[-1]

    def assert_deployed(self) -> None:
        """1.1.0 serves, by the report and by all that can be asked."""
        assert (self.end.code, self.end.report["verdict"]) == (0, "deployed"), self.end.err
        assert self.end.report["serving"] == "1.1.0"
        assert self.registrations() == 1
        assert self.shop.release(self.name) == "1.1.0"
        assert self.shop.serves(self.name) == ["1.1.0"]
        assert self.deployment()["Status"] == "successful"

    def assert_old_serves(self) -> None:
        """1.0.0 is registered and serves, alone."""
        assert self.shop.release(self.name) == "1.0.0"
        assert self.shop.serves(self.name) == ["1.0.0"]


Scenario = Callable[[Bump], Said]


def during_the_watch(*rules: Rule) -> Scenario:
    """A bump to which these faults happen as soon as its job is registered."""
    return lambda bump: bump.deploy(on={"submit ": lambda: bump.nomad.add(*rules)})


def at_once(*rules: Rule) -> Scenario:
    """A bump to which these faults happen from the start."""

    def run(bump: Bump) -> Said:
        bump.nomad.add(*rules)
        return bump.deploy()

    return run


def gone_after_the_commit(bump: Bump) -> Said:
    bump.nomad.add(Rule("lose", "POST", REGISTER, before=lambda: bump.nomad.add(Rule("drop"))))
    return bump.deploy()


def replaced_after_the_commit(bump: Bump) -> Said:
    """Our reply is lost, and before we look somebody registers the next version."""

    def register() -> None:
        job = bump.shop.job(bump.name)
        job["Meta"]["release"] = "3.0.0"
        bump.shop.nomad("/v1/jobs", {"Job": job})

    look = Rule("pass", method="GET", path=rf"/v1/job/{bump.name}(\?|$)", times=1, before=register)
    bump.nomad.add(Rule("lose", "POST", REGISTER, times=1, before=lambda: bump.nomad.add(look)))
    return bump.deploy()


def registered_meanwhile(bump: Bump) -> Said:
    """Somebody registers while our request is on its way."""

    def register() -> None:
        job = bump.shop.job(bump.name)
        job["Meta"]["owner"] = "somebody"
        bump.shop.nomad("/v1/jobs", {"Job": job})

    bump.nomad.add(Rule("pass", "POST", REGISTER, times=1, before=register))
    return bump.deploy()


def silent_after_the_reply(bump: Bump, *, times: int | None) -> Said:
    silence = Rule("status", method="GET", status=500, text=NO_LEADER, times=times)
    bump.nomad.add(Rule("pass", "POST", REGISTER, before=lambda: bump.nomad.add(silence)))
    return bump.deploy()


def crashing(bump: Bump) -> Said:
    """The bump fails, and while its end is proven nobody can read the job."""
    unread = Rule(
        "status", method="GET", path=rf"/v1/job/{bump.name}(\?|$)", text=NO_LEADER, times=6
    )
    return bump.deploy(
        "--var", "environment.MODE=crash", on={"revert ": lambda: bump.nomad.add(unread)}
    )


def without_consul_for_a_while(bump: Bump) -> Said:
    """Consul fails once the canary is healthy, and answers again a moment later."""
    bump.consul.add(Rule("pass", path=rf"/v1/health/service/{bump.name}", times=3))
    bump.consul.add(
        Rule("status", status=500, text=NO_LEADER, path="/v1/health/service/", times=12)
    )
    return bump.deploy()


SCENARIOS: dict[str, Scenario] = {
    "lost": at_once(Rule("lose", "POST", REGISTER)),
    "cut": at_once(Rule("cut", "POST", REGISTER)),
    "gone": gone_after_the_commit,
    "never": at_once(Rule("drop", "POST", REGISTER)),
    "refused": at_once(Rule("status", "POST", REGISTER, text=NO_LEADER)),
    "limited": at_once(Rule("status", "POST", REGISTER, status=429, text="slow down")),
    "meanwhile": registered_meanwhile,
    "replaced": replaced_after_the_commit,
    "silent": lambda bump: silent_after_the_reply(bump, times=6),
    "silent for good": lambda bump: silent_after_the_reply(bump, times=None),
    "index": during_the_watch(Rule("index", path=FOLLOWED, times=8, index=1)),
    "429": during_the_watch(Rule("status", path=FOLLOWED, times=12, status=429, text="slow")),
    "leader": during_the_watch(Rule("status", path=FOLLOWED, times=12, text=NO_LEADER)),
    "bodies": during_the_watch(
        Rule("cut", path=FOLLOWED, times=4),
        Rule("garbage", path=FOLLOWED, times=3, text="<html>"),
        Rule("garbage", path=FOLLOWED, times=3, text='{"ID": "x"}'),
        Rule("garbage", path=FOLLOWED, times=3, text="[1, 2]"),
        Rule("drop", path=FOLLOWED, times=6),
    ),
    "forbidden": at_once(Rule("status", "POST", PROMOTE, status=403, text="Permission denied")),
    "promote": at_once(Rule("status", "POST", PROMOTE, times=3, text=NO_LEADER)),
    "promote lost": at_once(Rule("lose", "POST", PROMOTE, times=1)),
    "crash": crashing,
    "consul": without_consul_for_a_while,
}


@pytest.fixture(scope="module")
def bumps(
    cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Bump]]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "network")
    made: dict[str, Bump] = {}
    try:
        names = {word: shop.name("net") for word in SCENARIOS}
        shop.all_deployed({"name": name} for name in names.values())
        for word, name in names.items():
            nomad, consul = FaultProxy(cluster.nomad_address), FaultProxy(cluster.consul_address)
            made[word] = Bump(shop, name, nomad.__enter__(), consul.__enter__())
        ends = shop.at_once({
            word: lambda word=word: SCENARIOS[word](made[word])  # type: ignore[misc]
            for word in SCENARIOS
        })  # fmt: skip
        for word, said in ends.items():
            made[word].said = said
            assert "Traceback" not in said.err
            assert "a bug in toolkit" not in said.out, said.out
        yield made
    finally:
        for bump in made.values():
            bump.nomad.__exit__()
            bump.consul.__exit__()
        shop.close()


# Registering.


@pytest.mark.parametrize("word", ["lost", "cut"])
def test_a_reply_that_is_lost_after_the_commit_is_found_by_reading(
    bumps: dict[str, Bump], word: str
) -> None:
    bump = bumps[word]
    bump.assert_deployed()
    assert any("the reply was lost; found by reading" in text for text in bump.end.told("submit"))


def test_a_reply_that_is_lost_and_nomad_gone_is_unknown(bumps: dict[str, Bump]) -> None:
    bump = bumps["gone"]
    assert (bump.end.code, bump.end.error["code"]) == (5, 5)
    assert "it may or may not be registered" in bump.end.error["message"]
    hint = unaddressed(bump.end.error["hint"])
    assert hint == f"when Nomad answers again: toolkit attach {bump.name}"
    assert bump.registrations() == 1
    # It was: and the command of the hint finds out and brings it to its end.
    assert bump.shop.release(bump.name) == "1.1.0"
    attached = bump.shop.toolkit("attach", bump.name, "--json")
    assert (attached.code, attached.report["verdict"]) == (0, "deployed"), attached.err
    assert bump.shop.serves(bump.name) == ["1.1.0"]


def test_a_request_that_never_arrived_is_refused(bumps: dict[str, Bump]) -> None:
    bump = bumps["never"]
    assert (bump.end.code, bump.end.error["code"]) == (1, 1)
    assert "nothing was registered" in bump.end.error["message"]
    assert bump.end.error["hint"] == "run the same command again"
    assert bump.registrations() == 1
    bump.assert_old_serves()


@pytest.mark.parametrize("word", ["refused", "limited"])
def test_a_registration_that_is_turned_away_is_not_sent_twice(
    bumps: dict[str, Bump], word: str
) -> None:
    bump = bumps[word]
    assert (bump.end.code, bump.end.error["code"]) == (1, 1)
    assert bump.end.error["hint"]
    assert bump.registrations() == 1
    bump.assert_old_serves()


def test_somebody_registers_while_our_request_is_on_its_way(bumps: dict[str, Bump]) -> None:
    bump = bumps["meanwhile"]
    assert (bump.end.code, bump.end.error["code"]) == (1, 1)
    assert "registered by somebody else between plan and submit" in bump.end.error["message"]
    assert "nothing was changed" in bump.end.error["hint"]
    assert bump.registrations() == 1
    assert bump.shop.job(bump.name)["Meta"] == {"release": "1.0.0", "owner": "somebody"}


def test_a_lost_reply_and_a_newer_version_is_superseded(bumps: dict[str, Bump]) -> None:
    bump = bumps["replaced"]
    assert (bump.end.code, bump.end.report["verdict"]) == (7, "superseded"), bump.end.out
    assert bump.end.report["version"] == 1
    assert bump.registrations() == 1
    assert bump.shop.release(bump.name) == "3.0.0"


def test_nomad_is_silent_for_a_moment_after_it_registered(bumps: dict[str, Bump]) -> None:
    bumps["silent"].assert_deployed()


def test_nomad_is_silent_for_good_after_it_registered(bumps: dict[str, Bump]) -> None:
    bump = bumps["silent for good"]
    assert (bump.end.code, bump.end.error["code"]) == (5, 5)
    assert f"{bump.name} was registered" in bump.end.error["message"]
    hint = unaddressed(bump.end.error["hint"])
    assert hint == f"when Nomad answers again: toolkit attach {bump.name}"
    assert bump.shop.release(bump.name) == "1.1.0"


# Watching.


def test_an_index_that_goes_backwards(bumps: dict[str, Bump]) -> None:
    bumps["index"].assert_deployed()


@pytest.mark.parametrize("word", ["429", "leader"])
def test_a_nomad_that_does_not_answer_for_some_seconds(bumps: dict[str, Bump], word: str) -> None:
    bump = bumps[word]
    bump.assert_deployed()
    lost, back = bump.end.told("hold")
    assert lost.startswith("Nomad is lost: ")
    assert back == "Nomad answers again"


def test_cut_bodies_and_garbage(bumps: dict[str, Bump]) -> None:
    bump = bumps["bodies"]
    bump.assert_deployed()
    assert bump.end.told("hold")[-1] == "Nomad answers again"


# The gate.


def test_a_promotion_that_is_forbidden_is_left_to_somebody_who_may(bumps: dict[str, Bump]) -> None:
    bump = bumps["forbidden"]
    assert (bump.end.code, bump.end.report["verdict"]) == (9, "held"), bump.end.err
    assert "the token may not promote them" in bump.end.report["sentence"]
    assert unaddressed(bump.end.report["next"]) == f"toolkit promote {bump.name}"
    assert bump.nomad.count("POST", PROMOTE) == 1
    assert bump.deployment()["Status"] == "running"
    assert sorted(bump.shop.serves(bump.name)) == ["1.0.0", "1.1.0"]
    promoted = bump.shop.toolkit("promote", bump.name)
    assert promoted.code == 0, promoted.err
    assert bump.shop.serves(bump.name) == ["1.1.0"]


def test_a_promotion_that_has_to_be_asked_for_again(bumps: dict[str, Bump]) -> None:
    bump = bumps["promote"]
    bump.assert_deployed()
    assert bump.nomad.count("POST", PROMOTE) == 4
    told = [text for text in bump.end.told("gate") if NO_LEADER in text]
    assert len(told) == 1


def test_a_promotion_whose_reply_is_lost(bumps: dict[str, Bump]) -> None:
    bumps["promote lost"].assert_deployed()


def test_a_consul_that_fails_at_the_gate_is_waited_for(bumps: dict[str, Bump]) -> None:
    bump = bumps["consul"]
    bump.assert_deployed()
    stages = bump.end.stages()
    assert "hold" in stages[: stages.index("old")] if "old" in stages else "hold" in stages
    assert bump.nomad.count("POST", PROMOTE) == 1


# Proving.


def test_a_proof_that_cannot_be_read_at_once(bumps: dict[str, Bump]) -> None:
    bump = bumps["crash"]
    assert (bump.end.code, bump.end.report["verdict"]) == (8, "reverted"), bump.end.out
    bump.assert_old_serves()


def test_the_state_of_the_project_is_as_before(bumps: dict[str, Bump]) -> None:
    """Faults leave nothing behind beside the job files."""
    root: Path = bumps["lost"].shop.root
    left = {path.name for path in root.iterdir()}
    assert left <= {"toolkit.toml", "jobs", ".toolkit", "app.py"}
