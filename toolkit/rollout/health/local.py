"""The agents of `toolkit dev`, where the environment is theirs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from toolkit.rollout.health.look import Look, blind
from toolkit.spec.doctor import Check


@dataclass(frozen=True, slots=True)
class LocalAgent:
    """One agent that was started here."""

    name: str
    alive: bool
    address: str
    pid: int
    last_lines: tuple[str, ...] = ()
    """The end of its log, of one that died."""


def judge(name: str, local: bool, agents: Look[Sequence[LocalAgent]]) -> Check:
    """Whether what `toolkit dev up` started still runs; passes where it has no part."""
    if not local:
        return Check(name, "passed", "the environment is not one of `toolkit dev`")
    if (missing := blind(name, "the local agents", agents)) is not None:
        return missing
    found = agents.get(())
    if not found:
        return Check(
            name, "failed", "no local agents were started", advice="toolkit dev up starts them"
        )
    dead = [each for each in found if not each.alive]
    if dead:
        return Check(
            name, "failed", f"{' and '.join(each.name for each in dead)} died",
            tuple(f"{each.name}: {line}" for each in dead for line in each.last_lines),
            advice="toolkit dev down, then toolkit dev up",
        )  # fmt: skip
    running = ", ".join(f"{each.name} (process {each.pid})" for each in found)
    return Check(name, "passed", f"{running} run here")
