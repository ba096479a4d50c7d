"""`toolkit init`: a project of one's own, with a small service that deploys."""

from __future__ import annotations

import os
from importlib.resources import files
from pathlib import Path

from toolkit.errors import RefusedError
from toolkit.spec.listing import InitReport

SKELETON = (
    ("toolkit.toml", "toolkit.toml"),
    ("jobs/hello/job.toml", "jobs/hello/job.toml"),
    ("jobs/hello/job.nomad.hcl.j2", "jobs/hello/job.nomad.hcl.j2"),
    ("services/hello/main.py", "services/hello/main.py"),
    # Under another name in the package: git and the wheel's builder obey every .gitignore.
    ("dot-gitignore", ".gitignore"),
    ("README.md", "README.md"),
)
"""Package data -> path inside the project, in the order in which to read them."""

NEXT = ("toolkit dev up", "toolkit deploy traefik", "toolkit deploy hello")


def init(folder: Path) -> InitReport:
    """Write a project into `folder`, which is made if need be; nothing is ever overwritten.

    RefusedError names everything in the way at once, and then nothing has been written.
    """
    taken = conflicts(folder)
    if taken:
        raise RefusedError(
            f"{folder} already has {', '.join(taken)}; nothing was written",
            hint="choose an empty folder: toolkit init NEW-FOLDER",
        )
    source = files("toolkit.workflows") / "skeleton"
    made: list[Path] = []
    try:
        for name, path in SKELETON:
            write(folder / path, source.joinpath(name).read_bytes(), made)
    except OSError as exc:
        undo(made)
        raise RefusedError(
            f"{folder} could not be written, and nothing was kept: {exc.strerror or exc}",
            hint="check that the folder is yours and that the disk has room",
        ) from exc
    go = () if folder.resolve() == Path.cwd() else (f"cd {folder}",)
    return InitReport(
        folder=str(folder), files=tuple(path for _, path in SKELETON), next=(*go, *NEXT)
    )


def conflicts(folder: Path) -> tuple[str, ...]:
    """What stands in the way: files that exist, and files where folders are needed."""
    found: list[str] = []
    for _, path in SKELETON:
        place = folder / path
        blocked = [p for p in place.parents if os.path.lexists(p) and not p.is_dir()]
        way = blocked[-1] if blocked else place if os.path.lexists(place) else None
        if way is not None:
            inside = way.is_relative_to(folder) and way != folder
            name = str(way.relative_to(folder)) if inside else f"{way} (not a folder)"
            found += [name] if name not in found else []
    return tuple(found)


def write(path: Path, content: bytes, made: list[Path]) -> None:
    """Write one new file; what was made is added to `made` at once, so that it can be undone."""
    missing = [parent for parent in path.parents if not parent.exists()]
    for parent in reversed(missing):
        parent.mkdir()
        made.append(parent)
    # Exclusive: a file that appeared since we looked is not overwritten either.
    with path.open("xb") as out:
        made.append(path)
        out.write(content)


def undo(made: list[Path]) -> None:
    """Take away what was made, newest first; what others put into our folders stays."""
    for path in reversed(made):
        try:
            path.rmdir() if path.is_dir() else path.unlink()
        except OSError:
            continue
