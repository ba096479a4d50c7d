"""Templates that were compiled before, kept in the user's cache, or remembered by the process.

Compiling is most of a rendering's time, and library templates rarely change. What is kept is
Python code: the folder must be the user's own, as the cache of built agents is, and never one
inside a project, which may have come from anywhere.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path
from types import CodeType

from jinja2.bccache import Bucket, BytecodeCache

FORMAT = "1"
"""Raise it when the same template compiles to other code than before; a test compares."""

REMEMBERED = 256
"""Templates that a process without a folder remembers."""


class CompiledTemplates(BytecodeCache):
    """One file for each template path; source, Python and Jinja are compared when it is read.

    A folder that cannot be read or written costs time and nothing else.
    """

    def __init__(self, folder: Path):
        self.folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """See `BytecodeCache.load_bytecode`."""
        with suppress(OSError), self._path(bucket).open("rb") as file:
            bucket.load_bytecode(file)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """See `BytecodeCache.dump_bytecode`; others see the old file or the whole new one."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self.folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    bucket.write_bytecode(file)
                Path(name).replace(self._path(bucket))
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise

    def _path(self, bucket: Bucket) -> Path:
        return self.folder / f"{bucket.key}-{FORMAT}"


class RememberedTemplates(BytecodeCache):
    """In memory, where there is no folder: every job of a stack has the library's templates in it.

    One for the process; what it has depends on nothing but the source, so that no rendering can
    see another one's.
    """

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """See `BytecodeCache.load_bytecode`."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """See `BytecodeCache.dump_bytecode`."""
        if bucket.code is not None and len(self._codes) < REMEMBERED:
            self._codes[bucket.key, bucket.checksum] = bucket.code


MEMORY = RememberedTemplates()
