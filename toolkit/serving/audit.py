"""The audit: append-only lines in a chain, on disk before what they tell of happens.

An intent is durable when `intend` returns, and nothing may be done without. What became of it, its
outcome, may wait in memory while the disk is full: until it is written no other intent is taken,
and after a kill it is found out by reading what there is.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from toolkit.errors import AuditError
from toolkit.serving import audit_files
from toolkit.serving.chain import Head, line, seal
from toolkit.spec.audit import Draft, Entry

_RETRY_LOCK = 0.1
"""Seconds between two looks at the lock: waiting for it in the kernel has no deadline."""


RECENT_FILES = 4
"""Files that are read at a start at most, each of the size at which it is changed."""


class Audit:
    """One folder of audit files, held by one process; for several threads."""

    def __init__(self, folder: Path, lock: BinaryIO, *, now: Callable[[], float], most: int):
        """Use `Audit.open`. `most`: bytes after which the chain goes on in a new file."""
        self.folder = folder
        self.mended: audit_files.Mended | None = None
        self._held = lock
        self._now = now
        self._most = most
        self._writing = threading.Lock()
        self._syncing = threading.Lock()
        self._waiting: list[Draft] = []
        self._broken: str | None = None
        self._head = Head()
        self._synced = 0
        self._file: BinaryIO
        self._size = 0
        self._begin()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        who: str,
        now: Callable[[], float],
        clock: Callable[[], float],
        sleep: Callable[[float], None],
        patience: float = 30.0,
        most: int = 64 * 1024 * 1024,
    ) -> Audit:
        """Hold the folder, mend what a kill left and check the newest file.

        `who`: for whoever else wants it. `patience`: seconds to wait for another process to end.
        Raises AuditError: held by somebody else, not writable, or tampered with.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            lock = (folder / "lock").open("a+b", buffering=0)
        except OSError as error:
            raise _unwritable(folder, error) from error
        try:
            _take(lock, folder, who, clock, sleep, clock() + patience, now)
            return cls(folder, lock, now=now, most=most)
        except OSError as error:
            lock.close()
            raise _unwritable(folder, error) from error
        except BaseException:
            lock.close()
            raise

    @property
    def head(self) -> Head:
        """The newest entry."""
        return self._head

    @property
    def trouble(self) -> str | None:
        """Why nothing may be done now, as far as is known; None when all is well."""
        if self._broken is not None:
            return self._broken
        return f"{len(self._waiting)} outcomes wait for room on the disk" if self._waiting else None

    def intend(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        """Write intents, and return when they are on disk; together they cost one sync.

        Raises AuditError when they are not: then nothing may be done.
        """
        if self._size >= self._most:
            self._rotate()
        with self._writing:
            self._write_waiting()
            entries = self._append(drafts)
        if entries:
            self._sync(entries[-1].seq)
        return entries

    def conclude(self, drafts: Sequence[Draft]) -> None:
        """Write outcomes, or keep them until they can be written; on disk with the next intent."""
        with self._writing:
            self._waiting.extend(drafts)
            with contextlib.suppress(AuditError):
                self._write_waiting()

    @property
    def first(self) -> int:
        """Number of the oldest entry that is here: files before it may have been moved away."""
        files = audit_files.files_in(self.folder)
        return audit_files.first_of(files[0]) if files else 1

    def entries(self, first: int, last: int | None = None) -> Iterator[Entry]:
        """The entries from one number to another, both included, oldest first."""
        last = self._head.seq if last is None else last
        files = audit_files.files_in(self.folder)
        for path, following in zip(files, [*files[1:], None], strict=True):
            if following is not None and audit_files.first_of(following) <= first:
                continue
            if audit_files.first_of(path) > last:
                return
            for entry in audit_files.read_from(path, first):
                if entry.seq > last:
                    return
                yield entry

    def recent(self, seconds: float, keys: int) -> Iterator[Entry]:
        """What a start has to know of the last seconds: see `audit_files.read_telling`."""
        files = audit_files.files_in(self.folder)[-RECENT_FILES:]
        since = _time(self._now() - seconds)
        while len(files) > 2 and audit_files.time_of(files[1]) <= since:
            files = files[1:]
        return audit_files.read_telling(files, keys)

    def verify(self) -> Head:
        """Follow the whole chain, all files; raises AuditError that names file and line."""
        with self._writing:
            last, files = self._head.seq, audit_files.files_in(self.folder)
        return audit_files.check_all(files, last)

    def close(self) -> None:
        """Write what waits, sync, and let go of the folder."""
        with self._syncing, self._writing:
            if self._broken is None:
                with contextlib.suppress(AuditError, OSError):
                    self._write_waiting()
                    os.fsync(self._file.fileno())
            self._broken = "the audit was closed"
            self._file.close()
            self._held.close()

    def _begin(self) -> None:
        """Go on where the newest file ends."""
        files = audit_files.files_in(self.folder)
        if files:
            self.mended = audit_files.mend(files[-1])
            self._head = audit_files.check_newest(files)
        path = files[-1] if files else self.folder / audit_files.name_of(1)
        self._file = _append_to(path)
        self._size = path.stat().st_size
        _sync_folder(self.folder)
        os.fsync(self._file.fileno())
        self._synced = self._head.seq

    def _write_waiting(self) -> None:
        if self._waiting:
            self._append(self._waiting)
            self._waiting.clear()

    def _append(self, drafts: Sequence[Draft]) -> tuple[Entry, ...]:
        if self._broken is not None:
            raise AuditError(f"the audit cannot be written: {self._broken}", hint=_HINT)
        head = self._head
        time = _time(self._now())
        entries: list[Entry] = []
        for draft in drafts:
            entry = seal(draft, head, time)
            entries.append(entry)
            head = Head(entry.seq, entry.hash)
        self._write(b"".join(line(entry) for entry in entries))
        self._head = head
        return tuple(entries)

    def _write(self, data: bytes) -> None:
        """All of it or nothing: what a full disk took of it is cut off again."""
        try:
            view = memoryview(data)
            while view:
                view = view[self._file.write(view) :]
        except OSError as error:
            try:
                self._file.truncate(self._size)
            except OSError as worse:
                self._broken = f"half a line could not be taken back: {worse.strerror}"
            raise _unwritable(self.folder, error) from error
        self._size += len(data)

    def _sync(self, seq: int) -> None:
        """Wait until the entry is on disk; those who come meanwhile share one sync."""
        with self._syncing:
            if self._synced >= seq:
                return
            with self._writing:
                upto, file = self._head.seq, self._file
                broken = self._broken
            if broken is not None:
                raise AuditError(f"the audit cannot be written: {broken}", hint=_HINT)
            try:
                os.fsync(file.fileno())
            except OSError as error:
                # What the kernel could not write it has forgotten: no later sync would tell.
                self._broken = f"the disk failed: {error.strerror}"
                raise _unwritable(self.folder, error) from error
            self._synced = upto

    def _rotate(self) -> None:
        """Go on in a new file when this one is full; the old one is on disk before."""
        with self._syncing, self._writing:
            if self._size < self._most or self._broken is not None:
                return
            path = self.folder / audit_files.name_of(self._head.seq + 1)
            try:
                os.fsync(self._file.fileno())
                file = _append_to(path)
                _sync_folder(self.folder)
            except OSError as error:
                raise _unwritable(self.folder, error) from error
            self._file.close()
            self._file, self._size, self._synced = file, 0, self._head.seq


_HINT = "make room on the disk of the audit, or mend it, and start the server again"


def _take(
    lock: BinaryIO,
    folder: Path,
    who: str,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    deadline: float,
    now: Callable[[], float],
) -> None:
    """Lock the folder, or say who has it."""
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError as error:
            if clock() >= deadline:
                raise AuditError(
                    f"{folder} is held by {_holder(lock)}",
                    hint="two servers may not write one audit: stop the other one",
                ) from error
            sleep(_RETRY_LOCK)
    said = json.dumps({"who": who, "process": os.getpid(), "since": _time(now())})
    # Only for whoever waits; a disk without room for it may still have room for the end of a line.
    with contextlib.suppress(OSError):
        lock.seek(0)
        lock.truncate()
        lock.write(said.encode())


def _holder(lock: BinaryIO) -> str:
    lock.seek(0)
    try:
        said = json.loads(lock.read(4096))
        return f"{said['who']} (process {said['process']}, since {said['since']})"
    except (ValueError, KeyError, TypeError):
        return "another process"


def _time(now: float) -> str:
    return datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")


def _append_to(path: Path) -> BinaryIO:
    """Nobody else on the machine has to know who may change what."""
    mode = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
    return os.fdopen(os.open(path, mode, 0o600), "ab", buffering=0)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unwritable(folder: Path, error: OSError) -> AuditError:
    return AuditError(f"the audit in {folder} cannot be written: {error.strerror}", hint=_HINT)
