"""Which branches a repository has, as git itself says: what our own code says is compared to it."""

from __future__ import annotations

import subprocess
from pathlib import Path

_HEADS = "refs/heads/"


def heads(git_dir: Path) -> dict[str, str]:
    """All branches and the commits that they are at."""
    said = subprocess.run(
        ["git", "--git-dir", str(git_dir), "for-each-ref", "--format=%(objectname) %(refname)"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = (line.split(" ", 1) for line in said.stdout.splitlines())
    return {name.removeprefix(_HEADS): commit for commit, name in found if name.startswith(_HEADS)}
