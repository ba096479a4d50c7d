"""A folder of hooks on this machine, read as the files of a version."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from toolkit.errors import ConfigError, Mistake, RefusedError
from toolkit.repos.bundle_files import MOST_BYTES, MOST_FILES, checked
from toolkit.spec.bundle import HookFile

_LEFT_OUT = frozenset({".git", "__pycache__", ".DS_Store"})


def read_folder(folder: Path) -> tuple[HookFile, ...]:
    """Every file of the folder, checked; ConfigError has every mistake.

    Links are refused: what they lead to would not be what somebody else pushes from the same
    folder. `.git`, `__pycache__` and `.DS_Store` are left out.
    """
    if not folder.is_dir():
        raise RefusedError(
            f"{folder} is no folder", hint="name a folder with files such as post-receive"
        )
    files: list[HookFile] = []
    wrong: list[Mistake] = []
    size = 0
    for path in _walk(folder):
        name = path.relative_to(folder).as_posix()
        try:
            info = path.lstat()
            if not stat.S_ISREG(info.st_mode):
                wrong.append(Mistake(name, None, None, _kind(info.st_mode)))
                continue
            size += info.st_size
            if size > MOST_BYTES or len(files) > MOST_FILES:
                raise RefusedError(
                    f"{folder} has more than {MOST_FILES} files, or than {MOST_BYTES >> 20} MiB",
                    hint="leave out what the hooks do not need",
                )
            files.append(HookFile(name, path.read_bytes(), bool(info.st_mode & stat.S_IXUSR)))
        except OSError as exc:
            wrong.append(Mistake(name, None, None, f"cannot be read: {exc.strerror or exc}"))
    try:
        whole = checked(files)
    except ConfigError as exc:
        raise ConfigError([*wrong, *exc.mistakes]) from None
    if wrong:
        raise ConfigError(wrong)
    return whole


def _walk(folder: Path) -> list[Path]:
    found: list[Path] = []
    for at, folders, names in os.walk(folder):
        here = Path(at)
        found += [here / each for each in folders if (here / each).is_symlink()]
        folders[:] = sorted(each for each in folders if each not in _LEFT_OUT)
        found += [here / each for each in names if each not in _LEFT_OUT]
    return sorted(found)


def _kind(mode: int) -> str:
    if stat.S_ISLNK(mode):
        return "is a symbolic link; put the file itself there"
    return "is no regular file"
