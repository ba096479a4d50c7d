"""A folder that keeps a rehearsal's secrets, readable by its owner only."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from toolkit.errors import RefusedError, TakenError
from toolkit.spec.target import Secret

_UNDER_WAY = ".new-"


class FolderStore:
    """A file for each value, in folders as its name says."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made when the first value is kept."""
        self.folder = folder

    def __repr__(self) -> str:
        return f"FolderStore({str(self.folder)!r})"

    def get(self, name: str) -> Secret | None:
        """See `Store`."""
        try:
            return Secret(self._path(name).read_text())
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise self._refused(f"{name} cannot be read", exc) from exc

    def put_new(self, name: str, value: Secret) -> None:
        """See `Store`."""
        with self._written(name, value) as made:
            try:
                # Unlike a rename, a link does not take the place of what is there.
                os.link(made, self._path(name))
            except FileExistsError:
                raise TakenError(
                    f"there is a secret {name} already", hint="read it; it is the one to use"
                ) from None

    def replace(self, name: str, value: Secret) -> None:
        """See `Store`."""
        with self._written(name, value) as made:
            made.replace(self._path(name))

    def remove(self, name: str) -> None:
        """See `Store`."""
        try:
            self._path(name).unlink(missing_ok=True)
        except OSError as exc:
            raise self._refused(f"{name} cannot be removed", exc) from exc

    def names(self) -> tuple[str, ...]:
        """See `Store`."""
        files = (path for path in self.folder.rglob("*") if path.is_file())
        found = (path for path in files if not path.name.startswith(_UNDER_WAY))
        return tuple(sorted(path.relative_to(self.folder).as_posix() for path in found))

    def _path(self, name: str) -> Path:
        parts = name.split("/")
        if not all(part and not part.startswith(".") for part in parts):
            raise RefusedError(f"{name!r} is no name of a secret")
        return self.folder.joinpath(*parts)

    @contextmanager
    def _written(self, name: str, value: Secret) -> Iterator[Path]:
        """A file beside the value's, whole and on disk, that is gone afterwards."""
        path = self._path(name)
        try:
            self._make_folders(path.parent)
            descriptor, made = tempfile.mkstemp(dir=path.parent, prefix=_UNDER_WAY)
            try:
                with os.fdopen(descriptor, "w") as file:
                    file.write(value.reveal())
                    file.flush()
                    os.fsync(file.fileno())
                yield Path(made)
                _sync(path.parent)
            finally:
                Path(made).unlink(missing_ok=True)
        except OSError as exc:
            raise self._refused(f"{name} cannot be kept", exc) from exc

    def _make_folders(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            # Somebody else may make it meanwhile.
            each.mkdir(mode=0o700, exist_ok=True)

    def _refused(self, what: str, exc: OSError) -> RefusedError:
        return RefusedError(
            f"the secret {what} in {self.folder}: {exc.strerror or exc}",
            hint="it is this user's alone: look at the folder's owner, rights and free space",
        )


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
