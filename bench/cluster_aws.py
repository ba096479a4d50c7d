"""A cluster in AWS, against moto: what our side costs. AWS's own minutes are not in it.

`up` is handed servers that answer at once: what the machines cost is measured by `rehearsal`.
"""

from __future__ import annotations

import contextlib
import os
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

from bench.row import Row
from tests.cluster.aws import commands
from tests.cluster.aws.account import Aws, account
from tests.cluster.aws.leftovers import leftovers
from tests.cluster.aws.standing import FILE, Standing, standing
from tests.cluster.templates import KICK_POLICY, full
from toolkit.cluster.template import render_template
from toolkit.errors import UnreachableError
from toolkit.workflows.cluster.status import Tools
from toolkit.workflows.cluster.status import status as look

RENDER, PLAN, BOTH = 0.050, 12, 5.0
RUNS = 5
WORKERS = (3, 30)


def cluster_aws() -> list[Row]:
    """Rows: the template, the requests, and both ways against moto."""
    rows = [_render()]
    with account() as aws, _environment(aws), tempfile.TemporaryDirectory() as name:
        rows.append(_both(aws, Path(name)))
        rows += _calls(aws, Path(name))
    return rows


def _render() -> Row:
    """The largest of the shapes that tests know, in process."""
    cluster = full()
    took, bodies = [], set()
    for _ in range(RUNS):
        began = time.perf_counter()
        bodies.add(render_template(cluster, KICK_POLICY).body)
        took.append(time.perf_counter() - began)
    assert len(bodies) == 1, "the same file gave two templates"
    middle, worst = statistics.median(took), max(took)
    seen = f"median {middle * 1000:.0f} ms, worst of {RUNS} {worst * 1000:.0f} ms"
    return Row("template rendered, 111 resources", "≤ 50 ms", seen, worst <= RENDER)


def _both(aws: Aws, folder: Path) -> Row:
    """From nothing to a cluster and back to nothing."""
    took = []
    for at in range(RUNS):
        own = _begun(aws, folder / f"both-{at}")
        began = time.monotonic()
        _well(commands.up(own.folder))
        _well(commands.down(own.folder))
        took.append(time.monotonic() - began)
        assert leftovers(aws) == []
    middle, worst = statistics.median(took), max(took)
    seen = f"median {middle:.1f} s, worst of {RUNS} {worst:.1f} s"
    return Row("cluster up + down against moto", "≤ 5 s", seen, middle <= BOTH)


def _calls(aws: Aws, folder: Path) -> Iterator[Row]:
    own = _begun(aws, folder / "calls")
    fresh = _counted(aws, lambda: commands.plan(own.folder))
    _well(commands.up(own.folder))
    same = _counted(aws, lambda: commands.plan(own.folder))
    own.write(FILE.replace("max = 4", "min = 2\nmax = 40"))
    changed = _counted(aws, lambda: commands.plan(own.folder))
    most = max(map(sum, (each.values() for each in (fresh, same, changed))))
    yield Row(
        "requests of a plan",
        f"≤ {PLAN}",
        f"{fresh.total()} of a new cluster, {same.total()} with no change,"
        f" {changed.total()} with one",
        most <= PLAN,
    )
    seen = []
    for workers in WORKERS:
        own.write(FILE.replace("max = 4", f"min = {workers}\nmax = 40"))
        _well(commands.up(own.folder))
        seen.append(_counted(aws, lambda: look(own.folder, "prod", Tools(_closed))))
    few, many = (each.total() for each in seen)
    yield Row(
        f"requests of status with {WORKERS[0]} and {WORKERS[1]} workers",
        "the same",
        f"{few} and {many}",
        many <= few,
    )
    _well(commands.down(own.folder))


def _closed(*_: object) -> NoReturn:
    """No way to the servers: AWS's side alone is counted."""
    raise UnreachableError("there are no servers", system="SSH")


def _counted(aws: Aws, command: Callable[[], object]) -> Counter[str]:
    aws.forget()
    command()
    return Counter(aws.operations())


def _begun(aws: Aws, folder: Path) -> Standing:
    aws.reset()
    return standing(aws, folder)


def _well(ended: commands.Ended) -> None:
    assert ended.code == 0, ended.said


@contextlib.contextmanager
def _environment(aws: Aws) -> Iterator[None]:
    """Credentials, for as long as it takes."""
    before = dict(os.environ)
    os.environ.update(aws.environ)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


if __name__ == "__main__":
    for row in cluster_aws():
        sys.stdout.write(f"{row.what}: {row.must}: {row.seen}: {row.holds}\n")
