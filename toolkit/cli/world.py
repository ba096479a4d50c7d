"""What surrounds one run of the program: arguments, environment, folder and streams, as a value."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from toolkit.errors import RefusedError


def _browse(address: str) -> bool:
    import webbrowser

    return webbrowser.open(address)


@dataclass(frozen=True, slots=True)
class World:
    """Everything that a command may not reach for by itself; tests make their own."""

    arguments: tuple[str, ...]
    environ: Mapping[str, str]
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    folder: Path | None = None
    """Where the program was started; None: ask the process."""
    browse: Callable[[str], bool] = _browse
    """Shows an address in a browser; False where there is none."""

    @classmethod
    def of_process(cls, arguments: Sequence[str]) -> World:
        """The process's own; the environment is copied once and handed to `load_settings`."""
        return cls(
            arguments=tuple(arguments),
            environ=dict(os.environ),
            stdin=sys.stdin,
            stdout=sys.stdout,
            stderr=sys.stderr,
        )

    @property
    def cwd(self) -> Path:
        """The folder that the program was started in; RefusedError when it is gone."""
        if self.folder is not None:
            return self.folder
        try:
            return Path.cwd()
        except OSError as exc:
            raise RefusedError(
                "the current folder does not exist any more", hint="change to one that does"
            ) from exc

    @property
    def interactive(self) -> bool:
        """True when a person can be asked: both ends of the talk are a terminal."""
        return _is_terminal(self.stdin) and _is_terminal(self.stderr)

    def says(self, option: str) -> bool:
        """True when `option` is on the command line, wherever parsing may have stopped."""
        ended = self.arguments.index("--") if "--" in self.arguments else len(self.arguments)
        return option in self.arguments[:ended]

    @property
    def wants_json(self) -> bool:
        """True when the result, or the error in its place, is to be a JSON document."""
        pairs = zip(self.arguments, self.arguments[1:], strict=False)
        named = self.says("--format=json") or ("--format", "json") in pairs
        return self.says("--json") or named

    def draws(self, stream: TextIO) -> bool:
        """True when `stream` is a terminal on which lines can be taken back."""
        return _is_terminal(stream) and self.environ.get("TERM") not in {None, "", "dumb"}

    def colours(self, stream: TextIO) -> bool:
        """True when `stream` is a terminal that may be coloured."""
        plain = self.environ.get("NO_COLOR") or self.environ.get("TERM") == "dumb"
        return _is_terminal(stream) and not plain


def _is_terminal(stream: TextIO | None) -> bool:
    # A daemon's streams may be None or closed already.
    return stream is not None and not stream.closed and stream.isatty()
