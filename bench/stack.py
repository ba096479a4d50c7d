"""A stack of twenty services that wait for nothing, beside the slowest of them alone.

What is compared is a bump: a canary each, gated and verified. Each instance is the least server
that Python makes; how it is rolled out is what a job file means that says nothing of it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import samples
from bench.row import Row
from tests.agents.cluster import LocalCluster, local_cluster
from toolkit.agents import processes

SERVICES = 20
ALONE = 4
"""So many of them are bumped alone, one after the other: they are all alike."""
MOST = 1.5

SERVER = """
import os
import socketserver


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        release = os.environ["RELEASE"]
        self.wfile.write(
            f"HTTP/1.1 200 OK\\r\\nX-Release: {release}\\r\\nContent-Length: 0\\r\\n"
            "Connection: close\\r\\n\\r\\n".encode()
        )


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True


Server((os.environ["NOMAD_IP_http"], int(os.environ["NOMAD_PORT_http"])), Handler).serve_forever()
"""

JOB = """
release = { version = "RELEASE", header = "X-Release" }
[driver.raw_exec]
args = ["-S", "-E", "SERVER"]
[resources]
cpu = 20
memory = 32
[ports.http]
[check]
path = "/"
[rollout]
shutdown_delay = "5s"
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """One command: how long, and what it cost whom."""

    seconds: float
    own: float
    """Seconds of one core in our process."""
    agents: float
    """The same in Nomad, Consul and all that they run."""

    def __str__(self) -> str:
        share = (self.own + self.agents) / self.seconds / (os.cpu_count() or 1)
        return (
            f"{self.seconds:.1f} s ({self.own:.1f} s of a core here, {self.agents:.1f} s in the "
            f"agents and tasks: {share:.0%} of the machine)"
        )


def stack() -> list[Row]:
    """All at once beside one alone, in the same minutes."""
    names = [f"service-{number:02}" for number in range(SERVICES)]
    with tempfile.TemporaryDirectory() as folder, local_cluster(Path(folder) / "stack") as cluster:
        (cluster.root / "server.py").write_text(SERVER)
        listed = ", ".join(f'"{name}"' for name in names)
        (cluster.root / "toolkit.toml").write_text(
            'default_environment = "dev"\n[environments.dev]\nlocal = true\ndriver = "raw_exec"\n'
            f"[stack]\njobs = [{listed}]\nparallel = {SERVICES}\n"
        )
        write(cluster.root, names, "1.0.0")
        first = taken(cluster, "deploy", "--all")
        print(f"   first deploy of all: {first}", flush=True)
        alone = []
        for name in names[:ALONE]:
            write(cluster.root, [name], "1.1.0")
            alone.append(taken(cluster, "deploy", name))
            print(f"   {name} alone: {alone[-1]}", flush=True)
        slowest = max(alone, key=lambda each: each.seconds)
        write(cluster.root, names, "1.2.0")
        every = taken(cluster, "deploy", "--all")
        print(f"   all of them: {every}", flush=True)
    ratio = every.seconds / slowest.seconds
    cores = os.cpu_count() or 1
    bound = (every.own + every.agents) / cores
    return [
        Row(
            f"deploy --all of {SERVICES} services / the slowest of {ALONE} alone",
            f"≤ {MOST}",
            f"{ratio:.2f}: {every}; alone {slowest}",
            ratio <= MOST,
        ),
        Row(
            f"what of it {cores} cores have to take, whoever waits",
            "stated",
            f"{bound:.1f} s of {every.seconds:.1f} s",
            True,
        ),
    ]


def write(root: Path, names: list[str], release: str) -> None:
    """The job files at a release."""
    for name in names:
        folder = root / "jobs" / name
        folder.mkdir(parents=True, exist_ok=True)
        text = JOB.replace("RELEASE", release).replace("SERVER", str(root / "server.py"))
        (folder / "job.toml").write_text(text)
        template = '[% extends "_lib/service.nomad.hcl.j2" %]\n'
        (folder / "job.nomad.hcl.j2").write_text(template)


def taken(cluster: LocalCluster, *arguments: str) -> Taken:
    """Run one command, and count what it and the agents took."""
    before = agents_seconds(cluster)
    began = time.monotonic()
    own = os.times()
    ran = samples.run([*samples.toolkit(*arguments), "--json"], folder=cluster.root)
    seconds, now = time.monotonic() - began, os.times()
    report = json.loads(ran.output)
    assert ran.code == 0, report.get("sentence") or report
    mine = now.children_user + now.children_system - own.children_user - own.children_system
    return Taken(seconds, mine, agents_seconds(cluster) - before)


def agents_seconds(cluster: LocalCluster) -> float:
    """Seconds of one core that the agents and what they run have taken; the ended ones included."""
    total = 0.0
    for process in processes.belonging_to(cluster.layout.dev):
        try:
            text = Path(f"/proc/{process.pid}/stat").read_text()
        except OSError:
            continue
        user, system, ended_user, ended_system = text.rpartition(")")[2].split()[11:15]
        ticks = int(user) + int(system) + int(ended_user) + int(ended_system)
        total += ticks / os.sysconf("SC_CLK_TCK")
    return total


if __name__ == "__main__":
    for row in stack():
        print(row)
    sys.exit()
