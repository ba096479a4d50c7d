"""Of a commit, what configuration may read: gathered by the server, handed to a child in memory."""

from __future__ import annotations

import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from toolkit.config.project import PROJECT_FILE
from toolkit.errors import RefusedError
from toolkit.spec.hook import PushLimits
from toolkit.spec.tree import Tree

READ = ("jobs/", "clusters/")
"""Folders that configuration and templates read."""

MOST = 32 << 20
"""Bytes of all of it."""


@dataclass(frozen=True)
class FilesTree:
    """Files in memory; those that are too large are there until somebody reads them."""

    files: Mapping[str, bytes]
    name: str = "tree"
    refused: Mapping[str, str] = field(default_factory=dict)
    """Path -> why it cannot be read."""
    order: tuple[str, ...] = ()
    """Paths of both, sorted."""

    def read(self, path: str) -> bytes:
        """See `Tree.read`; RefusedError for a file that is too large."""
        if path in self.refused:
            raise RefusedError(self.refused[path])
        return self.files[path]

    def paths(self, prefix: str = "") -> Iterator[str]:
        """See `Tree.paths`."""
        for number in range(bisect.bisect_left(self.order, prefix), len(self.order)):
            if not self.order[number].startswith(prefix):
                return
            yield self.order[number]


def gather(tree: Tree, limits: PushLimits) -> FilesTree:
    """What configuration may read of `tree`; RefusedError when that is too much."""
    paths = [PROJECT_FILE, *(path for folder in READ for path in tree.paths(folder))]
    files: dict[str, bytes] = {}
    refused: dict[str, str] = {}
    total = 0
    for path in paths:
        try:
            data = tree.read(path)
        except KeyError:
            continue
        except RefusedError as exc:
            refused[path] = exc.message
            continue
        if len(data) > limits.file_bytes:
            refused[path] = (
                f"{path} has {len(data):,} bytes, and {limits.file_bytes:,} are the most of a file"
                " that configuration reads"
            )
            continue
        total += len(data)
        if total > MOST:
            raise RefusedError(
                f"what configuration may read in {tree.name} has more than {MOST >> 20} MB",
                hint=f"keep what is no configuration out of {' and '.join(READ)}",
            )
        files[path] = data
    return FilesTree(files, tree.name, refused, tuple(sorted({*files, *refused})))
