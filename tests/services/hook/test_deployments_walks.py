"""Pushes, redeploys, rollbacks, resumes and restarts in any order: what always holds."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hook.deployments import Ending, Turn

from tests.services.hook.turns_rig import ALICE, BOB, Repos, Rig
from toolkit.errors import RefusedError
from toolkit.spec.deployment import Deployment
from toolkit.spec.repo import Order, Repo

STEPS = 25


class Walk:
    """One history of a repository."""

    def __init__(self, data: Path, seed: int):
        self.data = data
        self.draw = random.Random(seed)
        order: Order = self.draw.choice(["newest", "queue"])
        self.repos = Repos(Repo("shop", order=order))
        self.pushed = 0
        self.begun: list[Deployment] = []
        self.rig = self.open()

    def open(self) -> Rig:
        endings = random.Random(self.draw.random())

        def perform(turn: Turn) -> Ending:
            turn.say("submit", job="db")
            if turn.stopping():
                return Ending("needs-token", "the server stopped")
            word = endings.choice(["deployed", "deployed", "failed", "needs-token", "unchanged"])
            return Ending(word, f"it is {word}", {"verdict": word})  # type: ignore[arg-type]

        return Rig(self.data, repos=self.repos, perform=perform)

    def step(self) -> None:
        deployments, who = self.rig.deployments, self.draw.choice([ALICE, BOB])
        some = self.draw.choice([None, self.draw.randrange(1, 30)])
        try:
            match self.draw.randrange(8):
                case 0 | 1 | 2:
                    self.pushed += 1
                    self.begun.append(self.rig.push(self.pushed, who=who))
                case 3:
                    self.begun.append(deployments.redeploy("shop", some, who))
                case 4:
                    self.begun.append(deployments.rollback("shop", some, who))
                case 5:
                    deployments.resume("shop", some or 1, who)
                case 6:
                    for record in self.begun[-3:]:
                        self.rig.lines(record)
                case 7:
                    self.restart()
        except RefusedError:
            pass

    def restart(self) -> None:
        self.rig.deployments.stop()
        assert not self.rig.bugs
        self.rig = self.open()
        assert self.rig.deployments.reconcile() == ()

    def check(self) -> None:
        records = self.rig.deployments.all("shop")
        assert [each.id for each in records] == list(range(1, len(records) + 1))
        for record in records:
            lines = self.rig.lines(record)
            ended = self.rig.deployments.get("shop", record.id)
            assert ended.is_final or ended.state == "needs-token"
            assert [line.number for line in lines] == list(range(1, len(lines) + 1))
            assert lines[-1].stage == "end"
            assert ended.state in lines[-1].text
            if ended.of is not None:
                assert ended.commit == records[ended.of - 1].commit
        records = self.rig.deployments.all("shop")
        # Each push has a record of its own, in its order, and says who it was.
        pushes = [int(each.commit, 16) for each in records if each.kind == "push"]
        assert pushes == list(range(1, self.pushed + 1))
        begun = {each.id: each for each in self.begun}
        assert begun.keys() == {each.id for each in records}
        assert all(begun[each.id].pusher == each.pusher for each in records)
        # Nothing is left to resume that would go back behind a later one.
        ran = [each.id for each in records if each.state in {"deployed", "failed", "unchanged"}]
        needing = [each.id for each in records if each.state == "needs-token"]
        assert not [each for each in needing if each < max(ran, default=0)]
        assert self.rig.records.intents() == ()


@pytest.mark.parametrize("seed", range(12))
def test_every_walk_leaves_each_deployment_at_its_end(tmp_path: Path, seed: int) -> None:
    walk = Walk(tmp_path, seed)
    for _ in range(STEPS):
        walk.step()
    walk.check()
    walk.restart()
    walk.check()
    walk.rig.deployments.stop()
    assert not walk.rig.bugs
