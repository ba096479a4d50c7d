"""Seeded stories of a cluster: deploys, sick checks, lost nodes, two rivals, restarts.

What must hold at every moment: a name that has answered never becomes empty while its job lives,
it never changes its owner while that one lives, and what the zone has is exactly the turns' doing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from tests.dns.discovering import (
    CONFIG,
    NAME,
    PRIVATE,
    declared,
    instance,
    job,
    owner,
    view,
    zones,
)
from toolkit.dns.decide import decide
from toolkit.dns.desired import desired
from toolkit.dns.plan import Known, plan
from toolkit.dns.reconcile_hold import Holds
from toolkit.dns.reconcile_listed import listed_of, step_holds
from toolkit.dns.reconcile_points import Group, candidates
from toolkit.dns.standing import Standing
from toolkit.spec.discovery import Instance, SeenJob, Turn, View
from toolkit.spec.dns import Owner, Zone

ASKS = {
    "shop": declared(),
    "rival": declared("rival"),
    "web": declared("web", "web.apps.internal"),
}


@dataclass
class Story:
    """A cluster, a zone, and a reconciler without threads."""

    chance: random.Random
    now: float = 1_000_000.0
    there: dict[Zone, dict[str, Standing]] = field(default_factory=zones)
    holds: Mapping[Group, Holds] = field(default_factory=dict)
    since: dict[tuple[Zone, str, Owner], float] = field(default_factory=dict)
    found: dict[tuple[Zone, str], set[str]] = field(default_factory=dict)
    jobs: dict[str, SeenJob] = field(default_factory=dict)
    running: dict[int, Instance] = field(default_factory=dict)
    sick: set[int] = field(default_factory=set)
    number: int = 0

    def happens(self) -> None:
        """Something in the cluster."""
        self.now += self.chance.choice([1.0, 5.0, 20.0, 45.0])
        name = self.chance.choice(list(ASKS))
        what = self.chance.choices(
            ("deploy", "check", "crash", "stop", "restart", "wait", "undeclare"),
            (7, 5, 1, 1, 1, 1, 1),
        )
        match what:
            case ["deploy"]:
                self._deploy(name)
            case ["check"]:
                self._check()
            case ["crash"]:
                self._crash()
            case ["stop"]:
                self._stop(name)
            case ["restart"]:
                self.holds = {}  # of the server that reconciles
            case ["wait"]:
                self.now += self.chance.choice([100.0, 400.0])
            case _:
                self._undeclare(name)

    def _deploy(self, name: str) -> None:
        """New instances beside old ones, then without them: two turns see it."""
        self.jobs[name] = job(name, ASKS[name], created=self._created(name))
        old = [number for number, each in self.running.items() if each.job == name]
        for _ in range(self.chance.randint(1, 3)):
            self._place(name)
        self.turn()
        for number in old:
            del self.running[number]

    def _created(self, name: str) -> int:
        known = self.jobs.get(name)
        self.number += 1
        return known.created if known and known.alive else self.number

    def _place(self, name: str) -> None:
        self.number += 1
        self.running[self.number] = instance(
            self.number, name, address=f"10.0.{self.number // 250}.{self.number % 250 + 1}"
        )
        if self.chance.random() < 0.3:
            self.sick.add(self.number)

    def _check(self) -> None:
        for number in self.running:
            if self.chance.random() < 0.4:
                self.sick ^= {number}

    def _crash(self) -> None:
        for number in list(self.running):
            if self.chance.random() < 0.5:
                del self.running[number]

    def _stop(self, name: str) -> None:
        if name in self.jobs:
            self.jobs[name] = replace(self.jobs[name], alive=False)
            self.running = {n: each for n, each in self.running.items() if each.job != name}

    def _undeclare(self, name: str) -> None:
        if name in self.jobs and self.jobs[name].alive:
            self.jobs[name] = replace(self.jobs[name], declared=())

    def view(self) -> View:
        jobs = [job("kick"), *self.jobs.values()]
        return view(jobs, self.running.values(), self.sick & self.running.keys())

    def turn(self) -> Turn:
        """One turn, its wishes granted as the writer grants them."""
        seen = self.view()
        running = candidates(seen, CONFIG)
        self.holds = step_holds(self.holds, running, seen, CONFIG, self.there, self.now)
        want = desired(seen, CONFIG, self.there, listed_of(self.holds))
        known = Known(self.found, self.since)
        found = plan(seen, want, self.there, CONFIG, known, self.now)
        marks = {(each.zone, each.name, each.owner) for each in found.leftovers}
        self.since = {mark: self.since.get(mark, self.now) for mark in marks}
        for step in found.steps:
            wish = step.order.wish
            names = self.there[wish.zone]
            decision = decide(wish, names.get(wish.name) or Standing(wish.name))
            names[wish.name] = decision.after
            if not decision.after.records:
                del names[wish.name]
            self.found[wish.zone, wish.name] = {r.type for r in decision.after.records}
        return found


def tell(seed: int, turns: int) -> int:
    """Tell a story and hold it to what must always be so; returns how many changes there were."""
    story = Story(random.Random(seed))
    last: dict[tuple[Zone, str], Standing] = {}
    changes = 0
    for _ in range(turns):
        story.happens()
        before = dict(story.there[PRIVATE])
        first = story.turn()
        changes += len(first.steps)
        for name, old in before.items():
            lives = story.jobs[old.owner.job].alive if old.owner else False
            now = story.there[PRIVATE].get(name)
            asks = old.owner is not None and story.jobs[old.owner.job].declared != ()
            if lives and asks:
                assert now is not None, f"seed {seed}: {name} went while its job lives"
                assert now.owner == old.owner, f"seed {seed}: {name} changed its owner"
            if now is not None:
                assert all(record.values for record in now.records), f"seed {seed}: empty"
        if any(step.after is None for step in first.steps):
            story.turn()  # what went makes room for whoever else asks
        assert story.turn().steps == (), f"seed {seed}: without news something changes again"
        last = {(PRIVATE, name): there for name, there in story.there[PRIVATE].items()}
    assert all(there.owner is not None for there in last.values())
    story.jobs = {name: replace(each, alive=False) for name, each in story.jobs.items()}
    story.running = {}
    story.turn()
    story.now += CONFIG.reconcile.grace
    story.turn()
    assert story.there[PRIVATE] == {}, f"seed {seed}: something was left behind"
    return changes


@pytest.mark.parametrize("seed", range(12))
def test_a_story(seed: int) -> None:
    assert tell(seed, 60) > 6


@pytest.mark.soak
def test_many_stories() -> None:
    assert sum(tell(seed, 120) for seed in range(1000, 1200)) > 2400


def test_rolling_replacements_never_leave_the_name_without_an_answer() -> None:
    """Old and new overlap, or do not: what is listed runs, or is the last that did."""
    story = Story(random.Random(1))
    story.jobs["shop"] = job("shop", ASKS["shop"])
    story._place("shop")
    story.sick.clear()
    for _ in range(30):
        story.turn()
        assert story.there[PRIVATE][NAME].records[0].values
        (old,) = story.running
        story._place("shop")
        story.sick = {story.number}
        story.turn()
        del story.running[old]
        story.turn()
        assert story.there[PRIVATE][NAME].records[0].values
        story.sick.clear()
        story.now += 1.0
        story.turn()
        running = {each.ports[0].address for each in story.running.values()}
        assert set(story.there[PRIVATE][NAME].records[0].values) == running
    assert story.there[PRIVATE][NAME].owner == owner()
