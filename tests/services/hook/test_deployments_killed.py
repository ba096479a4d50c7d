"""The server killed wherever something is written: the ref moved <=> a record exists."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.services.hook.mortal_deployments import POINTS, open_deployments
from tests.services.hook.turns_rig import ALICE, BOB, NONE, Repos, Rig, commit
from tests.services.mortal import Death
from toolkit.errors import UnavailableError
from toolkit.repos.records import Records
from toolkit.spec.repo import RefChange, Repo

NEVER = Death("", 0)
TIMES = (1, 2, 3)
"""At the first, second and third time that a point is passed."""


class Lives:
    """Starts lives, one after the other."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.services.hook.mortal_deployments"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def live(self, folder: Path, point: str, times: int, **how: Any) -> str:
        """One life; how it ended."""
        said = {"folder": str(folder), "point": point, "times": times, "order": "newest"}
        said |= {"resumes": False, "lost": -1, **how}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(said) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def lives() -> Iterator[Lives]:
    lives = Lives()
    yield lives
    lives.close()


def check(folder: Path) -> list[str]:
    """What holds after every start, whatever came before; the states of the records."""
    (folder / "data").mkdir(exist_ok=True)
    deployments, branch = open_deployments(folder, "newest", NEVER)
    deployments.reconcile()
    records = deployments.all("shop")
    assert [each.id for each in records] == list(range(1, len(records) + 1))
    # The ref moved <=> there is a record, and one only.
    assert sorted(each.commit for each in records) == sorted(branch.moved())
    assert all(each.is_final or each.state == "needs-token" for each in records)
    assert all(each.pusher == "alice" for each in records)
    assert Records(folder / "data").intents() == ()
    for record in records:
        lines = list(deployments.follow("shop", record.id))
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert (lines[-1].stage, record.state in lines[-1].text) == ("end", True)
        assert record.state == "deployed" or record.sentence
    # Once more: there is nothing left to repair.
    again, _ = open_deployments(folder, "newest", NEVER)
    assert again.reconcile() == ()
    assert again.all("shop") == records
    return [each.state for each in records]


@pytest.mark.parametrize("point", POINTS)
def test_killed_there_every_move_has_a_record_that_ends(
    lives: Lives, tmp_path: Path, point: str
) -> None:
    for times in TIMES:
        folder = tmp_path / str(times)
        folder.mkdir()
        assert lives.live(folder, point, times) == "killed"
        states = check(folder)
        # Killed again while that is repaired and gone on with, and then at last not any more.
        lives.live(folder, point, times, resumes=True)
        check(folder)
        assert lives.live(folder, "never", 1, resumes=True) == "ended"
        states = check(folder)
        assert set(states) <= {"deployed", "superseded"}
        assert states[-1] == "deployed"


@pytest.mark.parametrize("point", ["before the ref", "after the ref", "before a file"])
def test_an_intent_whose_ref_did_not_move_leaves_nothing(
    lives: Lives, tmp_path: Path, point: str
) -> None:
    lives.live(tmp_path, point, 2, lost=1)
    check(tmp_path)


def test_the_repair_says_how_far_it_had_come(lives: Lives, tmp_path: Path) -> None:
    assert lives.live(tmp_path, "while it deploys", 1) == "killed"
    assert check(tmp_path) == ["needs-token"]
    (record,) = Records(tmp_path / "data").all("shop")
    assert record.sentence == "the server ended in mid-rollout, after: db: submit"
    assert record.kind == "push"


def test_a_ref_that_moved_without_a_record_gets_one_of_its_pusher(
    lives: Lives, tmp_path: Path
) -> None:
    assert lives.live(tmp_path, "after the ref", 2) == "killed"
    assert check(tmp_path) == ["deployed", "needs-token"]
    record = Records(tmp_path / "data").get("shop", 2)
    assert (record.kind, record.pusher, record.before) == ("repair", "alice", commit(1))
    assert record.sentence == "the server ended before its turn came; nothing was registered"


