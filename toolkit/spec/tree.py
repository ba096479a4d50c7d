"""A tree of files, the only thing that configuration and rendering may read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol


class Tree(Protocol):
    """Path -> bytes: a folder here, a git commit elsewhere; nothing outside of it exists."""

    @property
    def name(self) -> str:
        """What to call it in messages: a folder's path or a commit."""

    def read(self, path: str) -> bytes:
        """Bytes of the file at `path` (relative, `/`-separated); KeyError when there is none."""

    def paths(self, prefix: str = "") -> Iterator[str]:
        """Paths of all files below `prefix`, sorted."""


@dataclass(frozen=True, slots=True)
class DictTree:
    """A tree held in memory."""

    files: Mapping[str, bytes]
    name: str = "tree"

    def read(self, path: str) -> bytes:
        """See `Tree.read`."""
        return self.files[path]

    def paths(self, prefix: str = "") -> Iterator[str]:
        """See `Tree.paths`."""
        return iter(sorted(path for path in self.files if path.startswith(prefix)))
