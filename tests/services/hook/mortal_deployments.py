"""Deployments that are killed.

Each move of the branch is noted the moment it happens, in a file that the kernel keeps whatever
becomes of us.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hook.deployments import Deployments, Ending, Turn

from tests.services.hook.turns_rig import ALICE, BOB, NONE, Repos, commit
from tests.services.mortal import Death, die, fork_lives
from toolkit.repos.files import PREFIX
from toolkit.repos.record_logs import Logs
from toolkit.repos.records import Records
from toolkit.spec.repo import RefChange, Repo

POINTS = (
    "before a file", "within a file", "before a file's name", "after a file",
    "before the ref", "after the ref",
    "before the record", "after the record",
    "before a line", "within a line", "after a line",
    "while it deploys",
)  # fmt: skip
PUSHES = 3


class MortalRecords(Records):
    """Dies around and within its writes."""

    death: Death

    def _put(self, path: Path, data: bytes) -> None:
        self.death.passes("before a file")
        new = path.with_name(f"{PREFIX}{path.name}")
        if self.death.comes("within a file"):
            new.write_bytes(data[: len(data) // 2])
            die()
        if self.death.comes("before a file's name"):
            new.write_bytes(data)
            die()
        super()._put(path, data)
        self.death.passes("after a file")

    def _move(self, path: Path, to: Path) -> None:
        self.death.passes("before the record")
        super()._move(path, to)
        self.death.passes("after the record")


class MortalLogs(Logs):
    """Dies around and within its lines."""

    death: Death

    def _append(self, path: Path, data: bytes, size: int) -> None:
        self.death.passes("before a line")
        if self.death.comes("within a line"):
            super()._append(path, data[: len(data) // 2], size)
            die()
        super()._append(path, data, size)
        self.death.passes("after a line")


class Branch(Repos):
    """A repository whose branch outlives the process."""

    def __init__(self, folder: Path, order: str):
        super().__init__(Repo("shop", order=order))  # type: ignore[arg-type]
        self.file = folder / "branch"
        self.moves = folder / "moves"

    def head(self, repo: Repo) -> str | None:
        return self.file.read_text() if self.file.exists() else None

    def move(self, to: str) -> None:
        """As git does it, and noted."""
        new = self.file.with_name("branch.new")
        new.write_text(to)
        with self.moves.open("a") as file:
            new.replace(self.file)
            file.write(f"{to}\n")

    def moved(self) -> list[str]:
        """All that the branch was ever at, in order."""
        return self.moves.read_text().split() if self.moves.exists() else []


def open_deployments(folder: Path, order: str, death: Death) -> tuple[Deployments, Branch]:
    """Deployments over a data folder, which perform at once."""
    branch = Branch(folder, order)

    def perform(turn: Turn) -> Ending:
        turn.reach("deploying")
        turn.say("submit", stage="submit", job="db")
        death.passes("while it deploys")
        return Ending("deployed", "deployed in 1.0 s", {"verdict": "deployed"})

    records = MortalRecords(folder / "data")
    logs = MortalLogs(records, most=1 << 20)
    records.death = logs.death = death
    deployments = Deployments(records, logs, repos=branch, perform=perform, head=branch.head)
    return deployments, branch


def live(said: dict[str, Any]) -> None:
    """One life: repair, resume what needs a token, and push some more."""
    folder = Path(said["folder"])
    (folder / "data").mkdir(exist_ok=True)
    death = Death(said["point"], said["times"])
    deployments, branch = open_deployments(folder, said["order"], death)
    deployments.reconcile()
    for record in deployments.all("shop"):
        if record.state == "needs-token" and said["resumes"]:
            deployments.resume("shop", record.id, BOB)
            list(deployments.follow("shop", record.id))
    for number in range(PUSHES):
        at = branch.head(branch.get("shop"))
        change = RefChange(at or NONE, commit(len(branch.moved()) + 1), "refs/heads/main")
        intent = deployments.intend("shop", change, ALICE)
        if number == said["lost"]:
            # Git could not move the ref: somebody else's push was there first.
            continue
        death.passes("before the ref")
        branch.move(change.new)
        death.passes("after the ref")
        record = deployments.begin("shop", change, ALICE, intent=intent)
        list(deployments.follow("shop", record.id))


if __name__ == "__main__":
    fork_lives(live)
