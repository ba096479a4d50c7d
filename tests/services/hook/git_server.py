"""Git's routes on a real port, in a thread, behind a gate that a test opens and shuts."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from hook.about import ABOUT
from hook.git.parts import GitParts
from hook.git.routes import git_routes
from hook.metrics import Metrics

from tests.services.running import PATIENCE
from toolkit.errors import IdentityError, UnavailableError
from toolkit.identity.header import read_credential
from toolkit.repos.registry import Registry
from toolkit.serving.app import make_app
from toolkit.serving.desk import Visit
from toolkit.serving.limits import Limits
from toolkit.serving.log import Log
from toolkit.serving.serve import bind, make_server
from toolkit.spec.hook import PersonRule, PushLimits, RepoGrant, RepoPolicy
from toolkit.spec.identity import Caller, Person
from toolkit.spec.repo import Repo

ALICE, BOB, READER, STRANGER = (
    f"00000000-0000-4000-8000-00000000{n}" for n in ("a11c", "0b0b", "0ead", "dead")
)
PEOPLE = {
    token: Person(f"accessor-{name}", name, frozenset({policy}))
    for token, name, policy in (
        (ALICE, "alice", "pushers"), (BOB, "bob", "pushers"), (READER, "rita", "readers"),
    )
}  # fmt: skip
POLICY = RepoPolicy(
    people=(
        PersonRule((RepoGrant(("*",), frozenset({"push"})),), policies=frozenset({"pushers"})),
        PersonRule((RepoGrant(("shop",), frozenset({"read"})),), policies=frozenset({"readers"})),
    )
)


class Known:
    """A verifier that knows these people."""

    def verify(
        self, authorization: str | None, *, nomad_token: str | None = None, source: str = ""
    ) -> Caller:
        said = read_credential(authorization, nomad_token, basic=True).token.reveal()
        if said not in PEOPLE:
            raise IdentityError("the token is not known to Nomad", reason="unknown")
        return PEOPLE[said]


@dataclass
class Gate:
    """Lets every push through, with the hooks of a test."""

    hooks: Path
    shut: str = ""
    """Why nobody gets through."""
    passed: list[str] = field(default_factory=list)
    inside: int = 0
    arrived: Callable[[], None] = print
    """Of the last push: to be called when it only watches."""
    environ: dict[str, str] = field(default_factory=dict)

    @contextlib.contextmanager
    def admit(self, repo: Repo, visit: Visit, arrived: Callable[[], None]) -> Iterator[Any]:
        if self.shut:
            raise UnavailableError(self.shut)
        self.arrived = arrived
        self.passed.append(f"{visit.caller} to {repo.name}")
        self.inside += 1
        try:
            yield SimpleNamespace(environ=self.environ, hooks_path=self.hooks)
        finally:
            self.inside -= 1

    def hook(self, name: str, script: str) -> None:
        """Have pushes run this, with /bin/sh."""
        file = self.hooks / name
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)


class GitServer:
    """The routes, listening."""

    def __init__(self, data: Path, port: int, registry: Registry, gate: Gate, said: io.StringIO):
        self.data, self.port, self.registry, self.gate = data, port, registry, gate
        self._said = said
        self.draining = False
        self.url = f"http://127.0.0.1:{port}"

    def make(self, name: str = "shop") -> Path:
        """A repository; where it is."""
        repo, _ = self.registry.create(name, creator="alice")
        return self.registry.path(repo)

    def remote(self, name: str = "shop", who: str = ALICE) -> str:
        """A URL with the credentials in it: no helper, no prompt."""
        return f"http://git:{who}@127.0.0.1:{self.port}/{name}.git"

    @property
    def log(self) -> list[dict[str, Any]]:
        """All that was said."""
        return [json.loads(line) for line in self._said.getvalue().splitlines()]

    def requests(self, action: str) -> list[dict[str, Any]]:
        """Lines of the log."""
        return [each for each in self.log if each.get("action") == action]


@contextlib.contextmanager
def git_server(
    data: Path,
    limits: PushLimits | None = None,
    *,
    answer_seconds: float = 30.0,
    ending: float = 60.0,
) -> Iterator[GitServer]:
    """A server for the length of a block; `answer_seconds`: for who does not read."""
    limits = limits or PushLimits()
    registry = Registry(data / "data", limits)
    hooks = data / "hooks"
    hooks.mkdir()
    gate, said = Gate(hooks), io.StringIO()
    log = Log(said)
    served = SimpleNamespace(
        about=ABOUT, verifier=Known(), log=log, metrics=Metrics(), draining=False,
        check_open=lambda: None, health=lambda: {"status": "ready"}, perform=None,
    )  # fmt: skip
    listener = bind("127.0.0.1", 0)
    running = GitServer(data, listener.getsockname()[1], registry, gate, said)
    parts = GitParts(
        repos=registry, policy=POLICY, limits=limits, admit=gate.admit,
        archives=data / "archives", log=log, is_draining=lambda: running.draining, ending=ending,
    )  # fmt: skip
    wire = Limits(answer_seconds=answer_seconds, last_requests=1)
    app = make_app(served, (), limits=wire, beside=lambda desk: git_routes(desk, parts))
    listening = threading.Event()
    server = make_server(app, served, wire, drain=0.0, started=listening.set)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        assert listening.wait(PATIENCE)
        yield running
    finally:
        server.give_up()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert [each for each in running.log if each["event"] in ("bug", "warning")] == []


ENVIRON = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "LC_ALL": "C",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    **{
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "t"), ("EMAIL", "t@example.com"), ("DATE", "1700000000 +0000"))
    },
}


def git(
    *words: str | Path, good: bool = True, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Stock git as somebody's own, which does not try to make random bytes smaller."""
    ran = subprocess.run(
        ["git", "-c", "init.defaultBranch=main", "-c", "core.compression=0", *words],
        env={**ENVIRON, **(environ or {})}, capture_output=True, text=True, timeout=PATIENCE,
    )  # fmt: skip
    assert (ran.returncode == 0) == good, ran.stdout + ran.stderr
    return ran


class Work:
    """Somebody's own copy of a repository."""

    def __init__(self, folder: Path):
        self.folder = folder
        if not (folder / ".git").exists():
            git("init", "-q", folder)

    def git(self, *words: str, good: bool = True, **environ: str) -> str:
        """What git said, both streams."""
        ran = git("-C", self.folder, *words, good=good, environ=environ)
        return ran.stdout + ran.stderr

    def raw(self, *words: str, stdin: bytes) -> bytes:
        """What git wrote, byte for byte."""
        return subprocess.run(
            ["git", "-C", self.folder, *words],
            env=ENVIRON, input=stdin, capture_output=True, timeout=PATIENCE, check=True,
        ).stdout  # fmt: skip

    def commit(self, **files: str | bytes) -> str:
        """Commit files, and the id of that; `_` stands for a dot in names."""
        for name, content in files.items():
            path = self.folder / name.replace("_", ".")
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.head()

    def head(self) -> str:
        """The id of what is checked out."""
        return self.git("rev-parse", "HEAD").strip()
