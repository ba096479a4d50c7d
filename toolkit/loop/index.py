"""What watched folders hold: each file's content as a digest, read again only where it changed.

A file whose size, times and place on the disk are as before was not written.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import RefusedError
from toolkit.loop import ignored

MOST = 20_000
"""Files of one job; more are no sources, and a look at them would take too long."""
LARGE = 64 << 20
"""Bytes from which on a file is told by its size and times alone."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """One file."""

    known_by: tuple[int, ...]
    content: bytes
    """Digest of content and of whether it may be run."""


Index = Mapping[str, Stamp]
"""Path inside the project -> the file."""


def look(
    root: Path,
    places: Sequence[str],
    before: Index,
    *,
    without: Collection[str] = (),
    most: int = MOST,
) -> dict[str, Stamp]:
    """The files of `places`, folders or files inside `root`; what is not there has none.

    `before` is an earlier look, whose digests are kept for files that were not written.
    RefusedError for more than `most` files.
    """
    found: dict[str, Stamp] = {}
    for path, entry in _files(root, places):
        if path in without:
            continue
        if len(found) >= most:
            raise RefusedError(
                f"{', '.join(places)} hold more than {most} files, too many to watch",
                hint="name narrower folders: [build] watch in the job file",
            )
        known_by = (
            entry.st_mtime_ns, entry.st_ctime_ns, entry.st_size, entry.st_ino, entry.st_mode,
        )  # fmt: skip
        known = before.get(path)
        if known is not None and known.known_by == known_by:
            found[path] = known
        else:
            found[path] = Stamp(known_by, _content(root / path, entry))
    return found


def digest(index: Index) -> str:
    """The whole index in 16 hexadecimal digits, the same for the same files and content."""
    whole = hashlib.sha256()
    for path in sorted(index):
        whole.update(path.encode("utf-8", "surrogateescape") + b"\0" + index[path].content)
    return whole.hexdigest()[:16]


def changed(before: Index, now: Index) -> set[str]:
    """Paths that hold something else, are new or are gone."""
    return {
        path
        for path in before.keys() | now.keys()
        if path not in before or path not in now or before[path].content != now[path].content
    }


def _files(root: Path, places: Sequence[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Each file once, without following links: a link is a file that says where it leads."""
    waiting, seen = list(dict.fromkeys(places)), set[str]()
    while waiting:
        place = waiting.pop()
        if place in seen:
            continue
        seen.add(place)
        try:
            entry = (root / place).lstat()
            if not stat.S_ISDIR(entry.st_mode):
                if stat.S_ISREG(entry.st_mode) or stat.S_ISLNK(entry.st_mode):
                    yield place, entry
                continue
            with os.scandir(root / place) as inside:
                names = [(each.name, each.is_dir(follow_symlinks=False)) for each in inside]
        except OSError:  # gone meanwhile, or not ours to read: as if it were not there
            continue
        base = "" if place == "." else f"{place}/"
        for name, is_folder in names:
            if not (ignored.folder(name) if is_folder else ignored.file(name)):
                waiting.append(base + name)


def _content(path: Path, entry: os.stat_result) -> bytes:
    runs = b"x" if entry.st_mode & 0o111 else b"-"
    try:
        if stat.S_ISLNK(entry.st_mode):
            return hashlib.sha256(b"link" + os.fsencode(path.readlink())).digest()
        if entry.st_size > LARGE:
            return hashlib.sha256(f"{entry.st_mtime_ns} {entry.st_size}".encode() + runs).digest()
        with path.open("rb") as source:
            return hashlib.sha256(hashlib.file_digest(source, "sha256").digest() + runs).digest()
    except OSError as exc:
        return hashlib.sha256(f"unreadable {exc.errno}".encode()).digest()
