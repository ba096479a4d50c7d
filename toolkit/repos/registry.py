"""The repositories there are: a JSON file and a bare repository each, made and removed whole.

`registry/NAME.json` is the truth: written last when a repository is made, moved away first when it
is deleted. A name is looked up here, and only what is found here becomes a path.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from toolkit.errors import AbsentError, TakenError, UnavailableError
from toolkit.repos import bare, git
from toolkit.repos.commits import head, keep
from toolkit.repos.entries import read_entry, write_entry
from toolkit.repos.files import PREFIX, make_folder, move, remove_tree, write_whole
from toolkit.repos.leavings import ENTRY, KIND, clear, finish, parts_of, without_entry
from toolkit.repos.names import check_name, is_name, show
from toolkit.repos.refs import check_branch
from toolkit.repos.trash import Discarded, Trash
from toolkit.spec.hook import PushLimits
from toolkit.spec.repo import Order, Repo

_PATIENCE = 60.0
"""Seconds to wait for another change; each is a few renames, or a few questions to git."""


class Registry:
    """The repositories below one data folder; safe for threads, of the one server that has it."""

    def __init__(
        self,
        root: Path,
        limits: PushLimits | None = None,
        *,
        now: Callable[[], float] = time.time,
    ):
        """`limits`: of pushes, written into repositories; `now`: seconds since 1970."""
        self.root = root
        self.trash = Trash(root / "trash", now=now)
        self._limits = limits or PushLimits()
        self._now = now
        self._entries = root / "registry"
        self._repos = root / "repos"
        self._lock = threading.RLock()
        for folder in (root, self._entries, self._repos, self.trash.folder):
            make_folder(folder)

    def get(self, name: str) -> Repo:
        """The repository of this very name; AbsentError when there is none."""
        if not is_name(name):
            raise AbsentError(f"there is no repository {show(name)}")
        return self._read(name)

    def all(self) -> tuple[Repo, ...]:
        """All repositories by name, without those whose entry is damaged: `repair` names them."""
        found = []
        for name in self._names():
            try:
                found.append(self._read(name))
            except (AbsentError, UnavailableError):
                continue
        return tuple(found)

    def path(self, repo: Repo) -> Path:
        """Where its bare repository is."""
        return self._repos / f"{check_name(repo.name)}.git"

    def create(
        self, name: str, *, creator: str, branch: str = "main", order: Order = "newest"
    ) -> tuple[Repo, bool]:
        """Make a repository, and True; or the one that is there already, as it is, and False.

        What a kill left of an earlier one of the name is put away first. UnavailableError without
        room on the disk; then nothing is left of it. TakenError where other data is in the way.
        """
        check_name(name)
        check_branch(branch)
        with self._alone():
            try:
                return self._read(name), False
            except AbsentError:
                pass
            repo = Repo(name, branch, order, self._now(), show(creator))
            path = self.path(repo)
            new = path.with_name(f"{PREFIX}{path.name}")
            with _room(name):
                clear(self.root, self.trash, name)
                try:
                    bare.make(new, branch, self._limits)
                    move(new, path)
                    self._write(repo)
                except BaseException:
                    # What is removed here is what was made here a moment ago: it holds nothing.
                    remove_tree(new)
                    remove_tree(path)
                    raise
            return repo, True

    def change(self, name: str, fn: Callable[[Repo], Repo]) -> Repo:
        """Write what `fn` makes of a repository's entry; its name, maker and time stay."""
        with self._alone():
            old = self.get(name)
            new = fn(old)
            if replace(new, branch=old.branch, order=old.order, builds=old.builds) != old:
                raise ValueError(f"{name}: only the branch, the order and the builds change")
            if new == old:
                return old
            check_branch(new.branch)
            if new.branch != old.branch and (commit := head(self.path(old), old.branch)):
                # From now on anybody may move the old branch; what was deployed of it stays.
                keep(self.path(old), commit)
            with _room(name):
                self._write(new)
                if new.branch != old.branch:
                    bare.point(self.path(new), new.branch)
            return new

    def delete(self, name: str) -> str:
        """Move a repository and all that is kept of it to the trash; returns its ID there."""
        with self._alone():
            self.get(name)
            with _room(name):
                return self.trash.put(KIND, name, parts_of(self.root, name))

    def restore(self, id_: str) -> Repo:
        """Have a deleted repository back; TakenError where its name is another's by now."""
        with self._alone():
            entry = next((found for found in self.deleted() if found.id == id_), None)
            if entry is None:
                raise AbsentError(f"no repository {show(id_)} is in the trash")
            to = parts_of(self.root, entry.name)
            if to[ENTRY].exists():
                raise TakenError(
                    f"there is another repository {entry.name}", hint="delete that one first"
                )
            with _room(entry.name):
                clear(self.root, self.trash, entry.name)
                held = self.trash.parts(id_)
                # The entry last: until then there is no repository, and `repair` can begin anew.
                for part in reversed(to):
                    if part in held:
                        make_folder(to[part].parent)
                        move(held[part], to[part])
            self.trash.forget(id_)
            return self._read(entry.name)

    def deleted(self) -> tuple[Discarded, ...]:
        """Repositories in the trash, newest first."""
        found = (entry for entry in self.trash.all() if entry.kind == KIND)
        return tuple(entry for entry in found if ENTRY in self.trash.parts(entry.id))

    def empty_trash(self, before: float) -> tuple[str, ...]:
        """Remove for good what was deleted before a time, of every kind; returns the IDs."""
        with self._alone():
            return self.trash.empty(before)

    def repair(self) -> tuple[str, ...]:
        """Mend what a kill left, and set every repository up for the limits of today.

        For the start, before any push: it takes away the locks and the half-arrived packs of
        processes that have ended. Returns a sentence for each thing mended or found damaged.
        RefusedError where git is missing or too old.
        """
        git.check()
        with self._alone():
            said = []
            for left in sorted(
                [*self._entries.glob(f"{PREFIX}*"), *self._repos.glob(f"{PREFIX}*")]
            ):
                remove_tree(left)
                said.append(f"{left.name.removeprefix(PREFIX)} was not finished, and was removed")
            for name in without_entry(self.root):
                said += self._try(name, self._finish)
            for name in self._names():
                said += self._try(name, self._repair)
            return tuple(said)

    def collect(self, repo: Repo) -> None:
        """Have git pack a repository where that is worth it, for once a day; may take minutes."""
        bare.collect(self.path(repo))

    def _try(self, name: str, mend: Callable[[str], list[str]]) -> list[str]:
        """What is wrong with one repository, or its disk, is no reason to serve none."""
        try:
            with _room(name):
                return mend(name)
        except UnavailableError as error:
            return [error.message]

    def _finish(self, name: str) -> list[str]:
        done = finish(self.root, self.trash, name)
        if done is None and (self._repos / f"{name}.git").exists():
            done = f"repos/{name}.git is there, and no entry of the registry names it"
        return [] if done is None else [done]

    def _repair(self, name: str) -> list[str]:
        repo = self._read(name)
        path = self.path(repo)
        if not path.is_dir():
            return [f"repository {name} is registered, and its data is gone"]
        said = [f"{name}: {sentence}" for sentence in bare.sweep(path)]
        bare.configure(path, self._limits)
        bare.point(path, repo.branch)
        return said

    def _names(self) -> list[str]:
        return sorted(path.stem for path in self._entries.glob("*.json") if is_name(path.stem))

    def _read(self, name: str) -> Repo:
        try:
            data = (self._entries / f"{name}.json").read_bytes()
        except FileNotFoundError as error:
            raise AbsentError(f"there is no repository {name}") from error
        except OSError as error:
            raise UnavailableError(f"registry/{name}.json: {error.strerror}") from error
        return read_entry(name, data)

    def _write(self, repo: Repo) -> None:
        write_whole(self._entries / f"{repo.name}.json", write_entry(repo))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=_PATIENCE):
            raise UnavailableError("another change of the repositories takes long")
        try:
            yield
        finally:
            self._lock.release()


@contextmanager
def _room(name: str) -> Iterator[None]:
    """Say in a sentence what the disk said in a number."""
    try:
        yield
    except OSError as error:
        reason = (error.strerror or "the disk fails").lower()
        raise UnavailableError(
            f"repository {name}: {reason}", after=60.0, hint="free some space, and try again"
        ) from error
