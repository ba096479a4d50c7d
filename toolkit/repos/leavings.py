"""What belongs to a repository on disk, and what a kill may leave of it without its entry.

Three things leave data that no entry names: a repository killed while it was made (it is empty),
one killed on its way to the trash, and one on its way back (the rest of it is in the trash).
Anything else was put there by somebody, and stays where it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from toolkit.errors import TakenError
from toolkit.repos.files import PREFIX, remove_tree
from toolkit.repos.names import is_name
from toolkit.repos.trash import Trash

KIND = "repo"
"""What repositories are called in the trash."""

ENTRY = "entry"
DATA = "repo.git"

_BESIDE = ("deployments", "hooks", "builds")
"""Folders that hold a folder of each repository's name, which goes where the repository goes."""


def parts_of(root: Path, name: str) -> dict[str, Path]:
    """What there may be of a repository; the entry first, as that is what makes it one."""
    return {
        ENTRY: root / "registry" / f"{name}.json",
        DATA: root / "repos" / f"{name}.git",
        **{folder: root / folder / name for folder in _BESIDE},
    }


def without_entry(root: Path) -> list[str]:
    """Names of which there is data and no entry, sorted."""
    found = {path.name.removesuffix(".git") for path in (root / "repos").glob("*.git")}
    for folder in _BESIDE:
        found |= {path.name for path in (root / folder).glob("*") if path.is_dir()}
    return sorted(
        name for name in found if is_name(name) and not parts_of(root, name)[ENTRY].exists()
    )


def finish(root: Path, trash: Trash, name: str) -> str | None:
    """Undo or finish what a kill left of a name without an entry; what was done, or None."""
    parts = parts_of(root, name)
    remove_tree(parts[DATA].with_name(f"{PREFIX}{parts[DATA].name}"))
    left = {part: path for part, path in parts.items() if path.exists()}
    partner = next(_partners(trash, name, set(left)), None)
    if left and partner is not None:
        trash.add(partner, left)
        return f"{name} was on its way to or from the trash, and is there"
    if DATA in left and _is_empty(left[DATA]):
        remove_tree(left[DATA])
        return f"{name} was not finished, and was removed"
    return None


def clear(root: Path, trash: Trash, name: str) -> None:
    """Make room for a repository of this name; TakenError where somebody's data is in the way."""
    finish(root, trash, name)
    left = {part: path for part, path in parts_of(root, name).items() if path.exists()}
    if DATA in left:
        raise TakenError(
            f"repos/{name}.git is there, and no entry of the registry names it",
            hint=f"put registry/{name}.json back, or move the folder away",
        )
    if left:
        # A new repository does not inherit records, hooks and builds of another.
        trash.put(KIND, name, left)


def _partners(trash: Trash, name: str, left: set[str]) -> Iterator[str]:
    """What in the trash is a repository of this name that lacks just what is left here."""
    for entry in trash.all():
        if (entry.kind, entry.name) == (KIND, name):
            held = set(trash.parts(entry.id))
            if ENTRY in held and not held & left:
                yield entry.id


def _is_empty(path: Path) -> bool:
    """True for a repository that never had a commit."""
    below = [*path.glob("objects/**/*"), *path.glob("refs/**/*")]
    return not any(found.is_file() for found in below) and not (path / "packed-refs").exists()
