"""The gallery of the tests, once by our deploy and once by `nomad job run`: who tells the truth.

The same agents, the same jobs, the same number at a time. The tests are in a hurry and forbid Nomad
to restart and reschedule; here a service has the settings that the peers were measured with: one
restart, Nomad's own rescheduling, half a minute to become healthy and one to make progress.
`nomad job run` is given a quarter of a minute more than that.
"""

from __future__ import annotations

import functools
import json
import re
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.row import Row
from tests.agents.cluster import LocalCluster, local_cluster
from tests.agents.gallery.case import Case
from tests.agents.gallery.hcl import block
from tests.agents.gallery.play import cases, judge, play
from tests.agents.gallery.stage import Stage, staged
from toolkit.errors import ExitCode
from toolkit.rollout import read
from toolkit.rollout.hopeless import is_hopeless

LIMIT = 75.0
"""Seconds that `nomad job run` is given."""
AT_ONCE = 8
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
    """Seconds between the event that decided a failure and the end of the command, as an onlooker
    saw both."""
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
    case = _unhurried(case)
    works: list[Callable[[], Side]] = [
        lambda: _ours(stage, replace(case, name=f"{case.name}-t")),
        lambda: _theirs(stage, cluster, replace(case, name=f"{case.name}-n")),
    ]
    first = len(case.name) % 2
    sides = {place: works[place]() for place in (first, 1 - first)}
    return Pair(case, sides[0], sides[1])


def _unhurried(case: Case) -> Case:
    """The case with the settings that the peers were measured with."""
    before = None if case.before is None else _with_time(case.before)
    return replace(case, job=_with_time(case.job), before=before)


def _with_time(text: str) -> str:
    if 'type = "batch"' in text or 'type = "sysbatch"' in text:
        return text
    restart = block("restart", attempts=1, delay="1s", interval="10m", mode="fail")
    text = re.sub(r'restart \{\s+attempts = 0\s+mode = "fail"\s+\}', restart, text)
    text = re.sub(r"reschedule \{\s+attempts = 0\s+unlimited = false\s+\}", "", text)
    text = re.sub(r'healthy_deadline = "\d+s"', 'healthy_deadline = "30s"', text)
    return re.sub(r'progress_deadline = "\d+s"', 'progress_deadline = "60s"', text)


def _ours(stage: Stage, case: Case) -> Side:
    spent: list[float] = []

    class Timed(Stage):
        """Takes the time of the deploy that counts: the last one."""

        def deploy(self, case: Case, text: str, *options: str) -> Any:
            begun = time.monotonic()
            with Onlooker(self, case.name) as seen:
                said = super().deploy(case, text, *options)
                spent[:] = [time.monotonic() - begun, time.monotonic(), seen.decided or 0.0]
            return said

    played = play(Timed(stage.shop, stage.words), case)
    wrong = ""
    try:
        judge(played)
    except AssertionError as exc:
        wrong = str(exc).partition("\n")[0][:200]
    seconds, ended, decided = spent
    failed = played.said.code in {ExitCode.REVERTED, ExitCode.FAILED}
    late = ended - decided if failed and decided else None
    _leave(stage, case)
    return Side(played.said.code, seconds, not wrong, late, wrong)


class Onlooker:
    """Notes, with blocking queries of its own, when Nomad's answers decided a failure.

    That is the end of the last deployment, a revert's where there is one; before any ended, the
    first moment at which an instance could no longer become healthy. On the monotonic clock.
    """

    def __init__(self, stage: Stage, job: str) -> None:
        self._address, self._job = stage.shop.cluster.nomad_address, job
        self._over = threading.Event()
        self._ends: list[float] = []
        self._known: int | None = None
        self._hopeless: float | None = None
        looks = (("deployments", self._rollouts), ("allocations", self._instances))
        self._threads = [
            threading.Thread(target=self._watch, args=look, daemon=True) for look in looks
        ]

    def __enter__(self) -> Onlooker:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def decided(self) -> float | None:
        """None as long as nothing is decided."""
        # What our command failed itself was decided before by what it had seen.
        if len(self._ends) > 1 or self._hopeless is None:
            return self._ends[-1] if self._ends else None
        return self._hopeless

    def _rollouts(self, found: list[dict[str, Any]], at: float) -> None:
        over = sum(d["Status"] in {"failed", "successful", "cancelled"} for d in found)
        if self._known is not None and over > self._known:
            self._ends.append(at)
        self._known = over

    def _instances(self, found: list[dict[str, Any]], at: float) -> None:
        newest = max((int(stub["JobVersion"]) for stub in found), default=0)
        mine = [stub for stub in found if stub["JobVersion"] == newest]
        if self._hopeless is None and any(is_hopeless(read.allocation(stub)) for stub in mine):
            self._hopeless = at

    def _watch(self, what: str, take: Callable[[list[dict[str, Any]], float], None]) -> None:
        index = "0"
        while not self._over.is_set():
            url = f"{self._address}/v1/job/{self._job}/{what}?index={index}&wait=1s"
            try:
                with urllib.request.urlopen(url, timeout=5) as answer:
                    index = answer.headers["X-Nomad-Index"]
                    found = json.load(answer) or []
            except urllib.error.URLError:
                time.sleep(0.1)
                continue
            take(found, time.monotonic())


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


def _leave(stage: Stage, case: Case) -> None:
    """Room for the next one: Nomad gives the port of an instance away while it still stops."""
    if case.after is not None:
        case.after(stage, case.name)
    for name in (case.name, *case.others):
        stage.leave(name)
        stage.shop.until(f"{name} has stopped", functools.partial(_is_over, stage, name))


def _is_over(stage: Stage, name: str) -> bool:
    found = stage.shop.nomad(f"/v1/job/{name}/allocations") or []
    return not any(stub["ClientStatus"] == "running" for stub in found)


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
    late = [pair.ours.late for pair in failing if pair.ours.late is not None]
    middle, worst = statistics.median(late), max(late)
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
