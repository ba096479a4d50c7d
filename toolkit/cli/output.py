"""All that is printed: talk to stderr, data to stdout, questions to a person."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TextIO

from toolkit.cli.world import World
from toolkit.errors import NeedsAnswerError
from toolkit.views.text import neutral, neutral_block, neutral_json

if TYPE_CHECKING:
    from codecs import IncrementalDecoder

    from toolkit.cli.live import LiveTable
    from toolkit.spec.events import Event

GOOD, BAD, WARN = "32", "31", "33"
TONES = {
    "deployed": GOOD, "unchanged": GOOD, "completed": GOOD, "valid": GOOD, "started": GOOD,
    "passed": GOOD,
    "failed": BAD, "refused": BAD, "unplaced": BAD, "unverified": BAD, "invalid": BAD,
    "died": BAD, "error:": BAD, "mistake": BAD, "fail": BAD,
    "well": GOOD, "done": GOOD, "unwell": BAD, "waiting": WARN, "absent": WARN,
    "reverted": WARN, "unknown": WARN, "superseded": WARN, "held": WARN, "warning": WARN,
    "revert": WARN, "hold": WARN, "lint": WARN, "hint:": WARN,
    "could": WARN,  # the first of `could not tell`
}  # fmt: skip
"""Colour of a line's first word; the word itself says the same."""


class Output:
    """Where one command talks. A reader that went away stops the talk, never the work."""

    def __init__(self, world: World, *, quiet: bool = False, as_json: bool = False):
        self._world = world
        self.quiet = quiet
        self._live: LiveTable | None = None
        self._gone: set[int] = set()
        self._column = 0
        """Width of the longest name of a job, where several roll."""
        self.as_json = as_json
        self.stages: set[str] = set()
        """Stages of the events so far; what an interruption says depends on them."""

    def event(self, event: Event) -> None:
        """One transition: its line, and on a terminal the instances as a live table."""
        self.stages.add(event.stage)
        if self.quiet:
            return
        from toolkit.views import event as event_view

        self._column = max(self._column, len(event.job))
        # Without a text it only says how the instances now stand.
        for line in event_view.lines(event, self._column) if event.text else ():
            self.talk(line)
        if event.instances and not event.job and self._world.draws(self._world.stderr):
            if self._live is None:
                from toolkit.cli.live import LiveTable

                self._live = LiveTable(self._world, self.write)
            self._live.update(event.instances)

    def talk(self, line: str) -> None:
        """One line to stderr, unless quiet."""
        if not self.quiet:
            self.alarm(line)

    def alarm(self, line: str) -> None:
        """One line to stderr, quiet or not: for errors."""
        text = self.toned(line, self._world.stderr)
        if self._live is not None:
            self._live.line(text)
        else:
            self.write(self._world.stderr, text + "\n")

    def show(self, lines: Iterable[str]) -> None:
        """A report's lines to stdout."""
        self.close()
        text = "".join(self.toned(line, self._world.stdout) + "\n" for line in lines)
        self.write(self._world.stdout, text)

    def document(self, document: dict[str, Any], *, indent: int | None = 2) -> None:
        """One JSON document to stdout."""
        import json

        self.close()
        text = json.dumps(document, ensure_ascii=False, indent=indent)
        self.write(self._world.stdout, neutral_json(text) + "\n")

    def raw(self, text: str) -> None:
        """Data to stdout as it is; on a terminal without what could steer it."""
        self.close()
        stdout = self._world.stdout
        self.write(stdout, neutral_block(text) if stdout.isatty() else text)

    def task(self, stream: TextIO, data: bytes, decoder: IncrementalDecoder) -> None:
        """What a task wrote, byte for byte; on a terminal as text without what could steer it."""
        self.close()
        buffer = None if stream.isatty() else getattr(stream, "buffer", None)
        if buffer is None:
            text = decoder.decode(data)
            if stream.isatty():
                text = neutral_block(text.replace("\r\n", "\n"))
            self.write(stream, text)
        elif id(stream) not in self._gone:
            try:
                stream.flush()
                buffer.write(data)
                buffer.flush()
            except BrokenPipeError:
                self._gone.add(id(stream))

    @property
    def reader_gone(self) -> bool:
        """True once stdout's reader closed its end: whoever streams may stop."""
        return id(self._world.stdout) in self._gone

    def confirm(self, question: str, *, yes: bool) -> bool:
        """Ask a person; `yes` answers; NeedsAnswerError when nobody can be asked."""
        if yes:
            self.talk(f"{question} yes (--yes)")
            return True
        if not self._world.interactive:
            raise NeedsAnswerError(
                f"not confirmed, nothing was changed: {question}",
                hint="say --yes, or run it on a terminal",
            )
        self.close()
        self.write(self._world.stderr, f"{neutral(question)} [y/N] ")
        try:
            return self._world.stdin.readline().strip().lower() in {"y", "yes"}
        except KeyboardInterrupt:
            self.write(self._world.stderr, "\n")
            raise

    def confirm_name(self, question: str, name: str, *, yes: bool) -> bool:
        """Let a person type the name of what would be lost; else like `confirm`."""
        if yes or not self._world.interactive:
            return self.confirm(f"{question}?", yes=yes)
        self.close()
        self.write(self._world.stderr, f"{neutral(question)}? Type its name to do so: ")
        try:
            return self._world.stdin.readline().strip() == name
        except KeyboardInterrupt:
            self.write(self._world.stderr, "\n")
            raise

    def secret(self, prompt: str) -> str:
        """A value that must not be seen, asked for without echo on a terminal.

        Elsewhere it is all of standard input without one final newline.
        """
        self.close()
        if self._world.interactive:
            from getpass import getpass

            return getpass(neutral(prompt), self._world.stderr)
        text = self._world.stdin.read()
        return text.removesuffix("\n").removesuffix("\r")

    def close(self) -> None:
        """Take the live table away; what follows starts on a fresh line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def toned(self, line: str, stream: TextIO) -> str:
        """One line as `stream` may show it: harmless, and its first word in its colour."""
        line = neutral(line)
        word, space, rest = line.partition(" ")
        tone = TONES.get(word)
        if tone is None or not self._world.colours(stream):
            return line
        return f"\x1b[{tone}m{word}\x1b[0m{space}{rest}"

    def write(self, stream: TextIO, text: str) -> None:
        """Text as it is; into a stream that nobody reads any more, nothing."""
        if id(stream) in self._gone:
            return
        try:
            stream.write(text)
            stream.flush()
        except OSError as exc:
            # EIO: the terminal itself is gone.
            if exc.errno not in {errno.EPIPE, errno.EIO} and not isinstance(exc, BrokenPipeError):
                raise
            self._gone.add(id(stream))
