"""The tutorial, command by command, on real agents."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.agents.cluster import free_offset
from tests.docs.pages import blocks, steps
from tests.docs.session import shell, walk
from toolkit.spec.dev import Machine

PAGE = "docs/tutorial.md"

pytestmark = [pytest.mark.agents, pytest.mark.edge, pytest.mark.timeout(900)]

TELLING = {
    "advice", "cause", "deployed", "drift", "edge", "error:", "fail", "gate", "hint:", "plan",
    "reverted", "revert", "scaled", "set", "started", "stderr:", "stopped", "unchanged", "written",
}  # fmt: skip
"""First words of the lines that are the same in every run, numbers and ids apart."""


def shape(line: str) -> str:
    """The line without what differs from run to run."""
    line = re.sub(r"\b[0-9a-f]{8}\b", "ID", line.strip())
    # A restart policy counts from the first exit, so a busy machine may say "within 2 s".
    return re.sub(r"\d+(\.\d+)?", "#", line)


VERDICTS = ("deployed ", "reverted ", "unchanged ")


def whole(lines: list[str] | tuple[str, ...]) -> list[str]:
    """The lines, a verdict's sentence as one: where it breaks depends on how long its times are."""
    result: list[str] = []
    for line in lines:
        if result and result[-1].startswith(VERDICTS) and line.startswith(" " * 10):
            result[-1] += " " + line.strip()
        else:
            result.append(line)
    return result


def telling(lines: list[str] | tuple[str, ...]) -> list[str]:
    found = [line for line in whole(lines) if line.split()[:1] and line.split()[0] in TELLING]
    return [shape(line) for line in found]


def test_the_tutorial_says_what_happens(machine: Machine, tmp_path: Path) -> None:
    assert machine.nomad_bin is not None  # so that `dev up` has nothing to build
    asked_for_status = 0
    with shell(tmp_path, free_offset()) as session:
        run = list(walk(PAGE, session))
    for number, (step, said, status) in enumerate(run):
        transcript = f"$ {step.command}\n{said}[exit {status}]"
        if step.command == "echo $?":
            asked_for_status += 1
            assert said.split() == list(step.shown), transcript
            continue
        following = run[number + 1][0].command if number + 1 < len(run) else ""
        refused = any(line.startswith("error:") for line in step.shown)
        if following != "echo $?" and not refused:
            assert status == 0, transcript
        told = telling(said.splitlines())
        missing = [line for line in telling(step.shown) if line not in told]
        assert not missing, f"the page shows {missing}, but:\n{transcript}"
    assert asked_for_status


def test_the_page_has_steps_to_run() -> None:
    found = [s for b in blocks(PAGE) if b.kind == "console" for s in steps(b)]
    assert len(found) > 30
    assert sum(bool(telling(step.shown)) for step in found) > 20
