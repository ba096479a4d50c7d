"""Commits opened as trees, under limits that a test can reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.repos.source import Source
from toolkit.errors import RefusedError
from toolkit.repos.tree import GitTree
from toolkit.spec.hook import PushLimits

LIMITS = PushLimits(files=50, file_bytes=1000, depth=5, path_bytes=60, pack_bytes=10_000)
PLAIN = {
    "toolkit.toml": b"[project]\n",
    "jobs/web/job.toml": b"x = 1\n",
    "jobs/web/job.nomad.hcl.j2": "grüße".encode(),
    "jobs-old/x": b"",
    "src/main.py": b"\0\xff",
    ".github/x.yml": b"hidden",
    "jobs/.hidden/x": b"hidden",
    ".gitignore": b"*.pyc\n",
}


@contextmanager
def opened(
    source: Source, commit: str, limits: PushLimits = LIMITS, path: Path | None = None
) -> Iterator[GitTree]:
    with GitTree(path or source.path, commit, limits=limits) as tree:
        yield tree


def refusal(source: Source, tree: str, limits: PushLimits = LIMITS) -> RefusedError:
    """What `check` says of a commit of this folder."""
    with opened(source, source.commit(tree), limits) as opened_tree:
        with pytest.raises(RefusedError) as caught:
            opened_tree.check()
        assert caught.value.message.replace("\n", "").isprintable()
    return caught.value
