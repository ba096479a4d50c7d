"""Names that are never watched: what tools and editors write beside the sources; pure."""

from __future__ import annotations

import re

MADE = r"__pycache__|node_modules|venv|.*\.egg-info|\.git|\.toolkit|\.venv|\.\w+_cache"
FOLDERS = re.compile(rf"\..*|{MADE}")
"""Hidden folders, and those with what is installed or compiled."""

FILES = re.compile(
    r".*~"  # Emacs, Vim, gedit: the file as it was
    r"|\.?#.*"  # Emacs: what is not saved yet
    r"|\..*\.sw[a-z]"  # Vim
    r"|4913"  # Vim: may I write here?
    r"|.*___jb_(?:tmp|old)___"  # JetBrains
    r"|\.goutputstream-.*"  # gedit
    r"|.*\.py[co]"
    r"|\..*\.part"  # toolkit itself
    rf"|\.DS_Store|{MADE}"
)
"""Folders that tools make among them: of a path that changed nobody knows what it was."""


def folder(name: str) -> bool:
    """True for the name of a folder that is not watched."""
    return FOLDERS.fullmatch(name) is not None


def file(name: str) -> bool:
    """True for the name of a file that does not count."""
    return FILES.fullmatch(name) is not None


def path(inside: str) -> bool:
    """True for a path, inside the project, that does not count."""
    *folders, name = inside.split("/")
    return file(name) or any(folder(each) for each in folders)
