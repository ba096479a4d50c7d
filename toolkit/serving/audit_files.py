"""The files of the audit on disk: found, mended after a kill, checked and read; no writing.

`audit-<number of its first entry>.jsonl`, one chain through all of them.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from toolkit.errors import AuditBrokenError, AuditError
from toolkit.serving.chain import FIRST, Head, fault_of, glance, read_line
from toolkit.spec.audit import Entry

PENDING = b'"state":"PENDING"'
_TAIL = 64 * 1024
"""Bytes at the end of a file that hold its last line for sure; most lines have less than 2,000."""


@dataclass(frozen=True, slots=True)
class Mended:
    """What a kill left at the end of a file, now cut off."""

    file: str
    bytes: int

    def __str__(self) -> str:
        return f"{self.file} ended within a line: its last {self.bytes} bytes were cut off"


def name_of(first: int) -> str:
    """The name of the file that begins with this entry."""
    return f"audit-{first:012d}.jsonl"


def files_in(folder: Path) -> list[Path]:
    """The files of the audit, oldest first."""
    return sorted(path for path in folder.glob("audit-*.jsonl") if path.stem[6:].isdigit())


def first_of(path: Path) -> int:
    """The number of the entry that a file begins with."""
    return int(path.stem[6:])


def mend(path: Path) -> Mended | None:
    """Cut off an incomplete last line: its write was never acknowledged.

    A complete line is never cut off, whatever it says.
    """
    with path.open("r+b") as file:
        size = file.seek(0, os.SEEK_END)
        keep = _end_of_lines(file, size)
        if keep == size:
            return None
        file.truncate(keep)
        os.fsync(file.fileno())
    return Mended(path.name, size - keep)


def head_of(path: Path) -> Head | None:
    """The end of the chain in a file, as its last line says; None for an empty file."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        lines = file.read().splitlines()
    if not lines:
        return None
    try:
        entry = read_line(lines[-1])
    except AuditError as error:
        raise _damaged(path, "last", str(error)) from error
    return Head(entry.seq, entry.hash)


def check(path: Path, head: Head, last: int | None = None) -> Head:
    """Follow the chain through a file; raises AuditError that names the first wrong line.

    `last`: the entry to stop at, where the file is being written.
    """
    for number, (line, _) in enumerate(_lines(path), start=1):
        if head.seq == last:
            break
        seen = glance(line)
        if seen is not None and (seen.seq, seen.prev) == (head.seq + 1, head.hash):
            head = Head(seen.seq, seen.hash)
            continue
        try:
            entry = read_line(line)
        except AuditError as error:
            raise _damaged(path, str(number), str(error)) from error
        fault = fault_of(entry, head)
        if fault is not None:
            raise _damaged(path, str(number), fault)
        head = Head(entry.seq, entry.hash)
    return head


def check_all(files: list[Path], last: int | None = None) -> Head:
    """Follow the chain through all files; older ones may have been moved away."""
    if not files:
        return Head()
    first = first_of(files[0])
    head = Head() if first == 1 else Head(first - 1, _prev_of(files[0]))
    for path in files:
        head = _check_next(path, head, last)
    return head


def check_newest(files: list[Path]) -> Head:
    """Follow the chain through the newest file, from where the one before it ends."""
    before = head_of(files[-2]) if len(files) > 1 else None
    return check_all(files[-1:]) if before is None else _check_next(files[-1], before)


def _check_next(path: Path, head: Head, last: int | None = None) -> Head:
    if first_of(path) != head.seq + 1:
        raise _damaged(path, "1", f"it should begin with entry {head.seq + 1}")
    return check(path, head, last)


def read_from(path: Path, seq: int) -> Iterator[Entry]:
    """The entries of a file from a number on; stops before a line that is being written.

    Raises AuditBrokenError with the first wrong line, wherever reading has met one.
    """
    try:
        yield from _entries(path, seq)
    except AuditError:
        check(path, Head(first_of(path) - 1, _prev_of(path)))
        raise


def _entries(path: Path, seq: int) -> Iterator[Entry]:
    for line, complete in _lines(path, _offset_of(path, seq)):
        if not complete:
            return
        entry = read_line(line)
        if entry.seq >= seq:
            yield entry


def read_telling(files: list[Path], heed_keys: int) -> Iterator[Entry]:
    """Of these files only what a start has to know, oldest first.

    Intents without an outcome, what is still to spread, and the newest entries with a key. They are
    held as lines: as entries they would take several times the memory.
    """
    unfinished: dict[int, bytes] = {}
    keyed: deque[tuple[int, bytes]] = deque(maxlen=2 * heed_keys)
    pending: deque[tuple[int, bytes]] = deque(maxlen=heed_keys)
    for path in files:
        for line, _ in _lines(path):
            seen = glance(line)
            if seen is None:
                continue
            if seen.intent == 0:
                unfinished[seen.seq] = line
            else:
                begun = unfinished.pop(seen.intent, None)
                if PENDING in line and begun is not None:
                    pending += ((seen.intent, begun), (seen.seq, line))
            if seen.has_key:
                keyed.append((seen.seq, line))
    lines = {**unfinished, **dict(pending), **dict(keyed)}
    for seq in sorted(lines):
        yield read_line(lines.pop(seq))


def _lines(path: Path, offset: int = 0) -> Iterator[tuple[bytes, bool]]:
    with path.open("rb") as file:
        file.seek(offset)
        for line in file:
            yield line, line.endswith(b"\n")


def _offset_of(path: Path, seq: int) -> int:
    """Where to begin reading for an entry: halving, for the numbers rise without gaps."""
    with path.open("rb") as file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while high - low > _TAIL:
            middle = (low + high) // 2
            file.seek(middle)
            file.readline()
            start = file.tell()
            line = file.readline()
            if start >= high or not line.endswith(b"\n") or read_line(line).seq >= seq:
                high = middle
            else:
                low = start
    return low


def _end_of_lines(file: BinaryIO, size: int) -> int:
    """Where the last complete line ends."""
    end = size
    while end > 0:
        start = max(0, end - _TAIL)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found != -1:
            return start + found + 1
        end = start
    return 0


def time_of(path: Path) -> str:
    """The time of a file's first entry; empty for an empty file."""
    entry = _first_entry(path)
    return entry.time if entry else ""


def _prev_of(path: Path) -> str:
    entry = _first_entry(path)
    return entry.prev if entry else FIRST


def _first_entry(path: Path) -> Entry | None:
    for line, _ in _lines(path):
        try:
            return read_line(line)
        except AuditError as error:
            raise _damaged(path, "1", str(error)) from error
    return None


def _damaged(path: Path, line: str, fault: str) -> AuditBrokenError:
    return AuditBrokenError(
        f"the audit does not hold at line {line} of {path.name}: {fault}",
        hint="keep the folder as it is, to find out who changed it; start with an empty one",
    )
