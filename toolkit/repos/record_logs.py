"""Logs of deployments: a line of JSON each, written by one, followed by many.

A line that was cut off by a crash is dropped when it is read and when writing goes on. A log has a
most of bytes: a line says when it is reached, and only the last one, the verdict, still gets in.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from toolkit.repos.records import Records
from toolkit.spec.deployment import LogLine

CHUNK = 64 << 10
"""Bytes that are read of a log at a time."""
FULL = "the log is full: what follows is not kept"
DAMAGED = "this line of the log is damaged"

Key = tuple[str, int]


@dataclass
class _Live:
    """A log that is being written."""

    lines: int
    size: int
    full: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """How far a log was read."""

    offset: int = 0
    lines: int = 0


class Logs:
    """The logs of all deployments, for several threads."""

    def __init__(self, records: Records, *, most: int, now: Callable[[], float] = time.time):
        """`most`: bytes of one log."""
        self._records = records
        self._most = most
        self._now = now
        self._live: dict[Key, _Live] = {}
        self._news = threading.Condition()

    # Writing.

    def open(self, repo: str, number: int) -> None:
        """Lines will come: whoever follows waits for them."""
        with self._news:
            if (repo, number) in self._live:
                return
            path = self._records.log(repo, number)
            lines, end = 0, 0
            place = Place()
            while True:
                _, after = read(path, place)
                if after == place:
                    break
                place = after
            lines, end = place.lines, place.offset
            if path.exists() and path.stat().st_size > end:
                os.truncate(path, end)
            self._live[repo, number] = _Live(lines, end, full=self._is_full(end))

    def say(
        self,
        repo: str,
        number: int,
        text: str,
        *,
        stage: str = "",
        job: str = "",
        at: float | None = None,
        document: dict[str, Any] | None = None,
        last: bool = False,
    ) -> None:
        """Append a line; a full log or disk, or a log that is not open, loses it and nothing else.

        `last`: there is room for it even in a full log, without its document if need be.
        """
        moment = self._now() if at is None else at
        with self._news:
            live = self._live.get((repo, number))
            if live is None:
                return
            line = LogLine(live.lines + 1, moment, text, stage, job, document)
            data = encode(line)
            room = self._most - live.size
            if last and len(data) > room:
                data = encode(replace(line, document=None))
            elif not last and (live.full or len(data) > room - self._kept_free):
                if live.full:
                    return
                live.full = True
                data = encode(replace(line, text=FULL, stage="note", job="", document=None))
            try:
                self._append(self._records.log(repo, number), data, live.size)
            except OSError:
                return
            live.lines += 1
            live.size += len(data)
            self._news.notify_all()

    def end(self, repo: str, number: int) -> None:
        """No line comes any more, or not for now: whoever follows has all of them."""
        with self._news:
            live = self._live.pop((repo, number), None)
            if live is None:
                return
            path = self._records.log(repo, number)
            with contextlib.suppress(OSError):
                descriptor = os.open(path, os.O_RDONLY)
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)
            self._news.notify_all()

    @property
    def _kept_free(self) -> int:
        """Bytes of a log that only the verdict may take."""
        return self._most // 4

    def _is_full(self, size: int) -> bool:
        return size >= self._most - self._kept_free

    def _append(self, path: Path, data: bytes, size: int) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            written = os.write(descriptor, data)
            if written != len(data):
                os.ftruncate(descriptor, size)
                raise OSError("no room for a line")
        finally:
            os.close(descriptor)

    # Reading.

    def is_live(self, repo: str, number: int) -> bool:
        """True while lines may come."""
        with self._news:
            return (repo, number) in self._live

    def read(self, repo: str, number: int, place: Place) -> tuple[list[LogLine], Place]:
        """Some of the lines from `place` on, and where to go on; none: there are none yet."""
        return read(self._records.log(repo, number), place)

    def last(self, repo: str, number: int) -> LogLine | None:
        """The last whole line of a log."""
        found, place = None, Place()
        while True:
            lines, place = self.read(repo, number, place)
            if not lines:
                return found
            found = lines[-1]

    def follow(self, repo: str, number: int, after: int = 0) -> Iterator[LogLine]:
        """The lines beyond the number `after`, to the end of the log; blocks while it is written.

        Takes a thread; whoever does not want to hear more stops asking for the next line.
        """
        place = Place()
        while True:
            live = self.is_live(repo, number)  # before reading: a last line is not missed
            lines, place = self.read(repo, number, place)
            yield from (line for line in lines if line.number > after)
            if lines:
                continue
            if not live:
                return
            self.wait(repo, number, place.lines)

    def wait(self, repo: str, number: int, lines: int, seconds: float | None = None) -> None:
        """Block until there are more than so many lines, or no more will come, or time is over."""

        def news() -> bool:
            live = self._live.get((repo, number))
            return live is None or live.lines > lines

        with self._news:
            self._news.wait_for(news, seconds)


def read(path: Path, place: Place) -> tuple[list[LogLine], Place]:
    """Whole lines of a log from `place` on, at most about `CHUNK` bytes, and where to go on."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return [], place
    with file:
        file.seek(place.offset)
        data = file.read(CHUNK)
        if b"\n" not in data:
            # One line that is longer than what is read at a time.
            data += file.readline()
    data = data[: data.rfind(b"\n") + 1]
    found = []
    for number, raw in enumerate(data.split(b"\n")[:-1], start=place.lines + 1):
        found.append(decode(raw, number))
    return found, Place(place.offset + len(data), place.lines + len(found))


def encode(line: LogLine) -> bytes:
    """A line as it lies in the file; its number is its place there."""
    said: dict[str, Any] = {"at": line.at, "text": line.text}
    if line.stage:
        said["stage"] = line.stage
    if line.job:
        said["job"] = line.job
    if line.document is not None:
        said["document"] = line.document
    return json.dumps(said, separators=(",", ":")).encode() + b"\n"


def decode(raw: bytes, number: int) -> LogLine:
    """The line of a file; one that cannot be read says so."""
    try:
        said = json.loads(raw)
        document = said.get("document")
        return LogLine(
            number=number,
            at=float(said["at"]),
            text=str(said["text"]),
            stage=str(said.get("stage", "")),
            job=str(said.get("job", "")),
            document=document if isinstance(document, dict) else None,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return LogLine(number, 0.0, DAMAGED, "note")
