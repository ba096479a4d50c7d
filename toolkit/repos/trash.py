"""What was deleted, kept until its time is over."""

from __future__ import annotations

import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from toolkit.errors import AbsentError
from toolkit.repos.files import PREFIX, make_folder, move, remove_tree, write_whole
from toolkit.repos.names import show

_ENTRY = "entry.json"


@dataclass(frozen=True, slots=True)
class Discarded:
    """One thing in the trash."""

    id: str
    kind: str
    """`repo` or `hooks`."""
    name: str
    at: float
    """Seconds since 1970."""


class Trash:
    """A folder of what was deleted; moves are renames, so it has to be on the data's own disk."""

    def __init__(self, folder: Path, *, now: Callable[[], float] = time.time):
        """`now`: seconds since 1970."""
        self.folder = folder
        self._now = now
        self._lock = threading.Lock()
        """Held while something is put here that is not whole yet."""

    def put(self, kind: str, name: str, parts: Mapping[str, Path]) -> str:
        """Move the parts that exist here, in their order; returns the ID of what they became.

        `parts`: what each is called in the trash, and where it is. A kill may leave the later ones
        where they were: `add` brings them after the others.
        """
        now = self._now()
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
        entry = Discarded(f"{kind}-{name}-{stamp}-{secrets.token_hex(4)}", kind, name, now)
        folder = self.folder / (PREFIX + entry.id)
        with self._lock:
            make_folder(folder)
            write_whole(folder / _ENTRY, json.dumps(asdict(entry)).encode())
            move(folder, self.folder / entry.id)
        self.add(entry.id, parts)
        return entry.id

    def add(self, id_: str, parts: Mapping[str, Path]) -> None:
        """Move further parts of something to where its others are."""
        folder = self._find(id_)
        for part, path in parts.items():
            if path.exists():
                move(path, folder / part)

    def parts(self, id_: str) -> dict[str, Path]:
        """What is here of one thing, by what it is called."""
        return {
            path.name: path
            for path in sorted(self._find(id_).iterdir())
            if path.name != _ENTRY and not path.name.startswith(PREFIX)
        }

    def all(self) -> tuple[Discarded, ...]:
        """What can still be had back, newest first."""
        found = [entry for entry in map(_read, self._folders()) if entry is not None]
        return tuple(sorted(found, key=lambda entry: (entry.at, entry.id), reverse=True))

    def forget(self, id_: str) -> None:
        """Remove one thing for good."""
        folder = self._find(id_)
        gone = folder.with_name(PREFIX + folder.name)
        # By one rename first, so that a kill leaves nothing that looks whole.
        move(folder, gone)
        remove_tree(gone)

    def empty(self, before: float) -> tuple[str, ...]:
        """Remove for good what was deleted before a time; returns their IDs."""
        with self._lock:
            for left in self.folder.glob(f"{PREFIX}*"):
                remove_tree(left)
        old = tuple(entry.id for entry in self.all() if entry.at < before)
        for id_ in old:
            self.forget(id_)
        return old

    def _find(self, id_: str) -> Path:
        if id_ not in {folder.name for folder in self._folders()}:
            raise AbsentError(f"{show(id_)} is not in the trash")
        return self.folder / id_

    def _folders(self) -> Iterable[Path]:
        if not self.folder.is_dir():
            return []
        return [path for path in self.folder.iterdir() if not path.name.startswith(PREFIX)]


def _read(folder: Path) -> Discarded | None:
    """The entry of a folder; None where it cannot be read: then nobody removes it either."""
    try:
        found = json.loads((folder / _ENTRY).read_bytes())
        return Discarded(folder.name, found["kind"], found["name"], float(found["at"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
