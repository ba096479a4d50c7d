"""Where the benchmark of writes keeps its server's data: an aborted run leaves it there."""

from __future__ import annotations

import tempfile
from pathlib import Path

from bench.kick_writes import _lab


def test_it_is_the_systems_temporary_folder_and_not_the_repository() -> None:
    with _lab() as made:
        assert made.folder.resolve().parent == Path(tempfile.gettempdir()).resolve()
