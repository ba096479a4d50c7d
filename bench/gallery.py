"""The gallery of the tests, once by our deploy and once by `nomad job run`: who tells the truth.

The same agents, the same jobs, the same number at a time; `nomad job run` is given a minute, after
which an operator would have looked elsewhere.
"""

from __future__ import annotations

import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.row import Row
from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.gallery.case import Case
from tests.agents.gallery.play import REFUSED, cases, judge, play
from tests.agents.gallery.stage import Stage, staged

LIMIT = 60.0
"""Seconds that `nomad job run` is given."""
AT_ONCE = 4
LATE = 0.5
"""Seconds from the event that decides a failure to the end of our command."""


@dataclass(frozen=True, slots=True)
class Side:
    """What one tool made of one case."""

    code: int | None
    """None: it was still waiting when its time was over."""
    seconds: float
    named: bool
    """The first cause was in what it said."""
    late: float | None = None
    """Seconds between the deciding event, where Nomad dates it, and the end of the command."""
    wrong: str = ""


@dataclass(frozen=True, slots=True)
class Pair:
    """One case, by both."""

    case: Case
    ours: Side
    theirs: Side


def gallery() -> list[Row]:
    """Exit codes, causes and seconds over every case that any tool can deploy."""
    chosen = [case for case in cases() if case.needs == "" and _is_plain(case)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cluster = stack.enter_context(local_cluster(folder / "agents"))
        stage = stack.enter_context(staged(cluster, folder / "stage"))
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        pairs = list(pool.map(lambda case: _pair(stage, cluster, case), chosen))
    for pair in pairs:
        print(f"   {_line(pair)}", flush=True)
    return _rows(pairs)


def _is_plain(case: Case) -> bool:
    """Neither our own options nor a hand at the right moment of our own run are in it."""
    return case.meanwhile is None and not case.options


def _pair(stage: Stage, cluster: LocalCluster, case: Case) -> Pair:
    """Both, one after the other, each under a name of its own; who is first changes by turns."""
    works: list[Callable[[], Side]] = [
        lambda: _ours(stage, replace(case, name=f"{case.name}-t")),
        lambda: _theirs(stage, cluster, replace(case, name=f"{case.name}-n")),
    ]
    first = hash(case.name) % 2
    sides = {place: works[place]() for place in (first, 1 - first)}
    return Pair(case, sides[0], sides[1])


def _ours(stage: Stage, case: Case) -> Side:
    wrong = ""
    began = time.monotonic()
    spent: list[float] = []

    class Timed(Stage):
        """Takes the time of the deploy that counts: the last one."""

        def deploy(self, case: Case, text: str, *options: str) -> Any:
            begun = time.monotonic()
            said = super().deploy(case, text, *options)
            spent.append(time.monotonic() - begun)
            spent.append(time.time())
            return said

    timed = Timed(stage.shop, stage.words)
    played = play(timed, case)
    try:
        judge(played)
    except AssertionError as exc:
        wrong = str(exc).partition("\n")[0][:200]
    seconds, ended = spent[-2:] if spent else (time.monotonic() - began, time.time())
    decided = None if case.succeeds or case.code == REFUSED else _decided(stage, case)
    late = None if decided is None or decided > ended else ended - decided
    _leave(stage, case)
    return Side(played.said.code, seconds, not wrong, late, wrong)


def _theirs(stage: Stage, cluster: LocalCluster, case: Case) -> Side:
    for name, text in case.others.items():
        stage.register(name, text)
    if case.prepare is not None:
        case.prepare(stage, case.name)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "job.nomad.hcl"
        if case.before is not None:
            path.write_text(stage.text(case.before, case.name))
            _job_run(cluster, path)
        if case.change is not None:
            case.change(stage, case.name)
        path.write_text(stage.text(case.job, case.name))
        stage.shop.made.append(case.name)
        began = time.monotonic()
        code, said = _job_run(cluster, path)
        seconds = time.monotonic() - began
    named = bool(case.says and re.search(stage.text(case.says, case.name), said))
    _leave(stage, case)
    return Side(code, seconds, named)


def _job_run(cluster: LocalCluster, path: Path) -> tuple[int | None, str]:
    """Exit code and output of `nomad job run`; no code when its time was over."""
    environ = {"NOMAD_ADDR": cluster.nomad_address, "NOMAD_TOKEN": cluster.state.nomad_token}
    try:
        ran = subprocess.run(
            [cluster.process("nomad").binary, "job", "run", str(path)],
            check=False, capture_output=True, text=True, timeout=LIMIT,
            env={name: value for name, value in environ.items() if value},
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as exc:
        return None, (exc.stdout or b"").decode() + (exc.stderr or b"").decode()
    return ran.returncode, ran.stdout + ran.stderr


def _decided(stage: Stage, case: Case) -> float | None:
    """When the last deployment of the job ended by Nomad's clock: a revert's, where there was one.

    Seconds since the epoch; None where no deployment ended, as of what was never registered.
    """
    found = stage.shop.nomad(f"/v1/job/{case.name}/deployments") or []
    ended = [d for d in found if d["Status"] in {"failed", "successful"}]
    return max((d.get("ModifyTime") or 0) / 1e9 for d in ended) or None if ended else None


def _leave(stage: Stage, case: Case) -> None:
    """Room for the next one."""
    for name in (case.name, *case.others):
        stage.leave(name)


def _line(pair: Pair) -> str:
    case, ours, theirs = pair.case, pair.ours, pair.theirs
    late = "" if ours.late is None else f", {ours.late:.2f} s after the deciding event"
    they = "waits" if theirs.code is None else f"exit {theirs.code}"
    return (
        f"{case.name}: {case.verdict} {ours.code} in {ours.seconds:.1f} s{late}; nomad job run "
        f"{they} in {theirs.seconds:.1f} s{', cause named' if theirs.named else ''}"
        + (f"; WRONG: {ours.wrong}" if ours.wrong else "")
    )


def _rows(pairs: Sequence[Pair]) -> list[Row]:
    failing = [pair for pair in pairs if not pair.case.succeeds]
    right = [pair for pair in pairs if pair.ours.code == pair.case.code]
    told = [
        p for p in pairs if p.theirs.code is not None and (p.theirs.code == 0) == p.case.succeeds
    ]
    named = [pair for pair in failing if pair.ours.named]
    theirs = [pair for pair in failing if pair.theirs.named]
    mine = statistics.median(pair.ours.seconds for pair in failing)
    peer = statistics.median(pair.theirs.seconds for pair in failing)
    late = sorted(pair.ours.late for pair in failing if pair.ours.late is not None)
    middle, worst = statistics.median(late), late[-1]
    return [
        Row(
            "gallery: exit code right",
            "all",
            f"{len(right)} of {len(pairs)}; nomad job run: success or failure right in {len(told)}",
            len(right) == len(pairs),
        ),
        Row(
            "gallery: cause named",
            "all failures",
            f"{len(named)} of {len(failing)}; nomad job run: {len(theirs)}",
            len(named) == len(failing),
        ),
        Row(
            "gallery: failure's verdict / nomad job run",
            "≤ 1/4",
            f"{mine / peer:.2f} (median {mine:.1f} s / {peer:.1f} s of at most {LIMIT:.0f})",
            mine / peer <= 0.25,
        ),
        Row(
            "verdict after the deciding event",
            f"≤ {LATE} s",
            f"{middle:.2f} s (worst {worst:.2f} of {len(late)})",
            middle <= LATE,
        ),
    ]
