"""Lines of several jobs, each with its job in front, in a colour of the job's own on a terminal.

What jobs write goes to stdout, behind `|`; what toolkit says of them to stderr, behind `>`.
"""

from __future__ import annotations

import re
from typing import TextIO

from toolkit.cli.call import Call
from toolkit.spec.loop import Item, Logged, Turn
from toolkit.views import loop as view
from toolkit.views.text import neutral

COLOURS = ("36", "35", "34", "33", "32", "96", "95", "94")
"""None of them the red that means failure."""
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
WIDTH = 10


class Prefixed:
    """An `OnItem` for one command."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._colour: dict[str, str] = {}

    def __call__(self, item: Item) -> None:
        """Print one thing."""
        output, world = self._call.output, self._call.world
        if output.as_json and isinstance(item, Turn | Logged):
            output.document(view.document(item), indent=None)
        elif isinstance(item, Logged) and item.line.source != "note":
            self._put(item, world.stdout, "|")
        elif not output.quiet or isinstance(item, Turn):
            self._put(item, world.stderr, ">")

    def _put(self, item: Item, stream: TextIO, mark: str) -> None:
        output = self._call.output
        job = view.job(item)
        for line in view.lines(item):
            text = output.toned(line, stream) if mark == ">" else self._written(line, stream)
            output.write(stream, f"{self._prefix(job, mark, stream)}{text}\n")

    @staticmethod
    def _written(line: str, stream: TextIO) -> str:
        """What a job wrote; on a terminal without its colours, and without what could steer it."""
        return neutral(COLOUR.sub("", line)) if stream.isatty() else line

    def _prefix(self, job: str, mark: str, stream: TextIO) -> str:
        if not job:
            return ""
        text = f"{neutral(job):<{WIDTH}} {mark} "
        if not self._call.world.colours(stream):
            return text
        colour = self._colour.setdefault(job, COLOURS[len(self._colour) % len(COLOURS)])
        return f"\x1b[{colour}m{text}\x1b[0m"
