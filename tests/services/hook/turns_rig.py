"""Deployments without a cluster: what is performed waits until a test says how it ends."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hook.deployments import Deployments, Ending, Turn
from hook.who import Who

from toolkit.errors import AbsentError
from toolkit.repos.record_logs import Logs
from toolkit.repos.records import Records
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.identity import Person
from toolkit.spec.repo import RefChange, Repo
from toolkit.spec.target import Secret

PATIENCE = 60.0
NONE = "0" * 40
TOKEN = "0c0ffee0-0000-4000-8000-00000000beef"
ALICE = Who(Person("1111", "alice"), Secret(TOKEN))
BOB = Who(Person("2222", "bob"), Secret("another"))


def commit(number: int) -> str:
    """The n-th commit."""
    return f"{number:040x}"


class Repos:
    """A registry in memory, and where each branch is."""

    def __init__(self, *repos: Repo):
        self.known = {repo.name: repo for repo in repos or (Repo("shop"),)}
        self.heads: dict[str, str] = {}

    def get(self, name: str) -> Repo:
        if name not in self.known:
            raise AbsentError(f"there is no repository {name}")
        return self.known[name]

    def all(self) -> tuple[Repo, ...]:
        return tuple(self.known.values())

    def head(self, repo: Repo) -> str | None:
        return self.heads.get(repo.name)


@dataclass
class Stage:
    """Performs turns as the test says."""

    turns: queue.Queue[tuple[Turn, queue.Queue[Ending | BaseException]]] = field(
        default_factory=queue.Queue
    )
    held: queue.Queue[Ending | BaseException] | None = None
    halted: threading.Event = field(default_factory=threading.Event)

    def __call__(self, turn: Turn) -> Ending:
        answer: queue.Queue[Ending | BaseException] = queue.Queue()
        self.turns.put((turn, answer))
        said = answer.get(timeout=PATIENCE)
        if isinstance(said, BaseException):
            raise said
        return said

    def next(self) -> Turn:
        """The turn that has begun; it goes on until `end`."""
        turn, self.held = self.turns.get(timeout=PATIENCE)
        return turn

    def end(self, ending: Ending | BaseException | None = None) -> None:
        """End the turn that `next` gave."""
        assert self.held is not None
        self.held.put(ending or Ending("deployed", "deployed in 1.0 s", {"verdict": "deployed"}))
        self.held = None

    def halt(self) -> None:
        """The server ends."""
        self.halted.set()
        if self.held is not None:
            self.end(Ending("needs-token", "the server stopped"))


class Rig:
    """A server's deployments over one data folder."""

    def __init__(
        self,
        data: Path,
        *,
        repos: Repos | None = None,
        perform: Callable[[Turn], Ending] | None = None,
        records: type[Records] = Records,
        **how: Any,
    ):
        self.repos = repos or Repos()
        self.stage = Stage()
        self.records = records(data)
        self.bugs: list[BaseException] = []
        self.broke = threading.Event()
        self.deployments = Deployments(
            self.records,
            Logs(self.records, most=1 << 20),
            repos=self.repos,
            perform=perform or self.stage,
            head=self.repos.head,
            halt=self.stage.halt,
            on_bug=self._break,
            **how,
        )

    def _break(self, exc: BaseException) -> None:
        self.bugs.append(exc)
        self.broke.set()

    def push(self, to: int, *, who: Who = ALICE, repo: str = "shop", hooks: str = "") -> Deployment:
        """Move the branch to the n-th commit, and begin."""
        old = self.repos.heads.get(repo, NONE)
        change = RefChange(old, commit(to), "refs/heads/main")
        intent = self.deployments.intend(repo, change, who, digest="d", hooks=hooks)
        self.repos.heads[repo] = change.new
        return self.deployments.begin(repo, change, who, intent=intent)

    def done(self, to: int, ending: Ending | None = None, **how: Any) -> Deployment:
        """A push that came to its end."""
        record = self.push(to, **how)
        self.stage.next()
        self.stage.end(ending)
        return self.end_of(record)

    def end_of(self, record: Deployment) -> Deployment:
        """The record once its log has ended."""
        self.lines(record)
        return self.deployments.get(record.repo, record.id)

    def lines(self, record: Deployment) -> list[LogLine]:
        """The log, to its end."""
        return list(self.deployments.follow(record.repo, record.id))

    def states(self, repo: str = "shop") -> list[str]:
        """Of all deployments, the oldest first."""
        return [each.state for each in self.deployments.all(repo)]
