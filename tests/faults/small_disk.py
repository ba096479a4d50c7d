"""A disk that is soon full: mounted for one test, and gone after it."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def small_disk(folder: Path, size: str = "256k") -> Iterator[Path]:
    """A new folder with a disk of its own, `size` as mount says it; needs root."""
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def fill(disk: Path) -> Path:
    """Leave no byte; returns the file that takes them."""
    made = disk / "ballast"
    with made.open("wb", buffering=0) as ballast:
        for size in (4096, 1):
            while True:
                try:
                    ballast.write(b"x" * size)
                except OSError:
                    break
    return made
