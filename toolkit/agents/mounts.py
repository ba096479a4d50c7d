"""What a killed Nomad leaves mounted below its allocations."""

from __future__ import annotations

import ctypes
import os
import shutil
from pathlib import Path

from toolkit.agents import processes
from toolkit.errors import AgentError

_DETACH = 2


def below(folder: Path) -> tuple[Path, ...]:
    """Mount points below `folder`, deepest first."""
    try:
        lines = (processes.PROC / "self" / "mountinfo").read_text().splitlines()
    except OSError:
        return ()
    points = (Path(_unescape(line.split()[4])) for line in lines)
    found = {point for point in points if folder in point.parents}
    return tuple(sorted(found, key=lambda point: len(point.parts), reverse=True))


def _unescape(text: str) -> str:
    for code, character in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, character)
    return text


def unmount(folder: Path) -> None:
    """Unmount everything below `folder`; AgentError when something stays."""
    for point in below(folder):
        libc = ctypes.CDLL(None, use_errno=True)
        target = os.fsencode(point)
        if libc.umount2(target, 0) != 0:
            libc.umount2(target, _DETACH)
    left = below(folder)
    if left:
        raise AgentError(
            f"{left[0]} is still mounted"
            + ("" if len(left) == 1 else f", and {len(left) - 1} more"),
            hint="agents that ran as root mount there: run `toolkit dev down` as root",
        )


def remove_tree(folder: Path) -> None:
    """Delete `folder`; never through a mount. AgentError when something cannot be deleted."""
    if below(folder):
        raise AgentError(f"{folder} is not deleted, because something is mounted below it")
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        raise AgentError(
            f"cannot delete {error.filename or folder}: {(error.strerror or str(error)).lower()}",
            hint="tasks ran as another user: run `toolkit dev down` as that user or as root",
        ) from error
