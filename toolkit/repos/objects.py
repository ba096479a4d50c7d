"""A conversation with one `git cat-file`: kind, size and bytes of objects, by their full IDs."""

from __future__ import annotations

import os
import select
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

from toolkit.errors import RefusedError
from toolkit.repos.git import GitError, Quarantine, end, start
from toolkit.repos.refs import is_id

_CHUNK = 64 * 1024
_HEADER = 256
"""Bytes of the line before an object, at most."""


class Objects:
    """One process of git that answers questions in turn; any thread may ask."""

    def __init__(
        self,
        git_dir: Path,
        *,
        quarantine: Quarantine | None = None,
        seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        """`seconds`: that git may take for one answer."""
        self._git_dir, self._quarantine = git_dir, quarantine
        self._seconds, self._clock = seconds, clock
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._rest = b""

    def open(self) -> None:
        """Start git."""
        with self._lock:
            self._process = start(
                self._git_dir, ["cat-file", "--batch-command"], quarantine=self._quarantine
            )

    def close(self) -> None:
        """End git; a second time is fine."""
        with self._lock:
            self._end()

    def info(self, id_: str) -> tuple[str, int]:
        """Kind (`commit`, `tree`, `blob`, `tag`) and bytes; RefusedError where it is missing."""
        with self._lock:
            return self._header("info", id_, self._clock() + self._seconds)

    def contents(self, id_: str, most: int) -> bytes:
        """The bytes of an object that `info` called small enough; GitError above `most`."""
        with self._lock:
            deadline = self._clock() + self._seconds
            _, size = self._header("contents", id_, deadline)
            if size > most:
                self._end()
                raise GitError("git has more to say than it said before")
            return self._take(size + 1, deadline)[:-1]

    def _header(self, verb: str, id_: str, deadline: float) -> tuple[str, int]:
        if not is_id(id_):
            raise RefusedError("an object is named by something else than its full ID")
        self._send(f"{verb} {id_}\n".encode())
        while b"\n" not in self._rest:
            if len(self._rest) > _HEADER:
                raise self._lost("said what cannot be read")
            self._receive(deadline)
        line, _, self._rest = self._rest.partition(b"\n")
        words = line.decode(errors="replace").split(" ")
        if words == [id_, "missing"]:
            raise RefusedError(
                f"object {id_} is missing", hint="push the whole history: not a shallow clone"
            )
        if len(words) != 3 or words[0] != id_ or not words[2].isdigit():
            raise self._lost("said what cannot be read")
        return words[1], int(words[2])

    def _send(self, line: bytes) -> None:
        if self._process is None or self._process.stdin is None:
            raise GitError("the commit is not open for reading")
        try:
            # Far less than a pipe holds, and git has answered all that was sent before.
            os.write(self._process.stdin.fileno(), line)
        except OSError as error:
            raise self._lost("ended") from error

    def _take(self, size: int, deadline: float) -> bytes:
        chunks, have = [self._rest], len(self._rest)
        while have < size:
            self._rest = b""
            self._receive(deadline)
            chunks.append(self._rest)
            have += len(self._rest)
        data = b"".join(chunks)
        self._rest = data[size:]
        return data[:size]

    def _receive(self, deadline: float) -> None:
        """Add what git says next to what is left of its last words."""
        assert self._process is not None and self._process.stdout is not None  # noqa: S101
        pipe = self._process.stdout.fileno()
        poll = select.poll()
        poll.register(pipe, select.POLLIN)
        if not poll.poll(1000 * max(0.0, deadline - self._clock())):
            raise self._lost("took too long")
        data = os.read(pipe, _CHUNK)
        if not data:
            raise self._lost("ended")
        self._rest += data

    def _lost(self, what: str) -> GitError:
        self._end()
        return GitError(f"git {what} while a commit was read")

    def _end(self) -> None:
        self._rest = b""
        if self._process is not None:
            end(self._process)
            self._process = None
