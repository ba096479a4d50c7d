"""A project on the session's cluster, and jobs in it that the tests of the workflows steer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from tests.agents.cluster import LocalCluster
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.config.project import find_project
from toolkit.config.settings import Flags, Settings
from toolkit.rollout import read
from toolkit.rollout.world import World
from toolkit.spec.observed import AllocationView
from toolkit.workflows.session import Session

DEADLINE = 60.0
_numbers = count(1)

SERVICE = """
job "NAME" {
  type = "service"
  meta {
    release = "RELEASE"
  }
  group "web" {
    DISTINCT
    count          = COUNT
    shutdown_delay = "0s"
    update {
      canary            = CANARY
      max_parallel      = 2
      min_healthy_time  = "500ms"
      healthy_deadline  = "20s"
      progress_deadline = "30s"
      auto_revert       = true
      auto_promote      = false
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    network {
      port "http" {}
    }
    service {
      name = "NAME"
      port = "http"
      check {
        type     = "http"
        path     = "/"
        interval = "1s"
        timeout  = "1s"
      }
    }
    task "app" {
      driver       = "raw_exec"
      kill_timeout = "2s"
      config {
        command = "PYTHON"
        args    = ["-u", "-m", "http.server", "--bind", "127.0.0.1", "${NOMAD_PORT_http}"]
      }
      resources {
        cpu    = 20
        memory = 48
      }
      logs {
        max_files     = 1
        max_file_size = 1
      }
    }
  }
}
"""

ONE_A_NODE = """
    constraint {
      operator = "distinct_hosts"
      value    = "true"
    }
"""

SCRIPT = """
job "NAME" {
  type = "service"
  group "web" {
    count = COUNT
    update {
      max_parallel = 0
    }
    restart {
      attempts = 0
      mode     = "fail"
    }
    reschedule {
      attempts  = 0
      unlimited = false
    }
    task "app" {
      driver       = "raw_exec"
      kill_timeout = "2s"
      config {
        command = "/bin/sh"
        args    = ["-c", <<EOT
BODY
EOT
        ]
      }
      resources {
        cpu    = 20
        memory = 24
      }
      logs {
        max_files     = 1
        max_file_size = 1
      }
    }
  }
}
"""


class Yard:
    """A project folder with an environment on the cluster."""

    def __init__(self, cluster: LocalCluster, root: Path) -> None:
        self.cluster = cluster
        self.root = root
        self.made: list[str] = []
        (root / "jobs").mkdir()
        (root / "toolkit.toml").write_text(
            'default_environment = "dev"\n[environments.dev]\nlocal = true\ndriver = "raw_exec"\n'
        )

    def name(self) -> str:
        """A job name that no other test has; it is purged at the end."""
        name = f"yard-{next(_numbers)}"
        self.made.append(name)
        return name

    def session(self, *, nomad: Nomad | None = None, **changes: Any) -> Session:
        """A session in this project; `changes` are the target's."""
        target = self.cluster.target(**changes)
        settings = Settings(
            project=find_project(self.root),
            target=target,
            flags=Flags(),
            cache_dir=self.root / "cache",
            nomad_bin=None,
            consul_bin=None,
            traefik_bin=None,
            no_color=True,
        )
        return Session(settings, World(target, nomad or Nomad(target.nomad), Consul(target.consul)))

    def through(self, address: str) -> Session:
        """A session whose Nomad is behind a proxy."""
        target = self.cluster.target()
        return self.session(nomad=Nomad(replace(target.nomad, address=address)))

    def write(self, name: str, hcl: str, job_toml: str = "") -> None:
        """The job's files."""
        folder = self.root / "jobs" / name
        folder.mkdir(exist_ok=True)
        (folder / "job.nomad.hcl").write_text(hcl)
        if job_toml:
            (folder / "job.toml").write_text(job_toml)

    def service(self, *, count: int = 2, canary: int = 0, release: str = "1.0.0") -> str:
        """A new job with a checked Consul service, running and healthy."""
        name = self.name()
        self.release(name, count=count, canary=canary, release=release)
        self.running(name, count, healthy=True)
        return name

    def release(
        self,
        name: str,
        *,
        count: int = 2,
        canary: int = 0,
        release: str,
        command: str = "",
        distinct: bool = False,
    ) -> None:
        """Write and register a version of a service; `command` in place of the server."""
        hcl = SERVICE.replace("NAME", name).replace("RELEASE", release)
        hcl = hcl.replace("COUNT", str(count)).replace("CANARY", str(canary))
        hcl = hcl.replace("DISTINCT", ONE_A_NODE if distinct else "")
        hcl = hcl.replace("PYTHON", command or sys.executable)
        self.register(name, hcl)

    def script(self, body: str, *, count: int = 1) -> str:
        """A new job that runs a shell script in each instance."""
        name = self.name()
        hcl = SCRIPT.replace("NAME", name).replace("COUNT", str(count)).replace("BODY", body)
        self.register(name, hcl)
        return name

    def register(self, name: str, hcl: str) -> None:
        """Write the job's file and register it, whatever is there."""
        self.write(name, hcl)
        with self.cluster.nomad() as nomad:
            job = nomad.parse(hcl)
            live = nomad.job(name)
            nomad.register(job, check_index=int(live["JobModifyIndex"]) if live else 0)

    def allocations(self, name: str) -> tuple[AllocationView, ...]:
        """All instances that Nomad lists, oldest first."""
        with self.cluster.nomad() as nomad:
            return read.allocations(nomad.allocations(name).value)

    def running(self, name: str, number: int, *, healthy: bool = False) -> list[AllocationView]:
        """Wait until `number` instances run (and are healthy)."""

        def right(views: tuple[AllocationView, ...]) -> bool:
            good = [v for v in views if v.should_run and v.client_status == "running"]
            return len(good) == number and (not healthy or all(v.healthy for v in good))

        views = self.until(name, right)
        return [v for v in views if v.should_run]

    def until(
        self, name: str, holds: Callable[[tuple[AllocationView, ...]], bool]
    ) -> tuple[AllocationView, ...]:
        """Block on the job's allocations until they are as wanted."""
        deadline, index = time.monotonic() + DEADLINE, 0
        with self.cluster.nomad() as nomad:
            while time.monotonic() < deadline:
                page = nomad.allocations(name, index=index, wait=5.0 if index else 0.0)
                index, views = page.index, read.allocations(page.value)
                if holds(views):
                    return views
        raise AssertionError(f"{name} did not get there: {views}")

    def until_stable(self, name: str) -> None:
        """Until Nomad calls the live version stable, which a revert needs."""

        def stable() -> bool:
            with self.cluster.nomad() as nomad:
                return bool((nomad.job(name) or {}).get("Stable"))

        self.cluster.until(f"{name} is stable", stable)

    def sleeper(self) -> str:
        """Path of a program that runs and listens nowhere, whatever its arguments."""
        path = self.root / "sleeper"
        path.write_text("#!/bin/sh\nexec sleep 600\n")
        path.chmod(0o755)
        return str(path)

    def close(self) -> None:
        """Purge every job that was made."""
        with self.cluster.nomad() as nomad:
            for name in self.made:
                if nomad.job(name) is not None:
                    nomad.stop(name, purge=True)
                nomad.delete_variable(f"nomad/jobs/{name}")
