"""The file of one zone: read whole, added to a batch at a time, written anew now and then.

A batch is on the disk when `append` returns. Rewriting a whole zone for each change would cost as
many bytes as the zone has; so batches are lines at the end of the file, folded into records when
there are more of them than the zone is worth.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from toolkit.clients.dns.provider import ReplyLostError
from toolkit.clients.dns.snapshot import Draft, Snapshot
from toolkit.clients.dns.zonetext import DamagedError, batch_line, parse, whole_text
from toolkit.errors import InvalidRequestError, ServerError
from toolkit.spec.dns import Change, Zone

SYSTEM = "Zone files"
FOLD_ABOVE = 1000
"""Changes in batches that a file keeps at least, before it is written anew."""


class ZoneLog:
    """One zone and its file; for one thread at a time."""

    def __init__(self, folder: Path, zone: Zone, fold_above: int = FOLD_ABOVE) -> None:
        """Reads nothing yet."""
        self._zone, self._fold_above = zone, fold_above
        self.path = folder / f"{zone.name}.{zone.visibility}.zone"
        self._file = -1
        self._seen: tuple[int, int, int] | None = None
        self._size = 0
        self._pending = 0
        self._snapshot: Snapshot | None = None

    def current(self) -> Snapshot:
        """The zone as its file says; read again when somebody else changed the file."""
        if self._snapshot is None or self._stamp() != self._seen:
            self._snapshot = self._load()
        return self._snapshot

    def append(self, snapshot: Snapshot, changes: Sequence[Change], comment: str) -> Snapshot:
        """Do a batch that was found to be right; on the disk when this returns."""
        serial = snapshot.serial + 1
        line = batch_line(serial, changes, comment)
        try:
            _write_all(self._file, line)
        except OSError as exc:
            self._take_back(exc)
            raise self._failed("be written", exc, "nothing was changed") from exc
        try:
            os.fsync(self._file)
        except OSError as exc:
            self._take_back(exc)
            raise self._failed("be brought to the disk", exc, "nothing was changed") from exc
        self._size += len(line)
        self._pending += len(changes)
        after = self._snapshot = snapshot.changed(changes, serial)
        if self._pending > max(self._fold_above, len(after.names)):
            self._fold(after)
        self._seen = self._stamp()
        return after

    def close(self) -> None:
        """Leave the file with nothing but records, for whoever reads it."""
        if self._snapshot is not None and self._pending and self._stamp() == self._seen:
            self._fold(self._snapshot)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._snapshot = -1, None

    def _load(self) -> Snapshot:
        try:
            if not self.path.exists():
                self._replace(whole_text(Draft(self._zone).snapshot(1)))
            text = self.path.read_bytes()
            loaded = parse(self._zone, text)
            self._open()
            if loaded.good != len(text):
                os.ftruncate(self._file, loaded.good)
                os.fsync(self._file)
            if not loaded.whole:
                _write_all(self._file, b"\n")
                os.fsync(self._file)
        except DamagedError as exc:
            raise InvalidRequestError(
                f"{self.path}:{exc.line}: the zone {self._zone} cannot be read: {exc}",
                system=SYSTEM,
                hint="repair the line, or put the file away: without it the zone begins empty",
            ) from exc
        except OSError as exc:
            raise self._failed("be read", exc) from exc
        self._size = os.fstat(self._file).st_size
        self._pending = loaded.changes
        self._seen = self._stamp()
        return loaded.snapshot

    def _open(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        self._file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)

    def _fold(self, snapshot: Snapshot) -> None:
        """Write the zone as records alone; where that fails, the batches stay as they are."""
        try:
            self._replace(whole_text(snapshot))
            self._open()
        except OSError:
            # Nothing is lost: the old file says the same, or the new one does already.
            self._snapshot = None if self._file < 0 else self._snapshot
            return
        self._size = os.fstat(self._file).st_size
        self._pending = 0

    def _replace(self, text: bytes) -> None:
        fresh = self.path.with_suffix(".zone.new")
        try:
            with fresh.open("wb") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self.path)
        except OSError:
            fresh.unlink(missing_ok=True)
            raise
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _take_back(self, cause: OSError) -> None:
        """Undo a line that may be there in part; when even that fails, nobody knows what is."""
        try:
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)
        except OSError:
            self._snapshot = None
            message = f"whether {self.path} has the batch is not known: {_why(cause)}"
            raise ReplyLostError(
                message, system=SYSTEM, hint="look before you try again"
            ) from cause

    def _stamp(self) -> tuple[int, int, int] | None:
        """What changes when somebody writes the file or puts another in its place."""
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def _failed(self, what: str, exc: OSError, hint: str | None = None) -> ServerError:
        return ServerError(f"{self.path} cannot {what}: {_why(exc)}", system=SYSTEM, hint=hint)


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _why(exc: OSError) -> str:
    text = exc.strerror or type(exc).__name__
    return text[:1].lower() + text[1:]
