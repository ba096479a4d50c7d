"""A gate over a real repository: real git pushes into it, and everything behind it is a value."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from hook.children.children import Children
from hook.children.files import FilesTree, gather
from hook.gate.checking import Checked
from hook.gate.gate import Admitted, Gate
from hook.gate.opens import RepoData
from hook.ledger import Ledger
from hook.who import Who

from toolkit.repos.registry import Registry
from toolkit.serving.log import Log
from toolkit.spec.deployment import Deployment, LogLine
from toolkit.spec.hook import HookConfig, HookTarget, PushLimits, RepoPolicy
from toolkit.spec.identity import Person
from toolkit.spec.repo import RefChange, Repo
from toolkit.spec.target import Endpoint, Secret
from toolkit.spec.tree import DictTree, Tree

TOKEN = "5b3f7a0c-1111-4222-8333-944444444444"
ANN = Person("aaaaaaaa-0000-4000-8000-000000000001", "ann", frozenset({"deploy"}))

CONFIG = """
[stack]
jobs = ["web"]
[environments.dev]
driver = "raw_exec"
"""
JOB = """
name = "web"
kind = "service"
[release]
version = "1.0.0"
[driver.raw_exec]
command = "/bin/true"
"""
TEMPLATE = '[% extends "_lib/service.nomad.hcl.j2" %]\n'
FILES = {
    "toolkit.toml": CONFIG,
    "jobs/web/job.toml": JOB,
    "jobs/web/job.nomad.hcl.j2": TEMPLATE,
}


def config(nomad: str = "http://127.0.0.1:9", **limits: Any) -> HookConfig:
    """A server that deploys to `dev` at that Nomad."""
    return HookConfig(
        cluster="dev",
        audience="hook.dev",
        url="http://127.0.0.1:8655",
        target=HookTarget(
            "dev",
            Endpoint("Nomad", nomad, "hook.toml"),
            Endpoint("Consul", "http://127.0.0.1:9", "hook.toml"),
            edge={"public": "http://127.0.0.1:8080"},
        ),
        policy=RepoPolicy(),
        limits=PushLimits(**limits),
    )


def files_of(files: Mapping[str, str]) -> FilesTree:
    """The files as a child gets them."""
    tree = DictTree({path: text.encode() for path, text in files.items()}, "c" * 40)
    return gather(tree, PushLimits())


@dataclass
class Written:
    """Stands for the audit."""

    entries: list[tuple[str, str, str]] = field(default_factory=list)
    """Subject, result (`intent` for one), detail."""
    error: Exception | None = None

    def intend(self, action: str, caller: object, subject: str, **more: Any) -> object:
        if self.error is not None:
            raise self.error
        self.entries.append((subject, "intent", str(more.get("after"))))
        return subject

    def conclude(self, intent: object, result: str, detail: str = "") -> None:
        self.entries.append((str(intent), result, detail))

    def note(
        self, action: str, caller: object, subject: str, result: str, detail: str, **more: Any
    ) -> None:
        if self.error is not None:
            raise self.error
        self.entries.append((subject, result, detail))


@dataclass
class Begun:
    """Stands for deployments."""

    intents: dict[str, RefChange] = field(default_factory=dict)
    records: list[Deployment] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    error: Exception | None = None
    on_intend: Callable[[], None] = lambda: None

    def intend(
        self, repo: str, change: RefChange, who: Who, *, digest: str = "", hooks: str = ""
    ) -> str:
        if self.error is not None:
            raise self.error
        name = f"{len(self.intents) + len(self.records):032x}"
        self.intents[name] = change
        self.on_intend()
        return name

    def drop(self, intent: str) -> None:
        del self.intents[intent]

    def begin(
        self,
        repo: str,
        change: RefChange,
        who: Who,
        *,
        digest: str = "",
        hooks: str = "",
        intent: str = "",
    ) -> Deployment:
        assert self.intents.pop(intent) == change
        record = Deployment(
            len(self.records) + 1, repo, change.new, change.old, str(who), "", digest=digest
        )
        self.records.append(record)
        return record

    def follow(self, repo: str, number: int, after: int = 0) -> Iterator[LogLine]:
        yield from self.log


class Passes:
    """Stands for the check of a commit: it finds nothing wrong."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.seen: list[Tree] = []
        self.wait: Callable[[], object] = lambda: None

    def check(self, tree: Tree, token: Secret, **more: Any) -> Checked:
        assert token.reveal() == TOKEN
        self.seen.append(tree)
        self.wait()
        if self.error is not None:
            raise self.error
        return Checked("web 1.0.0 (1 placed)", "sha256:0", ("web: a note",), ("web",))


