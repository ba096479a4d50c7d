"""Bumps through two networks that fail at random: whatever the verdict is, it is true.

A seed decides which requests fail, how and how often. `make soak` runs hundreds of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count

import pytest

from tests.agents.cluster import LocalCluster
from tests.agents.shop import Said, Shop
from tests.faults.proxy import Action, FaultProxy, Rule

pytestmark = pytest.mark.agents

TOGETHER = 6
REGISTER = r"/v1/jobs(\?|$)"
PATHS = (
    r"/v1/jobs/parse", r"/v1/validate", r"/plan", REGISTER, r"/v1/job/[^/?]+(\?|$)", r"/versions",
    r"/submission", r"/allocations", r"/deployments", r"/v1/deployment/", r"/v1/health/", r"/v1/",
)  # fmt: skip
ACTIONS: tuple[Action, ...] = ("drop", "lose", "status", "cut", "garbage", "index", "delay")
TEXTS = {500: "No cluster leader", 429: "slow down", 502: "", 504: ""}


def rules(chance: random.Random) -> list[Rule]:
    """One to four faults, each for some requests, some of them not the first ones."""
    found = []
    for _ in range(chance.randint(1, 4)):
        path, action, status = chance.choice(PATHS), chance.choice(ACTIONS), chance.choice([*TEXTS])
        if chance.random() < 0.5:
            found.append(Rule("pass", path=path, times=chance.randint(1, 6)))
        found.append(
            Rule(
                action,
                path=path,
                times=chance.randint(1, 8),
                status=status,
                text=chance.choice(["<html>", "{", ""]) if action == "garbage" else TEXTS[status],
                seconds=chance.random(),
                keep=chance.randint(0, 40),
            )
        )
    return found


class Bump:
    """One bump and what it did."""

    def __init__(self, shop: Shop, name: str, seed: int) -> None:
        self.shop, self.name = shop, name
        chance = random.Random(seed)
        self.nomad = FaultProxy(shop.cluster.nomad_address)
        self.consul = FaultProxy(shop.cluster.consul_address)
        self.faults = {"nomad": rules(chance), "consul": rules(chance)}
        self.nomad.add(*self.faults["nomad"])
        self.consul.add(*self.faults["consul"])
        self.before = shop.job(name)["JobModifyIndex"]

    def run(self) -> Said:
        there = ("--nomad-addr", self.nomad.address, "--consul-addr", self.consul.address)
        return self.shop.deploy(self.name, "--release", "1.1.0", "--timeout", "25s", *there)

    def assert_true(self, said: Said) -> None:
        """What it said is what is there."""
        shop, name = self.shop, self.name
        assert "Traceback" not in said.err
        assert self.nomad.count("POST", REGISTER) <= 1
        registered = shop.job(name)["JobModifyIndex"] != self.before
        match said.code:
            case 0:
                assert said.report["verdict"] == "deployed"
                assert shop.release(name) == "1.1.0"
                assert shop.serves(name) == ["1.1.0"]
                assert said.report["serving"] == "1.1.0"
            case 1:
                assert not registered, "refused, and yet it is registered"
                assert shop.serves(name) == ["1.0.0"]
            case 5 | 9:
                # Undecided, and nothing is claimed; whoever looks again learns the rest.
                assert said.report.get("serving") is None
            case 8:
                # Nomad gives the port of what still stops to what starts: not the release's fault.
                assert [cause["kind"] for cause in said.report["causes"]] == ["port"]
                assert shop.serves(name) == ["1.0.0"]
            case _:
                # Nothing is wrong with the release: it can neither fail nor be replaced.
                raise AssertionError(f"exit {said.code}")

    def again(self) -> Said:
        """Without the faults, whatever was left undone can be done."""
        said = self.shop.deploy(self.name, "--release", "1.1.0")
        assert (said.code, said.report["serving"]) == (0, "1.1.0"), said.out
        assert self.shop.serves(self.name) == ["1.1.0"]
        return said


@pytest.fixture(scope="module")
def shop(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(cluster, tmp_path_factory.mktemp("shops") / "seeded")
    yield shop
    shop.close()


def bump_all(shop: Shop, seeds: range) -> None:
    """A bump for each seed, at the same time; the first that lied is shown with its faults."""
    names = shop.all_deployed([{}] * len(seeds))
    with ExitStack() as open_:
        bumps = {
            f"seed {seed}": Bump(shop, name, seed) for seed, name in zip(seeds, names, strict=True)
        }
        for bump in bumps.values():
            open_.enter_context(bump.nomad)
            open_.enter_context(bump.consul)
        ends = shop.at_once({seed: bump.run for seed, bump in bumps.items()})
        for seed, bump in bumps.items():
            try:
                bump.assert_true(ends[seed])
            except AssertionError as error:
                raise AssertionError(
                    f"{seed}: {error}\n{bump.faults}\n{ends[seed].err}\n{ends[seed].out[:2000]}"
                ) from error
        shop.at_once({seed: bump.again for seed, bump in bumps.items()})
    shop.close()
    # Nomad gives the ports of what still stops to what starts.
    ended = {"complete", "failed"}
    shop.until(
        "all have stopped",
        lambda: all(
            allocation["ClientStatus"] in ended
            for allocation in shop.nomad("/v1/allocations")
            if allocation["JobID"] in names
        ),
    )
    shop.made.clear()


def test_a_few_seeds(shop: Shop) -> None:
    bump_all(shop, range(TOGETHER))


@pytest.mark.soak
def test_hundreds_of_seeds(shop: Shop) -> None:
    for first in count(TOGETHER, TOGETHER):
        if first >= 300:
            return
        bump_all(shop, range(first, first + TOGETHER))
