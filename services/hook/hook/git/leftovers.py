"""What a push left behind whose git was killed before it could clean up."""

from __future__ import annotations

import shutil
from pathlib import Path

_INCOMING = ("tmp_objdir-", "incoming-")
"""How git calls the folder of what a push has brought."""


def sweep(git_dir: Path) -> int:
    """Remove the folders of pushes that are no more; how many there were.

    Only while no push of this repository is under way.
    """
    found = [each for each in (git_dir / "objects").iterdir() if each.name.startswith(_INCOMING)]
    for folder in found:
        shutil.rmtree(folder, ignore_errors=True)
    return len(found)