@dataclass
class Pushed:
    """How a push ended, as the pusher sees it."""

    code: int
    out: str

    @property
    def lines(self) -> list[str]:
        """What the server said, without git's own lines."""
        found = [line for line in self.out.splitlines() if line.startswith("remote: ")]
        return [line.removeprefix("remote: ").rstrip() for line in found]


class Rig:
    """One gate, one repository, and a work tree to push from."""

    def __init__(self, root: Path, children: Children | None = None, **limits: Any):
        self.root = root
        self.config = config(**limits)
        self.data = root / "data"
        self.registry = Registry(self.data, self.config.limits)
        self.repo: Repo
        self.repo, _ = self.registry.create("shop", creator="ann", branch="main", order="newest")
        self.ledger, self.deploys, self.checks = Written(), Begun(), Passes()
        self.hooks: list[tuple[str, bytes, dict[str, str]]] = []
        self.refusing = ""
        self.log = (root / "log").open("w+")
        self.draining = False
        self.gate = Gate(
            self.config,
            self.data,
            children=children or Children(),
            opens=RepoData(self.registry, self.config.limits),
            deploys=self.deploys,
            run_hooks=self._run_hooks,
            version_of=lambda _repo: "",
            given=lambda _repo, _commit: {},
            ledger=cast(Ledger, self.ledger),
            log=Log(self.log),
            is_draining=lambda: self.draining,
        )
        if children is None:
            self.gate.checks = cast(Any, self.checks)
        self.gate.open()
        self.work = root / "work"
        self.who = Who(ANN, Secret(TOKEN))
        self.git("init", "-q", "-b", "main", str(self.work), cwd=root)

    def close(self) -> None:
        self.gate.close()
        self.log.close()

    def settle(self) -> None:
        """Wait for what pushes that ended have left to do."""
        for thread in tuple(self.gate._closing):
            thread.join()

    def logged(self) -> str:
        return (self.root / "log").read_text()

    def _run_hooks(
        self,
        repo: Repo,
        name: str,
        stdin: bytes,
        environ: Mapping[str, str],
        say: Callable[[str], None],
    ) -> int:
        self.hooks.append((name, stdin, dict(environ)))
        if name == self.refusing:
            say("not on a Friday")
            return 3
        return 0

    def git(
        self,
        *words: str,
        cwd: Path | None = None,
        environ: Mapping[str, str] | None = None,
        check: bool = True,
        stdin: bytes = b"",
    ) -> Pushed:
        done = subprocess.run(
            ["git", "-c", "core.hooksPath=/dev/null", *words],
            cwd=cwd or self.work,
            env={
                "PATH": os.defpath,
                "HOME": str(self.root),
                "GIT_CONFIG_NOSYSTEM": "1",
                "GIT_AUTHOR_NAME": "ann",
                "GIT_AUTHOR_EMAIL": "ann@example.com",
                "GIT_COMMITTER_NAME": "ann",
                "GIT_COMMITTER_EMAIL": "ann@example.com",
                **(environ or {}),
            },
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=60,
        )
        out = done.stdout.decode(errors="replace")
        assert done.returncode == 0 or not check, out
        return Pushed(done.returncode, out)

    def commit(self, files: Mapping[str, str] = FILES, message: str = "x") -> str:
        for path, text in files.items():
            target = self.work / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD").out.strip()

    def push(self, *refs: str, admitted: Admitted | None = None, **more: Any) -> Pushed:
        """`git push` of these refs through the gate."""
        if admitted is not None:
            return self._push(refs or ("main",), admitted, **more)
        with self.gate.admit(self.repo, self.who, "127.0.0.1") as found:
            done = self._push(refs or ("main",), found, **more)
        self.settle()
        return done

    def _push(self, refs: tuple[str, ...], admitted: Admitted, **more: Any) -> Pushed:
        receive = f"git -c core.hooksPath={admitted.hooks_path} receive-pack"
        return self.git(
            "push",
            f"--receive-pack={receive}",
            str(self.registry.path(self.repo)),
            *refs,
            environ={**admitted.environ, **more.pop("environ", {})},
            check=False,
            **more,
        )

    @property
    def head(self) -> str | None:
        return self.gate.opens.head(self.repo)


def in_thread(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread
