"""Trees of files: a folder, the jobs that come with toolkit, and one tree over another."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from toolkit.errors import ConfigError, Mistake
from toolkit.spec.tree import Tree

JOBS = "jobs/"


@dataclass(frozen=True, slots=True)
class FolderTree:
    """The files of one folder; links are followed only as long as they stay inside."""

    root: Path
    below: str = ""
    """Only paths that start like this exist."""
    label: str = ""

    @property
    def name(self) -> str:
        """The folder's path, or what it is called in messages."""
        return self.label or str(self.root)

    def read(self, path: str) -> bytes:
        """See `Tree.read`; ConfigError for a link that leads outside and for unreadable files."""
        if not path.startswith(self.below) or not is_inside(path):
            raise KeyError(path)
        try:
            real = (self.root / path).resolve()
            if not real.is_relative_to(self.root.resolve()):
                raise ConfigError([_outside(path, self.name)])
            if not stat.S_ISREG(real.stat().st_mode):  # a pipe would block, a folder has no bytes
                raise KeyError(path)
            return real.read_bytes()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise KeyError(path) from error
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, Python < 3.13
            reason = getattr(error, "strerror", None) or "links lead in a circle"
            mistake = Mistake(path, None, None, f"cannot be read: {reason}")
            raise ConfigError([mistake]) from error

    def paths(self, prefix: str = "") -> Iterator[str]:
        """See `Tree.paths`; without hidden folders such as `.git` and links that lead outside."""
        folder = prefix.rpartition("/")[0]
        if folder and not is_inside(folder):
            return iter(())
        found = self._walk(self.root / folder, f"{folder}/" if folder else "", ())
        return iter(
            sorted(
                path for path in found if path.startswith(prefix) and path.startswith(self.below)
            )
        )

    def _walk(self, folder: Path, base: str, above: tuple[Path, ...]) -> Iterator[str]:
        try:
            real = folder.resolve()
            if real in above or not real.is_relative_to(self.root.resolve()):
                return
            entries = list(folder.iterdir())
        except (OSError, RuntimeError):
            return
        for entry in entries:
            path = base + entry.name
            if entry.is_dir():
                if not entry.name.startswith("."):
                    yield from self._walk(entry, f"{path}/", (*above, real))
            elif entry.is_file() and (
                not entry.is_symlink() or entry.resolve().is_relative_to(self.root.resolve())
            ):
                yield path


@dataclass(frozen=True, slots=True)
class LayeredTree:
    """`first` over `second`: where both have a file, the first one's is read.

    A job's folder in `first` that brings a template of its own hides the folder of the same name in
    `second`, so that no half of one job is mixed with half of another; one with nothing but TOML
    files, such as `job.toml`, is settings for the second one's job.
    """

    first: Tree
    second: Tree

    @property
    def name(self) -> str:
        """The first tree's name."""
        return self.first.name

    def read(self, path: str) -> bytes:
        """See `Tree.read`."""
        try:
            return self.first.read(path)
        except KeyError:
            if self._hides(path):
                raise
            return self.second.read(path)

    def paths(self, prefix: str = "") -> Iterator[str]:
        """See `Tree.paths`."""
        own = set(self.first.paths(prefix))
        return iter(sorted(own | {p for p in self.second.paths(prefix) if not self._hides(p)}))

    def _hides(self, path: str) -> bool:
        parts = path.split("/")
        if len(parts) < 3 or parts[0] != "jobs" or parts[1].startswith("_"):
            return False
        folder = f"jobs/{parts[1]}/"
        return any(not own.endswith(".toml") for own in self.first.paths(folder))


def builtin_tree() -> Tree:
    """The jobs that come with toolkit, as `jobs/…`: from the wheel, or from the checkout."""
    package = Path(__file__).parents[1]
    root = package if (package / "jobs").is_dir() else package.parent
    return FolderTree(root, below=JOBS, label="built-in jobs")


def is_inside(path: str) -> bool:
    """True for a relative path of plain names: no `..`, no empty part, no NUL, no backslash."""
    return not any(part in {"", ".", ".."} for part in path.split("/")) and not (
        set(path) & {"\0", "\\"}
    )


def read_or_none(tree: Tree, path: str) -> bytes | None:
    """The file's bytes, or None where the tree has none."""
    try:
        return tree.read(path)
    except KeyError:
        return None


def _outside(path: str, name: str) -> Mistake:
    return Mistake(
        path, None, None, f"is a link that leads outside {name}", "copy the file into the project"
    )
