"""A table that stays at the bottom of a terminal, drawn again in place; nothing else moves.

Drawn with three control sequences that every terminal of the last forty years knows. How far up to
go is counted at the width that the terminal has now: one that was made narrower has broken our
lines, and one that was made wider has joined them.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, TextIO

from toolkit.cli.world import World
from toolkit.spec.chain import InstanceChain
from toolkit.views import fitted
from toolkit.views.fitted import Line

TONES = {"head": "2", "bad": "31", "faint": "2"}
USUAL = (80, 24)
"""Columns and lines of a terminal that does not say."""
ROOM = 2
"""Lines that are left above the table, for what is said."""

Write = Callable[[TextIO, str], None]
Draw = Callable[[int, int], Sequence[Line]]
"""Columns and lines that there are -> the table."""


class LiveTable:
    """Made when the first instances are known, drawn again on change and on a new size."""

    def __init__(self, world: World, write: Write, stream: TextIO | None = None):
        self._stream = world.stderr if stream is None else stream
        self._write = write
        self._colours = world.colours(self._stream)
        self._drawn: tuple[int, ...] = ()
        """Cells of each line on the screen."""
        self._draw: Draw | None = None
        self._busy = False
        self._resized = False
        self._before: Any = None
        self._listens = False
        self._listen()

    def update(self, instances: Sequence[InstanceChain]) -> None:
        """Draw the instances as they now stand."""
        self.draw(lambda width, height: fitted.instances(instances, width, height))

    def draw(self, draw: Draw) -> None:
        """Draw another table."""
        self._draw = draw
        self._put("")

    def line(self, line: str) -> None:
        """Print one line above the table."""
        self._put(line + "\n")

    def stop(self, *, keep: bool = False) -> None:
        """Take the table away; with `keep` it stays as it is, and what follows starts below it."""
        self._deafen()
        if keep:
            self._drawn = ()
        self._draw = None
        self._put("")

    def _put(self, text: str) -> None:
        self._busy = True
        try:
            while True:
                self._resized = False
                width, height = size(self._stream)
                lines = self._draw(width, max(height - ROOM, 2)) if self._draw else ()
                drawn = "".join(self._toned(line) + "\n" for line in lines)
                if out := self._erased(width) + text + drawn:
                    self._write(self._stream, out)
                self._drawn = tuple(fitted.cells(line.text) for line in lines)
                text = ""
                if not self._resized:
                    return
        finally:
            self._busy = False

    def _erased(self, width: int) -> str:
        rows = sum(max(-(-cells // width), 1) for cells in self._drawn)
        return f"\x1b[{rows}A\r\x1b[J" if rows else ""

    def _toned(self, line: Line) -> str:
        tone = TONES.get(line.tone)
        return f"\x1b[{tone}m{line.text}\x1b[0m" if tone and self._colours else line.text

    # A terminal that gets another size says so by a signal, which only the main thread may hear.

    def _listen(self) -> None:
        if threading.current_thread() is threading.main_thread() and self._stream.isatty():
            self._before = signal.signal(signal.SIGWINCH, self._hear)
            self._listens = True

    def _deafen(self) -> None:
        if self._listens:
            signal.signal(signal.SIGWINCH, self._before or signal.SIG_DFL)
            self._listens = False

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        self._resized = True
        # In the middle of drawing it is drawn once more afterwards.
        if not self._busy and self._draw is not None:
            self._put("")


def size(stream: TextIO) -> tuple[int, int]:
    """Columns and lines of the terminal that `stream` is."""
    try:
        found = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return USUAL
    return found.columns or USUAL[0], found.lines or USUAL[1]
