"""A commit's archive as a folder, for an engine that builds from one: plain files, no others."""

from __future__ import annotations

import tarfile
from pathlib import Path

from toolkit.errors import RefusedError
from toolkit.serving.bounded import bounded

PIECE = 1 << 20


def unpack(archive: Path, folder: Path, *, most: int) -> None:
    """Write the archive's files into an empty folder; at most `most` bytes of them.

    RefusedError for whatever is neither file nor folder, and for a name that leads outside. Every
    file is made anew, so that nothing that was written before is followed.
    """
    written = 0
    with tarfile.open(archive, "r:gz") as tar:
        for member in tar:
            path = _inside(folder, member.name)
            if member.isdir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            if not member.isreg():
                raise RefusedError(
                    f"{bounded(member.name)} is neither a file nor a folder, and is not built from"
                )
            written += member.size
            if written > most:
                raise RefusedError(f"the commit has more than {most:,} bytes to build from")
            path.parent.mkdir(parents=True, exist_ok=True)
            source = tar.extractfile(member)
            assert source is not None  # noqa: S101 - it is a file
            with source, path.open("xb") as file:
                while piece := source.read(PIECE):
                    file.write(piece)
            path.chmod(0o755 if member.mode & 0o100 else 0o644)


def _inside(folder: Path, name: str) -> Path:
    parts = name.rstrip("/").split("/")
    if {"", ".", ".."} & set(parts) or "\0" in name:
        raise RefusedError(f"{bounded(name)} is not a path inside a commit")
    return folder.joinpath(*parts)
