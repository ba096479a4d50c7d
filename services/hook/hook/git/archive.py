"""A commit as a tar.gz that is the same, byte for byte, each time that it is made.

Written here and not by `git archive`, which does what `.gitattributes` of the commit says: leave
files out, put abbreviated IDs into them, change their line ends.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import secrets
import subprocess
import tarfile
import threading
import time
import zlib
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from toolkit.errors import AbsentError, UnavailableError
from toolkit.repos import git
from toolkit.repos.commits import has_commit
from toolkit.repos.files import PREFIX, make_folder
from toolkit.repos.names import show
from toolkit.repos.refs import HEADS
from toolkit.repos.tree import GitTree
from toolkit.spec.hook import PushLimits

SUFFIX = ".tar.gz"
MOST = 2 << 30
"""Bytes of all archives that are kept."""
_LEVEL = 6
_GZIP = 31
"""zlib's name for gzip's frame; its header has neither a time nor a name."""
_PIECE = 256 * 1024
_LATEST = 0o77777777777
"""Seconds since 1970 that a tar can say."""


@dataclass(frozen=True, slots=True)
class Archive:
    """A file that was made, and what it is known by."""

    path: Path
    sha256: str
    size: int


def check_served(git_dir: Path, commit: str) -> None:
    """Raise AbsentError for what is no commit, or none that a branch leads to, or ever did."""
    if has_commit(git_dir, commit):
        # What was deployed of a branch that is deployed no more is kept, and jobs may still run it.
        words = ["for-each-ref", "--count=1", "--format=x", f"--contains={commit}", HEADS, git.OWN]
        if git.run(git_dir, words):
            return
    raise AbsentError(f"no branch has a commit {show(commit, 64)}")


def find_archive(commit: str, folder: Path) -> Archive | None:
    """One that was made before; it counts as used now."""
    for path in folder.glob(f"{commit}-*{SUFFIX}"):
        try:
            stat = path.stat()
            os.utime(path, (time.time(), stat.st_mtime))
        except FileNotFoundError:
            continue
        digest = path.name.removeprefix(f"{commit}-").removesuffix(SUFFIX)
        return Archive(path, digest, stat.st_size)
    return None


def make_archive(
    git_dir: Path,
    commit: str,
    folder: Path,
    *,
    limits: PushLimits | None = None,
    seconds: float = 300.0,
) -> Archive:
    """The archive of a commit in `folder`: as it is there, or made now; blocking.

    Refused as a deploy is: links, submodules, too many files, too many bytes. UnavailableError
    without room on the disk; nothing half made is ever left under the name.
    """
    found = find_archive(commit, folder)
    if found is not None:
        return found
    with GitTree(git_dir, commit, limits=limits) as tree:
        tree.check()
    new = folder / f"{PREFIX}{secrets.token_hex(8)}"
    try:
        make_folder(folder)
        with new.open("xb") as file:
            digest = _write(git_dir, commit, file, seconds)
            size = file.tell()
            file.flush()
            os.fsync(file.fileno())
        path = folder / f"{commit}-{digest}{SUFFIX}"
        new.replace(path)
    except OSError as error:
        why = error.strerror or "an error of the disk"
        raise UnavailableError(f"the archive could not be written: {why}") from error
    finally:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
    return Archive(path, digest, size)


def make_kept(
    git_dir: Path, commit: str, folder: Path, *, limits: PushLimits | None = None, most: int = MOST
) -> Archive:
    """`make_archive` in the repository's own part of `folder`, with room made for it there."""
    own = folder / git_dir.stem
    archive = make_archive(git_dir, commit, own, limits=limits)
    shrink(folder, most, {own / commit})
    return archive


def shrink(folder: Path, most: int, in_use: Set[Path]) -> None:
    """Remove what was used longest ago, until the archives have at most `most` bytes.

    `in_use`: folders and commits, as one path each, of those that stay.
    """
    found = []
    for path in folder.glob(f"*/*{SUFFIX}"):
        with contextlib.suppress(FileNotFoundError):
            stat = path.stat()
            found.append((stat.st_atime, stat.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= most:
            return
        if path.parent / path.name.partition("-")[0] not in in_use:
            path.unlink(missing_ok=True)
            total -= size


def sweep(folder: Path) -> None:
    """Remove what was not finished when a server was killed; before any is made."""
    for left in folder.glob(f"*/{PREFIX}*"):
        left.unlink(missing_ok=True)


def _write(git_dir: Path, commit: str, file: io.BufferedIOBase, seconds: float) -> str:
    """Write the archive; its SHA-256."""
    digest, squeeze = hashlib.sha256(), zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)

    def put(data: bytes) -> None:
        digest.update(data)
        file.write(data)

    at = 0
    for piece in _tar(git_dir, commit, seconds):
        at += len(piece)
        put(squeeze.compress(piece))
    ending = 2 * tarfile.BLOCKSIZE
    put(squeeze.compress(b"\0" * (ending + -(at + ending) % tarfile.RECORDSIZE)))
    put(squeeze.flush())
    return digest.hexdigest()


def _tar(git_dir: Path, commit: str, seconds: float) -> Iterator[bytes]:
    made = git.run(
        git_dir, ["rev-list", "--max-count=1", "--no-commit-header", "--format=%ct", commit]
    )
    listed = git.run(git_dir, ["ls-tree", "-r", "-z", "--full-tree", commit])
    process = git.start(git_dir, ["cat-file", "--batch"])
    killer = threading.Timer(seconds, process.kill)
    killer.daemon = True
    killer.start()
    try:
        assert isinstance(process.stdout, io.FileIO)  # noqa: S101  a pipe without a buffer
        reader = io.BufferedReader(process.stdout, _PIECE)
        for line in listed.split(b"\0")[:-1]:
            about, _, path = line.partition(b"\t")
            mode, _, object_id = about.split(b" ")
            yield from _member(process, reader, object_id, path.decode(), mode, int(made))
    finally:
        killer.cancel()
        git.end(process)


def _member(
    process: subprocess.Popen[bytes],
    reader: BinaryIO,
    object_id: bytes,
    path: str,
    mode: bytes,
    made: int,
) -> Iterator[bytes]:
    assert process.stdin is not None  # noqa: S101  a pipe
    try:
        process.stdin.write(object_id + b"\n")
    except BrokenPipeError:
        raise _broken() from None
    said = reader.readline().split()
    if len(said) != 3 or said[1] != b"blob":
        raise _broken()
    member = tarfile.TarInfo(path)
    member.size, member.mtime = int(said[2]), min(max(made, 0), _LATEST)
    member.mode = 0o755 if mode == b"100755" else 0o644
    yield member.tobuf(tarfile.PAX_FORMAT, "utf-8", "strict")
    left = member.size + 1
    while left:
        piece = reader.read(min(_PIECE, left))
        if not piece:
            raise _broken()
        left -= len(piece)
        # After each object comes a line end that is not of it.
        yield piece if left else piece[:-1]
    yield b"\0" * (-member.size % tarfile.BLOCKSIZE)


def _broken() -> UnavailableError:
    return UnavailableError("git did not give all files of the commit; try again")
