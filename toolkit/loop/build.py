"""Run what a job file says to build: in a process group of its own, with a deadline, shown live."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

GRACE = 5.0
"""Seconds from the signal to the kill."""
LAST_WORDS = 1.0
"""Seconds that its output is read on after its end: what it left behind may hold the pipe open."""
LONGEST = 1 << 16
"""Bytes of a line that is passed on although its end has not come."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a build ended; `problem` is empty when it did well."""

    problem: str = ""


def run(
    command: Sequence[str],
    folder: Path,
    environ: Mapping[str, str],
    on_line: Callable[[str], None],
    *,
    timeout: float,
    grace: float = GRACE,
) -> Ended:
    """Run it to its end, or for `timeout` seconds; each line it writes is passed on.

    `on_line` is called on another thread. What interrupts us ends the whole group first.
    """
    try:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environ),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as exc:
        what = command[0] if folder.is_dir() else str(folder)
        return Ended(f"{what}: {exc.strerror or exc}")
    assert process.stdout is not None  # noqa: S101 - it is a pipe
    reader = threading.Thread(
        target=_pass_on, args=(process.stdout, on_line), name="build-output", daemon=True
    )
    reader.start()
    try:
        code = process.wait(timeout)
    except subprocess.TimeoutExpired:
        end(process, grace)
        return Ended(f"not done after {timeout:g} s ([build] timeout); it was ended")
    except BaseException:
        end(process, grace)
        raise
    finally:
        reader.join(LAST_WORDS)
    if code < 0:
        return Ended(f"ended by signal {-code}")
    return Ended(f"exit {code}" if code else "")


def end(process: subprocess.Popen[bytes], grace: float) -> None:
    """End the build with all that it started; `grace`: seconds from the signal to the kill."""
    for number, patience in ((signal.SIGTERM, grace), (signal.SIGKILL, GRACE)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            break
    # The first may be gone while others of the group are not.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _pass_on(pipe: IO[bytes], on_line: Callable[[str], None]) -> None:
    waiting = b""
    with contextlib.suppress(OSError, ValueError), pipe:
        while data := pipe.read1(LONGEST):  # type: ignore[attr-defined]
            *lines, waiting = (waiting + data).split(b"\n")
            if len(waiting) > LONGEST:
                lines, waiting = [*lines, waiting], b""
            for line in lines:
                on_line(line.decode("utf-8", "replace").rstrip("\r"))
    if waiting:
        on_line(waiting.decode("utf-8", "replace"))
