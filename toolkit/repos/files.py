"""Files that are there whole or not at all, whatever ends the process or fills the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

PREFIX = ".new-"
"""What unfinished files and folders begin with; nothing else does."""


def make_folder(path: Path) -> None:
    """Make a folder that only the server may read, and those above it; there already is fine."""
    if not path.parent.is_dir():
        make_folder(path.parent)  # mkdir itself would let everybody read those above
    path.mkdir(mode=0o700, exist_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that after a kill or on a full disk it is the old one or the new one.

    On the disk when this returns. OSError leaves what was there.
    """
    new = path.with_name(f"{PREFIX}{path.name}")
    try:
        with new.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def move(path: Path, to: Path) -> None:
    """Give a file or folder another name on the same disk, for good when this returns."""
    path.rename(to)
    sync_folder(to.parent)
    if path.parent != to.parent:
        sync_folder(path.parent)


def remove_tree(path: Path) -> None:
    """Remove a file, or a folder and all in it; absent is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Have the disk keep the names in a folder."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_tree(path: Path) -> None:
    """Have the disk keep everything in a folder."""
    for folder, _, files in os.walk(path):
        for name in files:
            handle = os.open(Path(folder) / name, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)
        sync_folder(Path(folder))
