"""Twenty bumps of three instances under load: what failed, of how many."""

from __future__ import annotations

import json

from bench.commands import ROOT, must, toolkit
from bench.demo import TARGETS, settle
from bench.load import Load, by_release, tell_failed
from bench.nomad_side import Cluster
from bench.row import Row

BUMPS = 20
LEAST = 20_000
"""Requests that must have been asked, or 0 failed says little."""


def lossless(_cluster: Cluster) -> list[Row]:
    """Bumps one after the other, each deployed and verified as a user does it."""
    state = json.loads((ROOT / ".toolkit/dev/state.json").read_text())
    edge = f"http://127.0.0.1:{state['ports']['edge_public']}"
    must(toolkit("deploy", "backend", "--release", "2.0.0", "--yes", quiet=True))
    # Deploys keep the count that somebody scaled to.
    must(toolkit("scale", "backend", "3", "--yes", quiet=True))
    # Half of the clients keep their connection, across releases too.
    with Load(edge, TARGETS, rate=120, clients=6, fresh=3) as load:
        for number in range(1, BUMPS + 1):
            must(toolkit("deploy", "backend", "--release", f"2.0.{number}", "--yes", quiet=True))
        load.wait_for(LEAST)
        settle(load)
    must(toolkit("deploy", "backend", "--release", "2.0.0", "--reset-count", "--yes", quiet=True))
    served = [row.release for row in by_release(load.hits) if row.release.startswith("2.0.")]
    slowest = max(hit.seconds for hit in load.hits)
    print(
        f"   {len(served)} releases answered, in {load.now:.0f} s; the slowest answer took "
        f"{slowest:.2f} s"
    )
    holds = not load.failed and len(load.hits) >= LEAST and len(served) == BUMPS + 1
    return [
        Row(
            f"failed requests over {BUMPS} bumps of 3",
            f"0 of {LEAST}",
            f"{len(load.failed)} of {len(load.hits)} {tell_failed(load.hits)}".strip(),
            holds,
        )
    ]
