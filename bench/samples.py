"""Whole processes: median and worst seconds, peak memory, and what the machine itself takes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.commands import ROOT


@dataclass(frozen=True, slots=True)
class Sample:
    """Seconds of several runs."""

    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.seconds)

    @property
    def worst(self) -> float:
        return max(self.seconds)

    def __str__(self) -> str:
        return f"{self.median * 1000:.0f} ms (worst {self.worst * 1000:.0f} of {len(self.seconds)})"


@dataclass(frozen=True, slots=True)
class Process:
    """One process's end."""

    code: int
    seconds: float
    peak: int
    """Kilobytes resident at most."""
    output: str


def run(
    command: Sequence[str], *, environ: dict[str, str] | None = None, folder: Path = ROOT
) -> Process:
    """Run a command; its output, time and peak memory."""
    with tempfile.TemporaryFile() as out:
        began = time.monotonic()
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
            env=environ,
        )  # fmt: skip
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        text = out.read().decode("utf-8", "replace")
    return Process(process.returncode, seconds, usage.ru_maxrss, text)


def several(number: int, take: Callable[[], float]) -> Sample:
    """`take` that many times."""
    return Sample(tuple(take() for _ in range(number)))


def interleaved(number: int, *commands: Sequence[str], folder: Path = ROOT) -> list[Sample]:
    """Seconds of each command, run in turn, so that a drift of the machine meets all of them."""
    taken: list[list[float]] = [[] for _ in commands]
    for _ in range(number):
        for mine, command in zip(taken, commands, strict=True):
            mine.append(run(command, folder=folder).seconds)
    return [Sample(tuple(mine)) for mine in taken]


def bare() -> Sequence[str]:
    """The least that a Python process can do."""
    return [sys.executable, "-c", "pass"]


def toolkit(*arguments: str) -> list[str]:
    """A `toolkit` command, by its installed script."""
    return [str(Path(sys.executable).parent / "toolkit"), *arguments]


def machine() -> list[str]:
    """What this machine takes for nothing, and for an append with fsync."""
    nothing = interleaved(5, bare())[0]

    def append() -> float:
        began = time.monotonic()
        with tempfile.NamedTemporaryFile() as file:
            for _ in range(20):
                file.write(b"x" * 100)
                file.flush()
                os.fsync(file.fileno())
        return (time.monotonic() - began) / 20

    fsync = several(5, append)
    load = os.getloadavg()[0]
    return [
        f"python -c pass      {nothing}",
        f"append and fsync    {fsync.median * 1000:.2f} ms (worst {fsync.worst * 1000:.2f} of 5)",
        f"load of the machine {load:.1f} before the first measurement",
    ]
