"""Exit codes, signals and messages as people say them; pure."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence

from toolkit.rollout.events import Failure

_LOGIN = re.compile(r"://[^/@\s\"']+@")
LONGEST = 300
"""Characters of a message that are shown."""
LAST = 100
"""Of these, from its end."""

CODES = {
    "126": "its command cannot be executed",
    "127": "command not found",
}
FATAL = {"SIGSEGV", "SIGBUS", "SIGILL", "SIGABRT", "SIGFPE"}
"""Signals that a program brings upon itself."""


def signal_name(number: str) -> str:
    """`SIGKILL` for `9`; the number where the system has no name for it."""
    try:
        return signal.Signals(int(number)).name
    except ValueError:
        return f"signal {number}"


def ended_by(code: str, number: str) -> str:
    """The name of the signal that ended a task; empty when none did.

    A shell, and Docker, say 128 and the signal as the exit code.
    """
    if number != "0":
        return signal_name(number)
    if code.isdigit() and 128 < int(code) <= 128 + signal.SIGTERM:
        return signal_name(str(int(code) - 128))
    return ""


def ending(code: str, number: str) -> str:
    """`exited 127 (command not found)`, `was killed by signal 9 (SIGKILL)`."""
    name = ended_by(code, number)
    if number != "0":
        return f"was killed by signal {number}" + (f" ({name})" if name.startswith("SIG") else "")
    meaning = CODES.get(code) or name
    return f"exited {code}" + (f" ({meaning})" if meaning else "")


def times(number: int) -> str:
    """` twice`, ` 3 times`; nothing for once."""
    return {1: "", 2: " twice"}.get(number, f" {number} times")


def soon(crashes: Sequence[Failure]) -> str:
    """` within 3 s of its start`, where the start is still remembered."""
    task = crashes[0].task
    starts = [event.at for event in task.events if event.kind == "Started"]
    spans = [
        crash.at - max(start for start in starts if start <= crash.at)
        for crash in crashes
        if any(start <= crash.at for start in starts)
    ]
    if not spans or max(spans) > 60:
        return ""
    return f" within {max(1, round(max(spans) + 0.5))} s of its start"


def one_line(text: str) -> str:
    """A message as one line of bounded length: of a chain of errors the end says why."""
    line = " ".join(clean(text).split()).rstrip(".")
    if len(line) <= LONGEST:
        return line
    return f"{line[: LONGEST - LAST - 1]}…{line[-LAST:]}"


def clean(text: str) -> str:
    """Without the control characters that could redraw a terminal, and logins in addresses."""
    text = _LOGIN.sub("://***@", text)
    return "".join(c if c.isprintable() or c in "\t\n" else "�" for c in text)
