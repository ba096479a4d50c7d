"""What a script writes, as lines that may go to a terminal and a log."""

from __future__ import annotations

from collections.abc import Iterator

from toolkit.serving.bounded import bounded

LONGEST = 1000
"""Characters of a line."""
MOST = 10_000
"""Lines: each costs more on its way than what is in it."""


class Lines:
    """Bytes in, lines out; beyond `most` bytes, or MOST lines, nothing but how much that was."""

    def __init__(self, most: int):
        self._most = most
        self._taken = 0
        self._dropped = 0
        self._said = 0
        self._line = bytearray()

    def feed(self, data: bytes) -> Iterator[str]:
        """The lines that end in `data`."""
        kept = data[: max(0, self._most - self._taken)]
        self._dropped += len(data) - len(kept)
        self._taken += len(kept)
        *ended, rest = kept.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        for each in ended:
            if self._said >= MOST:
                self._dropped += len(each) + 1
                continue
            self._said += 1
            self._keep(each)
            yield self._end()
        if self._said >= MOST:
            self._dropped += len(rest)
        else:
            self._keep(rest)

    def last(self) -> Iterator[str]:
        """What is left when everything was said."""
        if self._line:
            yield self._end()
        if self._dropped:
            most = f"{self._most} bytes, or {MOST} lines,"
            yield f"… and {self._dropped} bytes more: {most} are the most that is shown"

    def _keep(self, data: bytes) -> None:
        room = 4 * LONGEST + 4 - len(self._line)
        self._line += data[:room]

    def _end(self) -> str:
        text = self._line.decode(errors="replace").replace("\t", "    ")
        self._line.clear()
        return bounded(text, LONGEST)
