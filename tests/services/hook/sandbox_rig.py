"""A repository with a history, its hooks, and what scripts said when they ran."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from hook.sandbox import Scripts, box
from hook.sandbox.account import Account
from hook.sandbox.box import HOLDS

from tests.repos.source import Source
from toolkit.repos.bundles import Bundles
from toolkit.repos.trash import Trash
from toolkit.spec.bundle import HookFile
from toolkit.spec.hook import HookLimits
from toolkit.spec.repo import Repo

REPO = Repo("shop", created=1_763_000_000.0)
NONE = "0" * 40
PATIENT = HookLimits(seconds=60.0)
"""For scripts that end by themselves: never what a test waits for."""


@dataclass
class History:
    """A repository with three commits on main, each with another text in `greeting`."""

    source: Source
    commits: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, folder: Path, *, sha256: bool = False) -> History:
        made = cls(Source(folder, sha256=sha256))
        for text in ("one", "two", "three"):
            blob = made.source.blob(f"{text}\n".encode())
            tree = made.source.tree([("100644", "greeting", blob)])
            parents = [word for each in made.commits[-1:] for word in ("-p", each)]
            made.commits.append(made.source.git("commit-tree", *parents, "-m", text, tree))
        made.source.git("update-ref", "refs/heads/main", made.commits[-1])
        return made

    @property
    def line(self) -> bytes:
        """A push of the last two commits."""
        return f"{self.commits[0]} {self.commits[-1]} refs/heads/main\n".encode()


@dataclass
class Rig:
    """Runs hooks; `said` has every line of the last run."""

    history: History
    bundles: Bundles
    said: list[str] = field(default_factory=list)

    @classmethod
    def make(cls, history: History, folder: Path) -> Rig:
        return cls(history, Bundles(folder / "hooks", Trash(folder / "trash")))

    def scripts(self, limits: HookLimits = PATIENT, holds: frozenset[str] = HOLDS) -> Scripts:
        return Scripts(self.bundles, lambda _: self.history.source.path, limits, holds=holds)

    def run(
        self,
        script: str,
        name: str = "pre-receive",
        *,
        line: bytes | None = None,
        environ: Mapping[str, str] | None = None,
        limits: HookLimits = PATIENT,
        holds: frozenset[str] = HOLDS,
        beside: Sequence[HookFile] = (),
    ) -> int:
        """Push a script and run it; its exit code."""
        self.bundles.push(REPO, [HookFile(name, script.encode(), True), *beside], "ann")
        return self.again(name, line=line, environ=environ, limits=limits, holds=holds)

    def again(
        self,
        name: str = "pre-receive",
        *,
        line: bytes | None = None,
        environ: Mapping[str, str] | None = None,
        limits: HookLimits = PATIENT,
        holds: frozenset[str] = HOLDS,
        version: str | None = None,
    ) -> int:
        """Run what there is."""
        self.said.clear()
        return self.scripts(limits, holds).run_hooks(
            REPO,
            name,
            self.history.line if line is None else line,
            environ or {},
            self.said.append,
            version=version,
        )


def processes_of(uid: int) -> list[psutil.Process]:
    """Every process that runs as this user."""
    found = []
    for each in psutil.process_iter():
        try:
            if each.uids().real == uid:
                found.append(each)
        except psutil.NoSuchProcess:
            continue
    return found


def left_behind(uid: int) -> list[psutil.Process]:
    """What runs as this user although its folder is gone.

    The number may be somebody else's by now: of another test, whose folder is there.
    """
    found = []
    for each in processes_of(uid):
        try:
            home = each.environ().get("HOME", "")
        except psutil.Error:
            continue
        if home and not Path(home).exists():
            found.append(each)
    return found


def run_in_a_box(
    who: Account, command: str, holds: frozenset[str] = HOLDS
) -> tuple[box.Ended, list[str]]:
    said: list[str] = []
    with box.box(who, holds) as place:
        place.fill([])
        place.view.mkdir()
        place.hand_over()
        words = ["/bin/sh", "-c", command]
        ended = place.run("test", words, {}, b"", PATIENT, said.append)
    assert not place.folder.exists()
    return ended, said