def test_a_verdict_that_only_the_log_has_is_the_record_s(lives: Lives, tmp_path: Path) -> None:
    # The second line is the verdict, and no record says so yet.
    lives.live(tmp_path, "after a line", 2)
    (record,) = Records(tmp_path / "data").all("shop")
    assert record.state == "deploying"
    assert check(tmp_path) == ["deployed"]
    (record,) = Records(tmp_path / "data").all("shop")
    assert record.sentence == "deployed in 1.0 s"


# Moves that were not followed by their records, in any number and order.


def test_several_moves_without_records_are_all_found(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.done(1)
    for number, who in ((2, ALICE), (3, BOB), (4, ALICE)):
        change = RefChange(commit(number - 1), commit(number), "refs/heads/main")
        rig.deployments.intend("shop", change, who)
    # One more that was on its way when the third was.
    lost = RefChange(commit(2), commit(99), "refs/heads/main")
    rig.deployments.intend("shop", lost, BOB)
    rig.repos.heads["shop"] = commit(4)

    after = Rig(tmp_path, repos=rig.repos)
    after.deployments.reconcile()
    records = after.deployments.all("shop")
    assert [(each.commit, each.pusher, each.state) for each in records] == [
        (commit(1), "alice", "deployed"),
        (commit(2), "alice", "superseded"),
        (commit(3), "bob", "superseded"),
        (commit(4), "alice", "needs-token"),
    ]
    assert records[1].sentence == "main moved on before its turn"
    assert after.records.intents() == ()


def test_a_later_push_s_record_proves_that_the_one_before_it_moved(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    change = RefChange(NONE, commit(1), "refs/heads/main")
    rig.deployments.intend("shop", change, ALICE)
    rig.repos.heads["shop"] = commit(1)
    rig.done(2, who=BOB)

    after = Rig(tmp_path, repos=rig.repos)
    after.deployments.reconcile()
    assert [(each.id, each.commit, each.state) for each in after.deployments.all("shop")] == [
        (1, commit(2), "deployed"),
        (2, commit(1), "superseded"),
    ]


def test_a_branch_that_nobody_is_known_to_have_pushed_says_so(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.repos.heads["shop"] = commit(7)
    (record,) = rig.deployments.reconcile()
    assert (record.kind, record.state, record.pusher) == ("repair", "needs-token", "")
    assert record.sentence == "the branch is at 0000000, and no deployment knows of that"
    assert Rig(tmp_path, repos=rig.repos).deployments.reconcile() == ()


def test_an_empty_repository_has_nothing_to_repair(tmp_path: Path) -> None:
    assert Rig(tmp_path).deployments.reconcile() == ()


def test_what_a_deleted_repository_intended_is_dropped(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.deployments.intend("shop", RefChange(NONE, commit(1), "refs/heads/main"), ALICE)
    del rig.repos.known["shop"]
    assert Rig(tmp_path, repos=rig.repos).deployments.reconcile() == ()
    assert rig.records.intents() == ()


def test_a_repository_that_cannot_be_read_keeps_what_was_intended(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.done(1)
    rig.deployments.intend("shop", RefChange(commit(1), commit(2), "refs/heads/main"), ALICE)
    rig.repos.heads["shop"] = commit(2)
    rig.records.write(replace(rig.records.get("shop", 1), state="deploying"))

    class Damaged(Repos):
        def head(self, repo: Repo) -> str | None:
            raise UnavailableError(f"{repo.name}.git is damaged")

    broken = Rig(tmp_path, repos=Damaged())
    broken.deployments.reconcile()
    assert [type(each) for each in broken.bugs] == [UnavailableError]
    assert broken.states() == ["deployed"]
    assert len(broken.records.intents()) == 1

    class Unread(Repos):
        def get(self, name: str) -> Repo:
            raise UnavailableError(f"registry/{name}.json is damaged")

        def all(self) -> tuple[Repo, ...]:
            return ()

    assert Rig(tmp_path, repos=Unread()).deployments.reconcile() == ()
    assert len(broken.records.intents()) == 1
    # Mended, it has all that it ever had.
    assert len(Rig(tmp_path, repos=rig.repos).deployments.reconcile()) == 1
    assert Rig(tmp_path).states() == ["deployed", "needs-token"]
