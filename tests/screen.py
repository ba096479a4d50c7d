"""A terminal of a given size: a command runs on it, and what stands on its screen can be read.

Knows what toolkit uses: text that wraps, newlines, going up, clearing to the end, colours.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

DEADLINE = 60.0
_PIECE = re.compile(r"\x1b\[([0-9;]*)([A-Za-z])|\r|\n|[^\x1b\r\n]|\x1b")


class Screen:
    """The lines of a terminal that is high enough never to scroll."""

    def __init__(self, columns: int) -> None:
        self.columns = columns
        self.lines: list[str] = [""]
        self.row = self.column = 0
        self.wrapped = 0
        """Times that a line was longer than the screen is wide."""

    def feed(self, text: str) -> None:
        """Show what was written."""
        for piece in _PIECE.finditer(text):
            match piece[2], piece[0]:
                case None, "\r":
                    self.column = 0
                case None, "\n":
                    self.row += 1
                    while len(self.lines) <= self.row:
                        self.lines.append("")
                case None, letter:
                    self._put(letter)
                case "A", _:
                    self.row -= int(piece[1] or 1)
                    assert self.row >= 0, "went up past the top"
                case "J", _:
                    del self.lines[self.row + 1 :]
                    self.lines[self.row] = self.lines[self.row][: self.column]
                case "m", _:
                    pass
                case _, sequence:
                    raise AssertionError(f"a sequence that nobody expects: {sequence!r}")

    def _put(self, letter: str) -> None:
        if self.column == self.columns:
            self.wrapped += 1
            self.feed("\r\n")
        line = self.lines[self.row].ljust(self.column)
        self.lines[self.row] = line[: self.column] + letter + line[self.column + 1 :]
        self.column += 1

    @property
    def text(self) -> str:
        """All lines."""
        return "\n".join(self.lines)


class Terminal:
    """A command on a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int, columns: int) -> None:
        self.process, self.descriptor = process, descriptor
        self.screen = Screen(columns)
        self.raw = ""

    def until(self, what: str, holds: Callable[[str], bool], seconds: float = DEADLINE) -> str:
        """Read until the screen's text is as wanted."""
        ends = time.monotonic() + seconds
        while not holds(self.screen.text):
            left = ends - time.monotonic()
            assert left > 0, f"never: {what}\n{self.screen.text}"
            assert self._read(left), f"ended before: {what}\n{self.screen.text}"
        return self.screen.text

    def _read(self, seconds: float) -> bool:
        ready, _, _ = select.select([self.descriptor], [], [], min(seconds, 1.0))
        if not ready:
            return True
        try:
            data = os.read(self.descriptor, 1 << 16)
        except OSError:  # the other end is closed
            return False
        self.raw += data.decode()
        self.screen.feed(data.decode())
        return bool(data)

    def resize(self, columns: int, lines: int = 50) -> None:
        """Another size; a screen that begins anew, as terminals differ in what they do to lines."""
        self.screen = Screen(columns)
        self.screen.feed("\n" * 50)
        size(self.descriptor, columns, lines)

    def interrupt(self) -> int:
        """Ctrl-C, and the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        """Read what is left, and the exit code."""
        ends = time.monotonic() + DEADLINE
        while self._read(1.0) and self.process.poll() is None:
            assert time.monotonic() < ends, f"does not end\n{self.screen.text}"
        return self.process.wait(DEADLINE)


def size(descriptor: int, columns: int, lines: int) -> None:
    """Set the size of a terminal, which tells its foreground processes."""
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))


@contextmanager
def terminal(
    command: Sequence[str],
    *,
    columns: int = 80,
    lines: int = 50,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> Iterator[Terminal]:
    """Run a command on a terminal that it controls; ended with its whole group at the end."""
    ours, theirs = pty.openpty()
    size(ours, columns, lines)
    env = {"PATH": os.defpath, "TERM": "xterm", **(environ or {})}
    # A session of its own whose terminal it is: only then is it told of a new size.
    script = (
        "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
        "os.execv(sys.argv[1], sys.argv[1:])"
    )
    process = subprocess.Popen(
        [command[0], "-c", script, *command],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd, env=env, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    try:
        yield Terminal(process, ours, columns)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(10)
        os.close(ours)
