"""A project with a cluster, and the command line as a user types it."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.agents.shop import Hook, Listener, Said
from tests.docs.schemas import check_printed
from toolkit.cli.main import run
from toolkit.cli.world import World
from toolkit.cluster.rehearsal.places import Places

JOBS = Path(__file__).parents[2] / "jobs"

CLUSTER = """\
region = "eu-west-1"
protected = false
[pools.frontend]
type = "t3.small"
min = 2
max = 3
[pools.worker]
type = "t3.large"
min = 2
max = 4
[binaries.nomad]
version = "1.11.3"
[binaries.consul]
version = "1.22.7"
"""

TRAEFIK = """
[env.prod.variables]
throttle = "100ms"
accept_grace = "0s"
drain_grace = "5s"

[env.prod.check]
interval = "1s"

[env.prod.rollout]
min_healthy_time = "1s"
healthy_deadline = "60s"
progress_deadline = "90s"
shutdown_delay = "0s"
kill_timeout = "10s"
"""

SERVICE = """
[env.prod]
count = 2

[env.prod.check]
interval = "1s"

[env.prod.rollout]
min_healthy_time = "1s"
healthy_deadline = "60s"
progress_deadline = "90s"
shutdown_delay = "2s"
"""

INSIDE = """
[env.prod.variables]
consul_address = "http://127.0.0.1:8500"

[env.prod.secrets]
keys = ["consul_http_token"]
"""


@dataclass
class Project:
    """A folder with a cluster file; `environ` is all that commands see of the environment."""

    root: Path
    environ: Mapping[str, str]

    @property
    def places(self) -> Places:
        """Where its rehearsal is."""
        return Places(self.root, "prod")

    def toolkit(self, *arguments: str, on: Mapping[str, Hook] | None = None) -> Said:
        """Run a command without a terminal."""
        out, err = io.StringIO(), Listener(on or {})
        world = World(arguments, self.environ, io.StringIO(), out, err, self.root)
        code = run(world)
        assert not err.hooks, f"never said: {list(err.hooks)}\n{err.getvalue()}"
        if "--json" in arguments:
            check_printed(out.getvalue())
        return Said(int(code), out.getvalue(), err.getvalue())

    def process(self, *arguments: str) -> subprocess.Popen[str]:
        """The same as a process of its own."""
        paths = os.pathsep.join(path for path in sys.path if path)
        return subprocess.Popen(
            [sys.executable, "-m", "toolkit", *arguments],
            cwd=self.root,
            env={**self.environ, "PYTHONPATH": paths},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


def make_project(root: Path, programs: Mapping[str, Path]) -> Project:
    """A project with the shipped jobs, made for the cluster `prod`.

    `programs`: paths by name: nomad, consul, traefik.
    """
    root.mkdir(parents=True, exist_ok=True)
    root = root.resolve()
    stack = '[stack]\njobs = ["traefik", "backend", "frontend"]\n'
    (root / "toolkit.toml").write_text(f"{stack}[environments.dev]\nlocal = true\n")
    (root / "clusters").mkdir()
    (root / "clusters" / "prod.toml").write_text(CLUSTER)
    for name in ("_lib", "traefik", "backend", "frontend"):
        shutil.copytree(JOBS / name, root / "jobs" / name)
    more = {"traefik": TRAEFIK, "backend": SERVICE, "frontend": SERVICE + INSIDE}
    for name, text in more.items():
        with (root / "jobs" / name / "job.toml").open("a") as file:
            file.write(text)
    # What only tasks may call enters where only they are.
    backend = root / "jobs" / "backend" / "job.toml"
    text = backend.read_text()
    assert 'visibility = "public"' in text
    backend.write_text(text.replace('visibility = "public"', 'visibility = "private"'))
    environ = {"PATH": os.defpath, "HOME": str(root), "NO_COLOR": "1"}
    environ |= {f"{name.upper()}_BIN": str(path) for name, path in programs.items()}
    return Project(root, environ)
