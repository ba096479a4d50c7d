"""Templates that were compiled before, kept in the user's cache.

Compiling is most of a rendering's time, and library templates rarely change. What is kept is
Python code: the folder must be the user's own, as the cache of built agents is, and never one
inside a project, which may have come from anywhere.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from jinja2.bccache import Bucket, BytecodeCache

FORMAT = "1"
"""Raise it when the same template compiles to other code than before; a test compares."""


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
