"""Which git commit a project is at, and whether its work tree differs from it.

Git is asked by its own program, which runs nothing that a repository could have it run, and no
answer of it is needed: where there is none, there is nothing to say.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from toolkit.config.project import Project

SECONDS = 5.0
"""How long git may take over a large work tree."""

_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")

_QUIETLY = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
"""A repository's own configuration may name programs; no question of ours needs one."""

_STATUS = (
    "status", "--porcelain=v2", "--branch", "--untracked-files=normal", "--ignore-submodules=dirty",
)  # fmt: skip


class Commit(NamedTuple):
    """What git says; None where it does not."""

    id: str | None = None
    dirty: bool | None = None


NONE = Commit()


def commit_of(project: Project | None, environ: Mapping[str, str]) -> Commit:
    """The commit of a project; never an error, and at most two times `SECONDS`.

    `environ` is all that git sees. A tree that is itself a commit is clean.
    """
    if project is None:
        return NONE
    if project.root is None:
        found = _COMMIT.search(project.tree.name)
        return Commit(found[0], False) if found else NONE
    return read_commit(project.root, environ)


def read_commit(folder: Path, environ: Mapping[str, str], *, seconds: float = SECONDS) -> Commit:
    """The commit of the repository that a folder is in; what git does not track counts too.

    Where the tree cannot be looked through in `seconds`, the commit alone.
    """
    try:
        said = _ask(folder, environ, _STATUS, seconds)
    except subprocess.TimeoutExpired:
        return Commit(_head(folder, environ), None)
    head, dirty = None, False
    for line in said.splitlines():
        if line.startswith("# branch.oid "):
            found = _COMMIT.fullmatch(line.removeprefix("# branch.oid ").strip())
            head = found[0] if found else None
        elif line and not line.startswith("#"):
            dirty = True
    return NONE if head is None else Commit(head, dirty)


def _head(folder: Path, environ: Mapping[str, str]) -> str | None:
    try:
        said = _ask(folder, environ, ("rev-parse", "--verify", "HEAD"), SECONDS)
    except subprocess.TimeoutExpired:
        return None
    found = _COMMIT.fullmatch(said.strip())
    return found[0] if found else None


def _ask(folder: Path, environ: Mapping[str, str], words: tuple[str, ...], seconds: float) -> str:
    """What git says; nothing where it fails. TimeoutExpired after `seconds`."""
    try:
        answer = subprocess.run(
            ["git", *_QUIETLY, *words],
            cwd=folder,
            env={**environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError, ValueError):
        return ""
    return answer.stdout.decode(errors="replace")
