"""A project of its own on local agents of its own: a git repository that is deployed from."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.commands import ROOT, Ran
from tests.agents.cluster import LocalCluster, local_cluster

PROJECT = """\
default_environment = "dev"

[stack]
jobs = ["traefik", "backend"]

[environments.dev]
local = true
driver = "raw_exec"
"""
DEADLINE = 120.0
"""Seconds that anything may take before a measurement is given up."""


@dataclass
class Project:
    """The folder, its agents, and the commands that a user types there."""

    root: Path
    cluster: LocalCluster
    environ: dict[str, str] = field(default_factory=dict)
    """Said to every command, beside what the user's shell says."""

    @property
    def edge(self) -> str:
        """Where requests enter."""
        return f"http://127.0.0.1:{self.cluster.state.ports.edge_public}"

    def toolkit(
        self, *arguments: str, environ: Mapping[str, str] | None = None, given: str = ""
    ) -> Ran:
        """One command with `--json`; `given` on its standard input."""
        began = time.monotonic()
        ran = subprocess.run(
            [sys.executable, "-m", "toolkit", *arguments, "--json"],
            cwd=self.root,
            check=False,
            input=given,
            capture_output=True,
            env={**shell(), **self.environ, **(environ or {})},
            text=True,
        )
        seconds = time.monotonic() - began
        try:
            report = json.loads(ran.stdout)
        except ValueError:
            report = {"said": ran.stderr[-2000:]}
        return Ran(ran.returncode, seconds, report)

    def must(self, *arguments: str) -> Ran:
        """The same, and it has to go well."""
        ran = self.toolkit(*arguments)
        if ran.code != 0:
            said = ran.report.get("sentence") or ran.report.get("error") or ran.report
            raise SystemExit(f"toolkit {' '.join(arguments)}: exit {ran.code}: {said}")
        return ran

    def commit(self, message: str) -> float:
        """Commit everything; the moment after, on the monotonic clock."""
        self._git("add", "-A")
        self._git("commit", "-q", "-m", message)
        return time.monotonic()

    def release(self, version: str) -> float:
        """Write a release into the backend's job file and commit it; the moment after."""
        path = self.root / "jobs/backend/job.toml"
        lines = [
            f'version = "{version}"' if line.startswith("version = ") else line
            for line in path.read_text().splitlines()
        ]
        path.write_text("\n".join(lines) + "\n")
        return self.commit(f"backend {version}")

    def begin(self) -> None:
        """Make it a repository."""
        self._git("init", "-q", "-b", "main")
        (self.root / ".gitignore").write_text(".toolkit/\n")
        self.commit("begin")

    def _git(self, *arguments: str) -> None:
        who = ["-c", "user.name=ann", "-c", "user.email=ann@example.com"]
        subprocess.run(["git", *who, *arguments], cwd=self.root, check=True, env=shell())


def shell() -> dict[str, str]:
    """The variables of a shell without addresses and tokens of other clusters."""
    kept = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


@contextmanager
def project(root: Path, *, acl: bool = False, more: str = "") -> Iterator[Project]:
    """A project with the shipped backend, and its agents; `more` is added to its job file."""
    with local_cluster(root, acl=acl) as cluster:
        (root / "toolkit.toml").write_text(PROJECT)
        for name in ("_lib", "backend", "traefik"):
            shutil.copytree(ROOT / "jobs" / name, root / "jobs" / name)
        path = root / "jobs/backend/job.toml"
        path.write_text(path.read_text() + more)
        made = Project(root, cluster)
        made.begin()
        made.must("deploy", "traefik", "--yes", "--allow-edge-restart")
        yield made


def read(url: str, token: str = "") -> Any:
    """A JSON answer."""
    headers = {"X-Nomad-Token": token} if token else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, headers=headers), timeout=10) as answer:
        return json.load(answer)


def until(what: str, holds: Callable[[], bool], seconds: float = DEADLINE) -> float:
    """Wait for something that nothing announces; the moment at which it held."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return time.monotonic()
        except OSError:
            pass
        if time.monotonic() > deadline:
            raise SystemExit(f"not within {seconds:g} s: {what}")
        time.sleep(0.05)
