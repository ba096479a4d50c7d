"""`make demo`: a local cluster, three jobs, a bump under load, a release that fails, the proof."""

from __future__ import annotations

import json
import sys
import time
import urllib.request
from dataclasses import dataclass
from typing import Any

from bench.commands import ROOT, Ran, lines, must, toolkit
from bench.load import Load, Target, bars, by_release
from bench.nomad_side import Cluster, nomad_bump

REQUESTS = 1000
"""The fewest that each bump must see."""

TARGETS = (
    Target("page", "frontend.localhost", release_header="X-Backend-Release"),
    Target("backend", "backend.localhost"),
    Target("page", "frontend.localhost", release_header="X-Backend-Release"),
    Target("backend", "backend.localhost", method="POST"),
)


@dataclass(frozen=True, slots=True)
class Run:
    """One rollout under load."""

    title: str
    code: int
    seconds: float
    load: Load
    report: dict[str, Any]


def main() -> int:
    began = time.monotonic()
    heading("1  the local cluster: Consul and Nomad, on loopback")
    print("The first run compiles both for some minutes; later ones take seconds.")
    must(toolkit("dev", "up"))
    state = json.loads((ROOT / ".toolkit/dev/state.json").read_text())
    edge = f"http://127.0.0.1:{state['ports']['edge_public']}"
    nomad_address = f"http://127.0.0.1:{state['ports']['nomad_http']}"
    consul_address = f"http://127.0.0.1:{state['ports']['consul_http']}"

    heading("2  the edge and two services")
    must(toolkit("deploy", "traefik", "--yes", "--allow-edge-restart"))
    must(toolkit("deploy", "backend", "--release", "1.0.0", "--yes"))
    must(toolkit("deploy", "frontend", "--yes"))
    with urllib.request.urlopen(edge, timeout=10) as answer:
        seen = answer.headers.get("X-Backend-Release")
    print(f"\nGET {edge}/ → {answer.status}, the frontend's page names backend {seen}")
    if seen != "1.0.0":
        print("expected 1.0.0")
        return 1

    heading("3  backend 1.0.0 → 1.1.0, while requests go through Traefik")
    bump = under_load("toolkit deploy", edge, "deploy", "backend", "--release", "1.1.0", "--yes")
    must(Ran(bump.code, bump.seconds, {}))

    heading("4  a broken 1.2.0: it needs a db_url and gets none")
    broken = under_load(
        "a broken release", edge,
        "deploy", "backend", "--release", "1.2.0", "--var", "environment.DB_URL=", "--yes",
    )  # fmt: skip
    must(Ran(broken.code, broken.seconds, {}), 8)

    heading("5  the same bump, promoted on Nomad's word alone")
    must(toolkit("deploy", "backend", "--release", "1.0.0", "--yes", quiet=True))
    print("nomad job run, with auto_promote = true in the same job file", flush=True)
    alone = on_nomads_word(edge, nomad_address, state)
    must(toolkit("deploy", "backend", "--release", "1.1.0", "--yes", quiet=True))

    heading("what was seen")
    show(bump, broken, alone)
    print(
        f"""
look     frontend  {edge}/   or  http://frontend.localhost:{state["ports"]["edge_public"]}/
         backend   curl http://backend.localhost:{state["ports"]["edge_public"]}/
         Nomad     {nomad_address}/ui/
         Consul    {consul_address}/ui/
try      .venv/bin/toolkit status · .venv/bin/toolkit deploy backend --release 1.3.0
stop     .venv/bin/toolkit dev down

the whole demonstration took {time.monotonic() - began:.0f} s"""
    )
    lost = len(bump.load.failed) + len(broken.load.failed)
    if lost:
        print(f"{lost} requests failed in the rollouts above: that is a defect")
    return 1 if lost else 0


def under_load(title: str, edge: str, *arguments: str) -> Run:
    """One `toolkit` command under load, until its old instances are gone and enough was asked."""
    with Load(edge, TARGETS) as load:
        load.wait_for(150)
        ran = toolkit(*arguments, as_json=True)
        say_end(ran)
        settle(load)
    return Run(title, ran.code, ran.seconds, load, ran.report)


def on_nomads_word(edge: str, nomad_address: str, state: dict[str, Any]) -> Run:
    """`nomad job run` of the same job, which promotes by itself when Nomad calls it healthy."""
    nomad = next(p["binary"] for p in state["processes"] if p["name"] == "nomad")
    cluster = Cluster(nomad_address, f"127.0.0.1:{state['ports']['traefik_api']}", nomad)
    with Load(edge, TARGETS) as load:
        load.wait_for(150)
        code, seconds = nomad_bump(cluster, "1.1.0")
        settle(load)
    return Run("nomad job run", code, seconds, load, {})


def settle(load: Load) -> None:
    """Go on until the old instances' shutdown delay is over and enough was asked."""
    until = load.now + 7
    while load.now < until:
        time.sleep(0.1)
    load.wait_for(REQUESTS)
    load.stop()


def say_end(ran: Ran) -> None:
    """The verdict as the command said it."""
    report = ran.report
    if not report:
        return
    print(f"{report['verdict']:<9} {report['sentence']}")
    for cause in report.get("causes", [])[:1]:
        print(f"  cause   {cause['summary']}")
        for line in cause.get("evidence", []):
            print(f"          {line}")


def show(bump: Run, broken: Run, alone: Run) -> None:
    """One table, then the releases served by second."""
    rows = [
        ["rollout", "requests", "failed", "exit", "seconds", "releases served (first–last second)"]
    ]
    for run in (bump, broken, alone):
        served = ", ".join(
            f"{row.release} {row.first:.1f}–{row.last:.1f}" for row in by_release(run.load.hits)
        )
        rows.append(
            [run.title, str(len(run.load.hits)), str(len(run.load.failed)), str(run.code),
             f"{run.seconds:.1f}", served]
        )  # fmt: skip
    print("\n".join(lines(rows)))
    for run in (bump, broken):
        timings = run.report.get("timings", {})
        stages = [f"{name} {value:.2f}" for name, value in timings.items() if value]
        print(f"\n{run.title}, seconds by stage: {', '.join(stages)}")
    print("\nbackend 1.0.0 → 1.1.0, requests by second and release")
    print("\n".join(bars(bump.load.hits)))
    if alone.load.failed:
        words = sorted({str(hit.problem) for hit in alone.load.failed})
        print(f"\non Nomad's word alone: {len(alone.load.failed)} lost ({', '.join(words)})")


def heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
