"""`make bench`: the numbers that the project promises, each beside its peer in the same run."""

from __future__ import annotations

import functools
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench import samples
from bench.big_cluster import big_cluster
from bench.cluster_aws import cluster_aws
from bench.commands import Ran, lines, must, toolkit
from bench.dev_watch import dev_watch
from bench.gallery import gallery
from bench.hook_clone import hook_clone
from bench.hook_crowd import hook_crowd
from bench.hook_push import hook_push
from bench.kick_reconcile import kick_reconcile
from bench.kick_writes import kick_memory, kick_writes
from bench.lossless import lossless
from bench.nomad_side import Cluster, nomad_bump, peer_job
from bench.observer import Observer
from bench.page import page
from bench.probe import probe
from bench.rehearsal import rehearsal
from bench.row import Row
from bench.stack import stack
from bench.why_not import why_not


def main() -> int:
    """Measure everything that was asked for by name; all without arguments."""
    print("\n".join(samples.machine()), flush=True)
    wanted = sys.argv[1:]
    alone = [measure for measure in ALONE if not wanted or measure.__name__ in wanted]
    shared = [measure for measure in MEASURES if not wanted or measure.__name__ in wanted]
    measures: list[tuple[str, Callable[[], list[Row]]]] = []
    if shared:
        cluster = Cluster.start()
        measures += [(measure.__name__, functools.partial(measure, cluster)) for measure in shared]
    measures += [(measure.__name__, measure) for measure in alone]
    rows: list[Row] = []
    for name, measure in measures:
        print(f"\n== {name}", flush=True)
        for row in measure():
            rows.append(row)
            print(f"   {row.what}: {row.seen}", flush=True)
    print()
    table = [["what", "must reach", "seen", ""]]
    table += [[row.what, row.must, row.seen, "holds" if row.holds else "MISSED"] for row in rows]
    print("\n".join(lines(table)))
    return 0 if all(row.holds for row in rows) else 1


def startup(_cluster: Cluster) -> list[Row]:
    """Help and render against a bare interpreter."""
    nothing, shown, rendered = samples.interleaved(
        30, samples.bare(), samples.toolkit("--help"), samples.toolkit("render", "backend")
    )
    help_ratio = shown.median / nothing.median
    render_ratio = rendered.median / nothing.median
    return [
        Row(
            "toolkit --help / python -c pass",
            "≤ 1.3",
            f"{help_ratio:.2f} ({shown})",
            help_ratio <= 1.3,
        ),
        Row(
            "toolkit render backend / python -c pass",
            "≤ 15",
            f"{render_ratio:.1f} ({rendered})",
            render_ratio <= 15,
        ),
    ]


def unchanged(_cluster: Cluster) -> list[Row]:
    """A redeploy with nothing changed, verified."""
    must(toolkit("deploy", "backend", "--release", "1.0.0", "--yes", quiet=True))
    nothing, deploy = samples.interleaved(
        5, samples.bare(), samples.toolkit("deploy", "backend", "--release", "1.0.0", "--yes")
    )
    own = deploy.median - nothing.median
    return [
        Row(
            "redeploy, nothing changed",
            "≤ 0.5 s",
            f"{own:.2f} s beyond the interpreter",
            own <= 0.5,
        )
    ]


def added(cluster: Cluster) -> list[Row]:
    """What the tool adds to a rollout, calls and memory."""
    adds, calls, peaks = [], [], []
    for number in range(5):
        release = f"1.0.{number + 1}"
        with Observer(
            cluster.nomad, cluster.traefik, "backend", cluster.version("backend")
        ) as seen:
            ran = samples.run(
                samples.toolkit("deploy", "backend", "--release", release, "--yes", "--json")
            )
            done = time.monotonic()
            seen.wait(5)
        report = json.loads(ran.output)
        assert report["verdict"] == "deployed", report["sentence"]
        assert None not in (seen.healthy, seen.promoted, seen.ended, seen.edge_new, seen.edge_clean)
        before = max(seen.healthy or 0, seen.edge_new or 0)
        after = max(seen.ended or 0, seen.edge_clean or 0)
        gate, verdict = (seen.promoted or 0) - before, done - after
        lags = [
            max((shown or 0) - (said or 0), 0)
            for shown, said in ((seen.edge_new, seen.healthy), (seen.edge_clean, seen.ended))
        ]
        print(
            f"   {release}: to promotion {gate:.3f} s, to the verdict {verdict:.3f} s, the end of "
            f"the process included; Traefik lagged {lags[0]:.3f} and {lags[1]:.3f} s"
        )
        adds.append(max(gate, 0) + max(verdict, 0))
        calls.append(report["calls"] - report["expired_waits"])
        peaks.append(ran.peak)
        settle_edge()
    sample, peak = samples.Sample(tuple(adds)), max(peaks) / 1024
    return [
        Row("added to a rollout", "≤ 0.3 s", str(sample), sample.median <= 0.3),
        Row("calls to Nomad in a bump of 2", "≤ 25", f"{max(calls)} at most", max(calls) <= 25),
        Row("peak memory of toolkit deploy", "≤ 80 MB", f"{peak:.0f} MB", peak <= 80),
    ]


