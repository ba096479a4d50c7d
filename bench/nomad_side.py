"""The peer in every comparison: the same agents, the same job, run by `nomad job run`."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from bench.commands import ROOT, must, nomad_run, toolkit


@dataclass(frozen=True, slots=True)
class Cluster:
    """The local cluster, with the shipped jobs on it."""

    nomad: str
    traefik: str
    binary: str

    @classmethod
    def start(cls) -> Cluster:
        """Bring everything up that the measurements need."""
        must(toolkit("dev", "up", quiet=True))
        for job in ("traefik", "backend", "frontend"):
            must(toolkit("deploy", job, "--yes", "--allow-edge-restart", quiet=True))
        state = json.loads((ROOT / ".toolkit/dev/state.json").read_text())
        return cls(
            nomad=f"http://127.0.0.1:{state['ports']['nomad_http']}",
            traefik=f"127.0.0.1:{state['ports']['traefik_api']}",
            binary=next(p["binary"] for p in state["processes"] if p["name"] == "nomad"),
        )

    def version(self, job: str) -> int:
        """The registered version of a job."""
        with urllib.request.urlopen(f"{self.nomad}/v1/job/{job}", timeout=5) as answer:
            return int(json.load(answer)["Version"])

    def nomad_run(self, path: Path, *more: str) -> tuple[int, float]:
        """`nomad job run` on a job file: exit code and seconds."""
        with tempfile.TemporaryDirectory() as folder:
            return nomad_run(self.binary, self.nomad, path.read_text(), Path(folder), *more)


def auto_promoted(hcl: str) -> str:
    """The same job, left to Nomad's own promotion."""
    changed = [
        "auto_promote = true" if line.split()[:2] == ["auto_promote", "="] else line
        for line in hcl.splitlines()
    ]
    return "\n".join(changed) + "\n"


def nomad_bump(cluster: Cluster, release: str) -> tuple[int, float]:
    """A bump of the shipped backend by `nomad job run` with auto_promote: exit code, seconds."""
    rendered = subprocess.run(
        [sys.executable, "-m", "toolkit", "render", "backend", "--release", release],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return nomad_run(cluster.binary, cluster.nomad, auto_promoted(rendered), Path(folder))


def peer_job(folder: Path) -> Path:
    """A job with the settings that the peers were measured with, and one restart after 1 s."""
    path = folder / "peer.nomad.hcl"
    path.write_text(_PEER.replace("PYTHON", sys.executable))
    return path


_PEER = """
variable "release" { default = "1.0.0" }
variable "broken" { default = "false" }
variable "memory" { default = 64 }
variable "healthy" { default = "1s" }

job "peer" {
  datacenters = ["*"]
  meta { release = var.release }

  group "app" {
    count          = 4
    shutdown_delay = "1s"

    update {
      max_parallel      = 1
      min_healthy_time  = var.healthy
      healthy_deadline  = "30s"
      progress_deadline = "60s"
      auto_revert       = true
    }
    restart {
      attempts = 1
      delay    = "1s"
      interval = "10m"
      mode     = "fail"
    }
    network {
      port "http" {}
    }
    service {
      name = "peer"
      port = "http"
      check {
        type     = "http"
        path     = "/"
        interval = "1s"
        timeout  = "1s"
      }
    }
    task "app" {
      driver      = "raw_exec"
      kill_signal = "SIGTERM"
      config {
        command = "PYTHON"
        args    = ["-c", <<-EOT
          import os, sys
          if os.environ["BROKEN"] == "true":
              sys.exit("FATAL told to be broken")
          from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
          address = ("127.0.0.1", int(os.environ["NOMAD_PORT_http"]))
          ThreadingHTTPServer(address, SimpleHTTPRequestHandler).serve_forever()
        EOT
        ]
      }
      env {
        BROKEN = var.broken
      }
      resources {
        cpu    = 20
        memory = var.memory
      }
    }
  }
}
"""
