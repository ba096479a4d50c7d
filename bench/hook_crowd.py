"""Twenty pushes at once to five repositories of a hook server, on real agents.

Five people have a repository each, and four pushes to it under way: each begins as soon as the one
before has moved the branch, while its deployment still waits or rolls. All of them are deployed,
one after the other in each repository. Nobody's lines are among another's when each pusher saw, in
that order, exactly the log of the own deployment.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from bench import samples
from bench.hook_lab import Held, Lab, Push, Watch, held, hook_lab, resident
from bench.row import Row

REPOS, EACH = 5, 4
MOST = 200.0
PATIENCE = 120.0


def hook_crowd() -> list[Row]:
    """How they end, how long they take, and what the server holds meanwhile."""
    with hook_lab(REPOS) as lab:
        commits = [_commits(lab, number) for number in range(REPOS)]
        pid = lab.server.process.pid
        idle = held(pid)
        print(f"   nobody pushes: {idle}", flush=True)
        bare = samples.run(samples.bare()).seconds
        began = time.monotonic()
        with Watch(pid) as watch, ThreadPoolExecutor(REPOS) as pool:
            said = list(pool.map(lambda n: _one(lab, n, commits[n]), range(REPOS)))
        print(f"   all of them: {time.monotonic() - began:.1f} s; python -c pass {bare:.3f} s")
        for push in (push for pushes in said for push in pushes):
            assert push.code == 0, push.lines
        wrong = [fault for number in range(REPOS) for fault in _faults(lab, number, said[number])]
        states = [state for number in range(REPOS) for state in _states(lab, number)]
        rows = _rows([push for pushes in said for push in pushes], states, wrong)
        return [*rows, *_memory(watch.peak, resident(pid))]


def _commits(lab: Lab, number: int) -> list[str]:
    """A repository, and what is pushed to it one after the other."""
    lab.make(f"shop-{number}")
    project = lab.projects[number]
    name, commits = project.name(f"web{number}"), []
    for release in range(EACH):
        project.stack(project.service(name, release=f"1.{release}.0"))
        commits.append(project.commit())
    return commits


def _one(lab: Lab, number: int, commits: list[str]) -> list[Push]:
    """All pushes to a repository."""
    pushes, threads = [], []
    for commit in commits:
        push = Push()
        run = threading.Thread(target=lab.push, args=(number, f"shop-{number}", commit, push))
        run.start()
        pushes.append(push)
        threads.append(run)
        assert push.began.wait(PATIENCE)
    for run in threads:
        run.join()
    return pushes


def _faults(lab: Lab, number: int, pushes: list[Push]) -> list[str]:
    """Pushers who did not see exactly what their own deployment said."""
    faults = []
    for at, push in enumerate(pushes, 1):
        head = f"deployment {at} of shop-{number} "
        begins = next((i for i, line in enumerate(push.lines) if line.startswith(head)), None)
        path = f"/repos/shop-{number}/deployments/{at}/log"
        log = lab.server.ask("GET", path, lab.admin).text.splitlines()
        # What the check warned of is not said to the same pusher once more.
        told = [line for line in map(_shown, log) if f"note: {': '.join(line)}" not in push.lines]
        if begins is None or not log or push.lines[begins + 1 :] != ["  ".join(x) for x in told]:
            faults.append(f"shop-{number} {at}: {push.lines} is not {told}")
    return faults


def _shown(line: str) -> tuple[str, ...]:
    """Whose line it is, if a job's, and what it says."""
    said = json.loads(line)
    job = said.get("job")
    return (job, said["text"]) if job else (said["text"],)


def _states(lab: Lab, number: int) -> list[str]:
    answer = lab.server.ask("GET", f"/repos/shop-{number}/deployments", lab.admin)
    return [each["state"] for each in answer.json()["deployments"]]


def _rows(pushes: list[Push], states: list[str], wrong: list[str]) -> list[Row]:
    for fault in wrong[:3]:
        print(f"   {fault}")
    deployed = states.count("deployed")
    seconds = sorted(push.seconds for push in pushes)
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    first = samples.Sample(tuple(push.first for push in pushes))
    total = REPOS * EACH
    what = f"hook: {total} pushes to {REPOS} repositories"
    return [
        Row(f"{what}: final", f"{total}", f"{deployed} deployed", deployed == total == len(states)),
        Row(f"{what}: lines of another's", "0", f"{len(wrong)} pushers saw any", not wrong),
        Row(
            f"{what}: p95",
            "stated",
            f"{p95:.1f} s (median {statistics.median(seconds):.1f}; first line {first}; "
            f"{_at_once(pushes)} under way at once)",
            True,
        ),
    ]


def _at_once(pushes: list[Push]) -> int:
    """How many there were, when there were most."""
    moments = [push.start for push in pushes]
    return max(
        sum(each.start <= at < each.start + each.seconds for each in pushes) for at in moments
    )


def _memory(peak: Held, alone: float) -> list[Row]:
    return [
        Row(
            "hook: resident memory of the server's process meanwhile, its peak",
            f"≤ {MOST:.0f} MB",
            f"{alone:.0f} MB",
            alone <= MOST,
        ),
        Row(
            "hook: the server, its children, gits and hooks together (PSS), the peak",
            f"≤ {MOST:.0f} MB",
            str(peak),
            peak.total <= MOST,
        ),
    ]
