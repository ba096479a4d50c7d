"""What tasks write, passed through as it comes: stdout to stdout, stderr to stderr.

Where one task writes alone, its bytes go on untouched. Where several do, each line begins with its
allocation and task. On a terminal control characters are made harmless.
"""

from __future__ import annotations

import codecs
from typing import TextIO

from toolkit.cli.call import Call
from toolkit.cli.output import Output
from toolkit.cli.world import World
from toolkit.errors import ExitCode
from toolkit.spec.events import Event
from toolkit.spec.work import WorkReport, Written
from toolkit.views import work as view

LONGEST = 1 << 16
"""Bytes of a line that is passed on although its end has not come yet."""


class TaskOutput:
    """An `OnOutput` for one command."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._output: Output = call.output
        world: World = call.world
        # With --json standard output holds one document and nothing else.
        self._streams: dict[str, TextIO] = {
            "stdout": world.stderr if call.output.as_json else world.stdout,
            "stderr": world.stderr,
        }
        self._waiting: dict[tuple[str, str, str], bytes] = {}
        self._decoders: dict[tuple[str, str, str], codecs.IncrementalDecoder] = {}
        self._begun: TextIO | None = None
        """The terminal that the last piece left in the middle of a line."""

    def __call__(self, piece: Written) -> None:
        """Pass one piece on."""
        key = (piece.allocation, piece.task, piece.stream)
        stream = self._streams[piece.stream]
        if piece.alone:
            self._output.task(stream, piece.data, self._decoder(key))
            ended = piece.data.endswith(b"\n") or not stream.isatty()
            self._begun = None if ended else stream
            return
        data = self._waiting.pop(key, b"") + piece.data
        whole, newline, rest = data.rpartition(b"\n")
        if len(rest) > LONGEST:
            whole, newline, rest = data, b"\n", b""
        if rest:
            self._waiting[key] = rest
        if newline:
            self._lines(stream, piece.prefix, whole)

    def on_event(self, event: Event) -> None:
        """Print a transition, on a terminal on a line of its own."""
        self._break_line()
        self._call.on_event(event)

    def end(self) -> None:
        """Lines whose end never came."""
        self._break_line()
        for (allocation, task, stream), rest in self._waiting.items():
            self._lines(self._streams[stream], f"{allocation[:8]} {task}", rest)
        self._waiting.clear()

    def _break_line(self) -> None:
        if self._begun is not None:
            self._output.task(self._begun, b"\n", codecs.getincrementaldecoder("utf-8")())
            self._begun = None

    def _lines(self, stream: TextIO, prefix: str, data: bytes) -> None:
        lead = f"{prefix}  ".encode()
        text = b"".join(lead + line + b"\n" for line in data.split(b"\n"))
        self._output.task(stream, text, codecs.getincrementaldecoder("utf-8")("replace"))

    def _decoder(self, key: tuple[str, str, str]) -> codecs.IncrementalDecoder:
        # A character may come in two pieces.
        if key not in self._decoders:
            self._decoders[key] = codecs.getincrementaldecoder("utf-8")("replace")
        return self._decoders[key]


def show(call: Call, written: TaskOutput, report: WorkReport) -> ExitCode:
    """The report: with --json on stdout, else as talk, because stdout holds the tasks' output."""
    written.end()
    if call.output.as_json:
        return call.show(view, report)
    for line in view.lines(call.retyped(report)):
        call.output.alarm(line)
    return report.code
