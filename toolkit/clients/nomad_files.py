"""Nomad: files of an allocation, read whole and no further than asked for."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

from toolkit.clients.nomad_logs import NomadLogs


class NomadFiles(NomadLogs):
    """Calls about an allocation's files."""

    def file(self, alloc_id: str, path: str, *, most: int) -> Generator[bytes, None, None]:
        """A file below the allocation's folder, piece by piece, at most a piece over `most` bytes.

        NotFoundError where it is not; UnreachableError when the connection is lost in the middle.
        """
        response = self._ask("client", "fs", "cat", alloc_id, params={"path": path}, stream=True)
        with closing(response):
            yield from self._pieces(response, most + 1)
