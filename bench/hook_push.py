"""A push to the hook server, on real agents: its first line, and what it costs over the command.

The stack has a migration, and after it four services, one of them with two tasks. What is pushed
and what is deployed from the command line is the same: another release of one service. Both use the
same person's token.
"""

from __future__ import annotations

import statistics

from bench import samples
from bench.hook_lab import Lab, Push, hook_lab, resident
from bench.kick_writes import bare_rate
from bench.row import Row
from tests.agents.pushing import TWO_TASKS, Pushed

PAIRS = 5
FIRST, OVERHEAD = 0.5, 1.0
REPO = "shop"


def hook_push() -> list[Row]:
    """Pushes and `toolkit deploy --all`, in turn."""
    with hook_lab(1) as lab:
        lab.make(REPO)
        (project,) = lab.projects
        name = _fill(project)
        project.commit()
        begun = _deployed(lab.push(0, REPO))
        print(f"   the whole stack, pushed: {begun.seconds:.1f} s, {begun.lines[-1]}", flush=True)
        pushes, commands, bare, rates = [], [], [], []
        for number in range(PAIRS + 1):
            # Whoever comes second finds other caches: each is first every other time.
            if number % 2:
                pushed, seconds = _push(lab, name, number), _command(lab, name, number)
            else:
                seconds, pushed = _command(lab, name, number), _push(lab, name, number)
            if not number:  # the first of each compiles the templates
                continue
            pushes.append(pushed)
            commands.append(seconds)
            bare.append(samples.run(samples.bare()).seconds)
            rates.append(bare_rate(lab.server.data))
            print(f"   push {pushed.seconds:.2f} s, toolkit deploy --all {seconds:.2f} s")
        print(
            f"   python -c pass {samples.Sample(tuple(bare))}; append and fsync "
            f"{statistics.median(rates):.0f}/s (worst {min(rates):.0f} of {len(rates)})"
        )
        print(f"   the server had {resident(lab.server.process.pid):.0f} MB resident")
    return _rows(pushes, commands)


def _rows(pushes: list[Push], commands: list[float]) -> list[Row]:
    first = samples.Sample(tuple(each.first for each in pushes))
    over = [push.seconds - command for push, command in zip(pushes, commands, strict=True)]
    whole = samples.Sample(tuple(each.seconds for each in pushes))
    other, median = samples.Sample(tuple(commands)), statistics.median(over)
    return [
        Row(
            "hook: push of one changed file, first line",
            f"≤ {FIRST} s",
            str(first),
            first.median <= FIRST,
        ),
        Row(
            "hook: push over toolkit deploy --all, by pairs",
            f"≤ {OVERHEAD:g} s",
            f"{median:+.2f} s (worst {max(over):+.2f}; {whole}, {other})",
            median <= OVERHEAD,
        ),
    ]


def _fill(project: Pushed) -> str:
    """The stack; the service that changes."""
    migrate, db, backend, front, worker = project.names("migrate", "db", "back", "front", "worker")
    project.work(migrate)
    project.service(db, f"{migrate}:done")
    project.service(backend, f"{migrate}:done")
    project.service(front, f"{migrate}:done", template=TWO_TASKS)
    project.service(worker, f"{migrate}:done")
    project.stack(migrate, db, backend, front, worker)
    return backend


def _push(lab: Lab, name: str, number: int) -> Push:
    (project,) = lab.projects
    project.service(name, f"{project.jobs[0]}:done", release=f"1.{number}.1")
    project.commit()
    return _deployed(lab.push(0, REPO))


def _command(lab: Lab, name: str, number: int) -> float:
    (project,), (who,) = lab.projects, lab.people
    project.service(name, f"{project.jobs[0]}:done", release=f"1.{number}.2")
    environ = {**project.environ(), "NOMAD_TOKEN": who.token.reveal()}
    command = samples.toolkit("deploy", "--all", "--yes")
    ran = samples.run(command, environ=environ, folder=project.root)
    assert ran.code == 0, ran.output
    return ran.seconds


def _deployed(push: Push) -> Push:
    assert push.code == 0, push.lines
    assert push.lines[-1].startswith("deployed in "), push.lines
    return push
