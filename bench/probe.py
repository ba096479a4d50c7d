"""What a probe costs the machine that deploys: a process with one, beside the same without."""

from __future__ import annotations

import json
import subprocess
import sys

from bench.commands import ROOT
from bench.nomad_side import Cluster
from bench.row import Row
from bench.samples import Sample

RATE = 50.0
SECONDS = 20.0
PAIRS = 3
MOST = 0.03
"""Of one core."""

CHILD = """
import json, resource, sys, threading, time
from toolkit.clients.consul import Consul
from toolkit.clients.nomad import Nomad
from toolkit.rollout.probe.doors import Asking, Place
from toolkit.rollout.probe.probe import Probe, Releases
from toolkit.rollout.world import World
from toolkit.spec.jobspec import ServedRelease
from toolkit.spec.probe import ProbeSettings
from toolkit.spec.target import Endpoint, Target

edge, rate, seconds, on = sys.argv[1], float(sys.argv[2]), float(sys.argv[3]), sys.argv[4] == "on"
nobody = Endpoint("Nomad", edge, "bench")
world = World(Target("bench", nobody, nobody), Nomad(nobody), Consul(nobody))
asking = Asking(
    (edge,), "backend.localhost", (Place(0, "GET", "/"),), ProbeSettings(rate=rate),
    ServedRelease(header="X-Release"),
)
probe = Probe(world, asking, Releases("1.1.0", "1.0.0"), lambda *_: None, counting="now")


def used():
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime


def wait():
    threading.Event().wait(seconds)


before = used()
if on:
    with probe:
        wait()
    seen = probe.seen()
    print(json.dumps([used() - before, seen.requests, seen.failed]))
else:
    wait()
    print(json.dumps([used() - before, 0, 0]))
"""


def probe(_cluster: Cluster) -> list[Row]:
    """Seconds of a core per second, through the shipped Traefik to the shipped backend."""
    state = json.loads((ROOT / ".toolkit/dev/state.json").read_text())
    edge = f"http://127.0.0.1:{state['ports']['edge_public']}"
    shares, requests, failed = [], 0, 0
    for _ in range(PAIRS):
        with_it, made, lost = _child(edge, on=True)
        without, _, _ = _child(edge, on=False)
        shares.append((with_it - without) / SECONDS)
        requests, failed = requests + int(made), failed + int(lost)
    share = Sample(tuple(shares))
    asked = requests / (PAIRS * SECONDS)
    seen = f"{share.median:.2%}, {asked:.1f} a second, {failed} of {requests} failed"
    holds = share.median <= MOST and asked >= RATE * 0.98
    return [Row(f"a probe of {RATE:g} requests/s, of one core", f"≤ {MOST:.0%}", seen, holds)]


def _child(edge: str, *, on: bool) -> tuple[float, float, float]:
    command = [
        sys.executable,
        "-c",
        CHILD,
        edge,
        f"{RATE:g}",
        f"{SECONDS:g}",
        "on" if on else "off",
    ]
    ran = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=SECONDS + 60, check=True
    )
    spent, made, lost = json.loads(ran.stdout)
    return spent, made, lost
