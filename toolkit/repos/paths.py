"""Names of files in a commit that some git, archive or file system would take for another. Pure."""

from __future__ import annotations

import re

NO_NAMES = frozenset({b"", b".", b".."})
"""What every file system takes for something else than a file in the folder."""

_IGNORED = dict.fromkeys(
    [*range(0x200C, 0x2010), *range(0x202A, 0x202F), *range(0x206A, 0x2070), 0xFEFF]
)
"""What the file system of macOS does not see in a name."""

_DOT_GIT = re.compile(r"(?:\.git|git~[0-9]+)[ .]*(?::.*)?", re.IGNORECASE | re.DOTALL)
"""`.git` in all the ways of Windows: short names, trailing dots and blanks, streams."""


def name_fault(path: str, longest: int) -> str | None:
    """What is wrong with a path of a commit, as the rest of a sentence; `longest` in bytes.

    Its last part is looked at: those above have had their turn when it is reached.
    """
    name = path.rpartition("/")[2]
    if is_dot_git(name):
        return "is git's own folder to some system"
    if "\\" in name:
        return "has a backslash, or what is not UTF-8, in its name"
    if not name.isprintable():
        return "has characters in its name that cannot be printed"
    if len(path.encode()) > longest:
        return f"has more than {longest} bytes in its path"
    return None


def is_dot_git(name: str) -> bool:
    """True for every spelling of `.git` that git itself is wary of."""
    return _DOT_GIT.fullmatch(name.translate(_IGNORED)) is not None
