"""What a push left behind whose git could not clean up: it does not, when a signal ends it."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from toolkit.repos.git import INCOMING


def sweep(git_dir: Path) -> None:
    """Remove what pushes had brought that are no more; while none of this repository is under way.

    A folder is looked through, and as a rule nothing is found there.
    """
    with contextlib.suppress(FileNotFoundError):  # deleted meanwhile, the whole repository
        for folder in (git_dir / "objects").iterdir():
            if folder.name.startswith(INCOMING):
                shutil.rmtree(folder, ignore_errors=True)
