"""Run a command-line tool: what it writes is heard line by line, and it has a deadline."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO

KEPT = 200
"""Lines; the end of what a tool says is what explains it."""
GRACE = 5.0
"""Seconds from the signal to the kill."""
LAST_WORDS = 1.0
"""Seconds that its output is read on after its end."""
LONGEST = 65536
"""Characters of a line that are kept."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a tool ended."""

    code: int | None
    """None: it was ended at its deadline."""
    lines: tuple[str, ...]
    """What it wrote last, on both outputs."""

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def run(
    command: Sequence[str],
    environ: Mapping[str, str],
    *,
    timeout: float,
    told: bytes = b"",
    on_line: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Ran:
    """Run it to its end, or for `timeout` seconds; OSError when it cannot be started.

    `told` goes to its standard input, where nobody who lists processes sees it. What interrupts us
    ends the whole group first.
    """
    process = subprocess.Popen(
        list(command),
        env=dict(environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert process.stdin is not None  # noqa: S101 - it is a pipe
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    heard: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(
        target=_hear, args=(process.stdout, heard), name="engine-output", daemon=True
    )
    reader.start()
    kept: deque[str] = deque(maxlen=KEPT)
    code: int | None
    try:
        with contextlib.suppress(BrokenPipeError), process.stdin as pipe:
            pipe.write(told)
        for line in _lines(process, heard, clock, clock() + timeout):
            kept.append(line)
            if on_line is not None:
                on_line(line)
        code = process.poll()
    finally:
        # At its deadline, or interrupted: whatever else it started goes with it.
        if process.poll() is None:
            _end(process)
        reader.join(LAST_WORDS)
    return Ran(code, tuple(kept))


def _lines(
    process: subprocess.Popen[bytes],
    heard: queue.SimpleQueue[str | None],
    clock: Callable[[], float],
    deadline: float,
) -> Iterator[str]:
    """Each line, until it ends or its time is over."""
    while (left := deadline - clock()) > 0:
        try:
            line = heard.get(timeout=min(left, LAST_WORDS))
        except queue.Empty:
            # Something that it left behind may hold the pipe open.
            if process.poll() is not None:
                return
            continue
        if line is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(max(deadline - clock(), 0))
            return
        yield line


def _end(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(GRACE)
            return


def _hear(pipe: IO[bytes], heard: queue.SimpleQueue[str | None]) -> None:
    with contextlib.suppress(OSError, ValueError), pipe:
        for raw in pipe:
            heard.put(raw.decode("utf-8", "replace").rstrip("\r\n")[:LONGEST])
    heard.put(None)
