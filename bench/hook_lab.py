"""A hook server beside real agents that ask for tokens, people who push, and what all of it holds.

What is counted of memory is the server, what it forked, its gits and their hooks: not the agents,
not the tasks, not the clients.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hook.who import Who

from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.pushing import Pushed
from tests.services.hook.hook_process import HookProcess
from toolkit.spec.agents import STATE_FILE

CONFIG = """\
cluster = "dev"
url = "http://127.0.0.1:8655"
[target]
environment = "dev"
state = "{state}"
[hooks]
same_user = true
[[policy.person]]
management = true
grants = [{{ repos = ["*"], rights = ["admin"] }}]
[[policy.person]]
policies = {policies}
grants = [{{ repos = ["*"], rights = ["push"] }}]
"""
LOOK = 0.1
"""Seconds between two looks at memory."""


@dataclass
class Push:
    """One `git push` as its pusher sees it."""

    code: int = -1
    start: float = 0.0
    """When git was started, of the clock that only goes forward."""
    first: float = 0.0
    """Seconds from the start of git to the first line that it showed of the server's."""
    seconds: float = 0.0
    lines: list[str] = field(default_factory=list)
    """What the server said, without git's `remote: `."""
    began: threading.Event = field(default_factory=threading.Event)
    """Its deployment has begun, or it has ended."""

    def run(self, command: Sequence[str], folder: Path, environ: dict[str, str]) -> None:
        """Until git has ended."""
        self.start = time.monotonic()
        with subprocess.Popen(
            command, cwd=folder, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            text=True,
        ) as git:  # fmt: skip
            assert git.stderr is not None
            for line in git.stderr:
                if not line.startswith("remote: "):
                    continue
                self.first = self.first or time.monotonic() - self.start
                self.lines.append(line.removeprefix("remote: ").rstrip())
                if self.lines[-1].startswith("deployment "):
                    self.began.set()
        self.code, self.seconds = git.returncode, time.monotonic() - self.start
        self.began.set()


@dataclass
class Lab:
    """A running server, and who may push to it."""

    cluster: LocalCluster
    server: HookProcess
    projects: list[Pushed]
    people: list[Who]
    """One for each project."""

    @property
    def admin(self) -> dict[str, str]:
        """Whoever may do everything, as a header."""
        return {"X-Nomad-Token": self.cluster.state.nomad_token}

    def make(self, repo: str) -> None:
        """A repository in which every push has its turn."""
        answer = self.server.ask("PUT", f"/repos/{repo}", self.admin, json={"order": "queue"})
        assert answer.status_code == 201, answer.text

    def push(self, number: int, repo: str, ref: str = "main", into: Push | None = None) -> Push:
        """Git from its start to its exit, in the project of that number."""
        said, project = into or Push(), self.projects[number]
        remote = self.server.remote(repo, self.people[number].token.reveal())
        said.run(["git", "push", remote, f"{ref}:refs/heads/main"], project.root, project.environ())
        return said


@contextlib.contextmanager
def hook_lab(projects: int) -> Iterator[Lab]:
    """A server on its defaults, with so many projects, each with a person of its own."""
    with tempfile.TemporaryDirectory() as name, local_cluster(Path(name) / "a", acl=True) as agents:
        folder, state = Path(name), agents.state
        made = [Pushed(agents, folder / f"project-{number}") for number in range(projects)]
        people = [project.somebody(f"pusher-{n}") for n, project in enumerate(made)]
        policies = [_policy(project, who) for project, who in zip(made, people, strict=True)]
        (folder / "hook").mkdir()
        server = HookProcess(
            folder / "hook",
            state.nomad_address,
            config=CONFIG.format(
                state=agents.root / STATE_FILE, policies=str(policies).replace("'", '"')
            ),
            CONSUL_HTTP_ADDR=state.consul_address,
            NOMAD_TOKEN=state.nomad_token,
            CONSUL_HTTP_TOKEN=state.consul_token,
        )
        try:
            server.hear("ready")
            yield Lab(agents, server, made, people)
        finally:
            server.close()
            sys.stderr.writelines(f"   hook: {line}\n" for line in server.errors)


def _policy(project: Pushed, who: Who) -> str:
    said = project.nomad(f"/v1/acl/token/{who.caller.accessor}")  # type: ignore[union-attr]
    return str(said["Policies"][0])


@dataclass
class Held:
    """MB that a process and all that it started held at one moment, and of which kind."""

    total: float = 0.0
    kinds: dict[str, tuple[int, float]] = field(default_factory=dict)

    def __str__(self) -> str:
        said = (f"{n} {kind} {mb:.0f}" for kind, (n, mb) in sorted(self.kinds.items()))
        return f"{self.total:.0f} MB ({', '.join(said)})"


class Watch:
    """Looks at a process and its descendants all the time, and keeps the largest moment."""

    def __init__(self, pid: int):
        self.peak = Held()
        self._pid = pid
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(LOOK):
            now = held(self._pid)
            if now.total > self.peak.total:
                self.peak = now


def held(pid: int) -> Held:
    """The proportional set size: what processes share is divided between those that share it."""
    now = Held()
    for each in family(pid):
        try:
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
            said = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue  # it ended while we looked
        kb = next((int(x.split()[1]) for x in rollup.splitlines() if x.startswith("Pss:")), 0)
        kind = "server" if each == pid else _kind([word.decode() for word in said if word])
        number, mb = now.kinds.get(kind, (0, 0.0))
        now.kinds[kind] = number + 1, mb + kb / 1024
        now.total += kb / 1024
    return now


def _kind(words: Sequence[str]) -> str:
    if not words:
        return "ended"
    if "hook.children.zygote" in words:
        return "zygote and children"
    return "git" if Path(words[0]).name.startswith(("git", "prlimit")) else "hook scripts"


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    below: dict[int, list[int]] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = (process / "stat").read_text().rpartition(")")[2].split()[1]
            below.setdefault(int(parent), []).append(int(process.name))
    found = [pid]
    for each in found:
        found += below.get(each, [])
    return found


def resident(pid: int) -> float:
    """MB that a process alone had resident at most, so far."""
    status = Path(f"/proc/{pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024
