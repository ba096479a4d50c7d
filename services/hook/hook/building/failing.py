"""What is said of a build while it runs, and how one that failed is told; pure but for `Ears`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from toolkit.errors import ExitCode
from toolkit.repos.builds import BuildFailedError
from toolkit.serving.bounded import bounded

LAST = 12
"""Lines of a build that failed."""
LONGEST = 500
MOST = 5000
"""Lines of one build that are passed on; the last ones are kept whatever it wrote."""


class Ears:
    """Hears what a build writes, in pieces or lines, and passes on whole lines; for one thread."""

    def __init__(self, service: str, say: Callable[[str], None]):
        self._service = service
        self._say = say
        self._waiting: dict[str, bytes] = {}
        self._told = 0
        self.last: deque[str] = deque(maxlen=LAST)

    def piece(self, stream: str, data: bytes) -> None:
        """Some bytes of one stream; an empty piece is its end."""
        *whole, rest = (self._waiting.get(stream, b"") + data).split(b"\n")
        if rest and (not data or len(rest) > 4 * LONGEST):
            whole, rest = [*whole, rest], b""
        self._waiting[stream] = rest
        for line in whole:
            self.line(line.decode("utf-8", "replace").rstrip("\r"))

    def line(self, text: str) -> None:
        """One line."""
        if not text.strip():
            return
        text = bounded(text.rstrip(), LONGEST)
        self.last.append(text)
        self._told += 1
        if self._told <= MOST:
            self._say(f"{self._service}  {text}")
        elif self._told == MOST + 1:
            self._say(f"{self._service}  … it writes more than {MOST:,} lines, no more are shown")

    def failed(
        self, why: str, *, hint: str | None = None, code: ExitCode = ExitCode.FAILED
    ) -> BuildFailedError:
        """The error of this build, with its last lines."""
        said = "".join(f"\n  {line}" for line in self.last)
        return BuildFailedError(
            f"the build of {self._service} failed: {why}; nothing was registered{said}",
            hint=hint,
            code=code,
        )