def patience(_cluster: Cluster) -> list[Row]:
    """Calls grow with state changes, not with time: four instances, one after the other."""
    counts, seconds = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = str(peer_job(Path(folder)))
        must(toolkit("deploy", path, "--yes", quiet=True))
        for release, healthy in (("1.1.0", "1s"), ("1.2.0", "4s")):
            values = ["--var", f"release={release}", "--var", f"healthy={healthy}"]
            ran = must(toolkit("deploy", path, *values, "--yes", as_json=True, quiet=True))
            counts.append(ran.report["calls"] - ran.report["expired_waits"])
            seconds.append(ran.seconds)
        must(toolkit("stop", "peer", "--purge", "--yes", quiet=True))
    seen = f"{counts[1]} in {seconds[1]:.0f} s / {counts[0]} in {seconds[0]:.0f} s"
    holds = counts[1] <= counts[0] * 1.2
    return [Row("calls of a slow bump of 4 / of a quick one", "≤ 1.2", seen, holds)]


def against_nomad(cluster: Cluster) -> list[Row]:
    """A whole bump against `nomad job run` with auto_promote, in turn."""
    ours, theirs = [], []
    for number in range(5):
        began = time.monotonic()
        must(toolkit("deploy", "backend", "--release", f"1.2.{number}", "--yes", quiet=True))
        ours.append(time.monotonic() - began)
        settle_edge()
        code, seconds = nomad_bump(cluster, f"1.3.{number}")
        assert code == 0
        theirs.append(seconds)
        settle_edge()
    mine, peer = samples.Sample(tuple(ours)), samples.Sample(tuple(theirs))
    ratio = mine.median / peer.median
    return [
        Row(
            "toolkit deploy / nomad job run",
            "≤ 1.2",
            f"{ratio:.2f} ({mine.median:.2f} s / {peer.median:.2f} s)",
            ratio <= 1.2,
        )
    ]


def failing(cluster: Cluster) -> list[Row]:
    """A new version that exits at once, and one that cannot be placed."""
    with tempfile.TemporaryDirectory() as folder:
        path = peer_job(Path(folder))

        def deploy(*values: str) -> Ran:
            flags = [part for value in values for part in ("--var", value)]
            return toolkit("deploy", str(path), *flags, "--yes", as_json=True, quiet=True)

        must(deploy("release=1.0.0"))
        broken = deploy("release=1.1.0", "broken=true")
        said = [line for cause in broken.report["causes"] for line in cause["evidence"]]
        shown = any("stderr: FATAL" in line for line in said)
        print(f"   {broken.report['verdict']} {broken.report['sentence']}; stderr shown: {shown}")
        code, theirs = cluster.nomad_run(path, "-var=release=1.2.0", "-var=broken=true")
        print(f"   nomad job run: exit {code} after {theirs:.1f} s")
        stuck = deploy("release=1.3.0", "memory=90000000")
        must(toolkit("stop", "peer", "--purge", "--yes", quiet=True))
    ratio = broken.seconds / theirs
    return [
        Row(
            "exits at once: verdict / nomad job run",
            "≤ 1/5",
            f"{ratio:.2f} ({broken.seconds:.1f} s / {theirs:.1f} s)",
            ratio <= 0.2 and shown and broken.code == 8,
        ),
        Row(
            "unplaceable: verdict",
            "≤ 1 s",
            f"{stuck.seconds:.2f} s, exit {stuck.code}",
            stuck.seconds <= 1 and stuck.code == 4,
        ),
    ]


def settle_edge() -> None:
    """Let the old instances end, so that the next run does not share the machine with them."""
    time.sleep(7)


MEASURES: tuple[Callable[[Cluster], list[Row]], ...] = (
    startup, unchanged, added, patience, against_nomad, failing, probe, lossless,
)  # fmt: skip

ALONE: tuple[Callable[[], list[Row]], ...] = (
    gallery, big_cluster, why_not, page, stack, dev_watch, kick_writes, kick_memory,
    rehearsal, cluster_aws,
    kick_reconcile, hook_push, hook_crowd, hook_clone,
)  # fmt: skip
"""Measures that start what they need, and nothing else."""

if __name__ == "__main__":
    sys.exit(main())
