"""The sets of hooks of all repositories: files, versions, which one runs.

A repository's folder has `state.json`, which says what runs and what there is, and `DIGEST.json`
for each version. A version is on disk, whole, before the state names it; the state is swapped by a
rename: a crash leaves the old state or the new one, and at worst a version that nobody names.
Nothing of this is inside the repository, and nothing here ever touches one.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from toolkit.errors import AbsentError, ConfigError, RefusedError, UnavailableError
from toolkit.repos.bundle_files import checked, digest_of, from_json, hooks_in, to_json
from toolkit.repos.files import make_folder, sync_folder, write_whole
from toolkit.repos.names import is_name
from toolkit.repos.trash import Trash
from toolkit.spec.bundle import HOOKS, HookFile, HookSet, HookVersion
from toolkit.spec.repo import Repo

KEPT = 100
"""Versions of a repository; older ones go to the trash, never the one that runs."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_BEGINNING = re.compile(r"[0-9a-f]{4,64}")


@dataclass(frozen=True, slots=True)
class _State:
    """What is on disk of a set."""

    shown: HookSet
    last: str = ""
    """What ran before `rm` let nothing run."""


class Bundles:
    """The folder `hooks/` of the server's data; one for the process, used by several threads."""

    def __init__(self, root: Path, trash: Trash, *, now: Callable[[], float] = time.time):
        """`root`: has a folder for each repository with hooks. `trash`: `Registry.trash`."""
        self._root = root
        self._trash = trash
        self._now = now
        self._lock = threading.RLock()

    def find(self, repo: Repo) -> HookSet | None:
        """The set of a repository; None when it has none."""
        state = self._read(repo)
        return None if state is None else state.shown

    def get(self, repo: Repo) -> HookSet:
        """The same; AbsentError when there is none."""
        return self._state(repo).shown

    def current(self, repo: Repo) -> str:
        """Digest of the version that runs on a push now; empty when none does."""
        found = self.find(repo)
        return found.current if found else ""

    def version(self, repo: Repo, beginning: str | None = None) -> HookVersion:
        """The version whose digest begins so; None: the one that runs, or else the newest."""
        found = self.get(repo)
        if beginning is not None:
            return _by_beginning(found, beginning)
        if not found.versions:
            raise _nothing_pushed(repo)
        return found.by_digest.get(found.current, found.versions[-1])

    def create(self, repo: Repo) -> tuple[HookSet, bool]:
        """An empty set where there is none; True when it was made."""
        with self._lock:
            found = self.find(repo)
            if found is not None:
                return found, False
            return self._write(repo, _State(HookSet(repo.name))), True

    def push(self, repo: Repo, files: Sequence[HookFile], by: str) -> tuple[HookSet, bool]:
        """Store the files as a version and let it run from now on; False: it did already.

        ConfigError has everything that is wrong with the files.
        """
        kept = checked(files)
        digest = digest_of(kept)
        with self._lock:
            self._make_folder(repo)
            state = self._read(repo) or _State(HookSet(repo.name))
            found = state.shown
            if found.current == digest and not found.off and self._holds(repo, digest):
                return found, False
            size = sum(len(each.data) for each in kept)
            version = HookVersion(digest, self._now(), by, hooks_in(kept), len(kept), size)
            self._store(repo, digest, kept)
            others = [each for each in found.versions if each.digest != digest]
            after = replace(
                found, current=digest, off=frozenset(), versions=(*others[-(KEPT - 1) :], version)
            )
            shown = self._write(repo, _State(after))
            self._discard(repo, [each.digest for each in others[: -(KEPT - 1)]])
            return shown, True

    def files(self, repo: Repo, digest: str) -> tuple[HookFile, ...]:
        """What a version holds, sorted by path; RefusedError when it is not as it was stored."""
        path = self._version_path(repo, digest)
        try:
            files = checked(from_json(json.loads(path.read_bytes())))
        except FileNotFoundError:
            raise AbsentError(f"{repo.name} has no version {digest[:12]} of its hooks") from None
        except OSError as exc:
            raise _unavailable(repo, exc) from exc
        except (ConfigError, ValueError, RecursionError):
            files = ()
        if digest_of(files) != digest:
            raise RefusedError(
                f"version {digest[:12]} of the hooks of {repo.name} is not as it was stored",
                hint="push the folder that it was made of again",
            )
        return files

    def rollback(self, repo: Repo, to: str | None = None) -> tuple[HookSet, bool]:
        """Let the version before run, or one by its digest's beginning; False: it did already."""
        with self._lock:
            state = self._state(repo)
            digest = _before(repo, state) if to is None else _by_beginning(state.shown, to).digest
            self.files(repo, digest)
            if state.shown.current == digest and not state.shown.off:
                return state.shown, False
            after = replace(state.shown, current=digest, off=frozenset())
            return self._write(repo, _State(after)), True

    def remove(self, repo: Repo, hook: str | None = None) -> tuple[HookSet, bool]:
        """Let none run, or not this hook of the current version; all versions stay."""
        with self._lock:
            state = self._state(repo)
            found = state.shown
            if hook is None:
                if not found.current:
                    return found, False
                after = replace(found, current="", off=frozenset())
                return self._write(repo, _State(after, last=found.current)), True
            running = found.by_digest.get(found.current)
            if running is None or hook not in running.hooks:
                raise _no_such_hook(repo, hook, running)
            if hook in found.off:
                return found, False
            return self._write(repo, _State(replace(found, off=found.off | {hook}))), True

    def destroy(self, repo: Repo) -> str:
        """Move all versions to the trash; their ID there. AbsentError when there are none."""
        with self._lock:
            folder = self._folder(repo)
            if not folder.is_dir():
                raise _none(repo)
            try:
                return self._trash.put("hooks", repo.name, {"hooks": folder})
            except OSError as exc:
                raise _unavailable(repo, exc) from exc

    def _folder(self, repo: Repo) -> Path:
        if not is_name(repo.name):
            raise RefusedError("this is no name of a repository")
        return self._root / repo.name

    def _version_path(self, repo: Repo, digest: str) -> Path:
        if _DIGEST.fullmatch(digest) is None:
            raise AbsentError(f"{repo.name} has no such version of its hooks")
        return self._folder(repo) / f"{digest}.json"

    def _state(self, repo: Repo) -> _State:
        found = self._read(repo)
        if found is None:
            raise _none(repo)
        return found

    def _read(self, repo: Repo) -> _State | None:
        path = self._folder(repo) / "state.json"
        try:
            document = json.loads(path.read_bytes())
            # Somebody else's, of the same name, that was deleted: its scripts are not this one's.
            return _state_of(repo, document) if document["created"] == repo.created else None
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise _unavailable(repo, exc) from exc
        except (ValueError, KeyError, TypeError, RecursionError) as exc:
            raise RefusedError(
                f"what is kept of the hooks of {repo.name} cannot be read",
                hint="`toolkit hook destroy` moves it away, then push them again",
            ) from exc

    def _write(self, repo: Repo, state: _State) -> HookSet:
        shown = state.shown
        document = {
            "created": repo.created,
            "current": shown.current,
            "last": state.last,
            "off": sorted(shown.off),
            "versions": [
                {
                    "digest": each.digest,
                    "at": each.at,
                    "by": each.by,
                    "hooks": list(each.hooks),
                    "files": each.files,
                    "size": each.size,
                }
                for each in shown.versions
            ],
        }
        self._make_folder(repo)
        self._put(repo, self._folder(repo) / "state.json", document)
        return shown

    def _holds(self, repo: Repo, digest: str) -> bool:
        try:
            self.files(repo, digest)
        except RefusedError:
            return False
        return True

    def _store(self, repo: Repo, digest: str, files: Sequence[HookFile]) -> None:
        if not self._holds(repo, digest):
            self._put(repo, self._version_path(repo, digest), to_json(files))

    def _make_folder(self, repo: Repo) -> None:
        """The folder of the set; what a deleted repository of this name left goes to the trash."""
        folder = self._folder(repo)
        try:
            if (folder / "state.json").exists() and self._read(repo) is None:
                self._trash.put("hooks", repo.name, {"hooks": folder})
            if not folder.is_dir():
                make_folder(folder)
                sync_folder(self._root)
        except OSError as exc:
            raise _unavailable(repo, exc) from exc

    def _put(self, repo: Repo, path: Path, document: dict[str, Any]) -> None:
        try:
            write_whole(path, json.dumps(document).encode())
        except OSError as exc:
            raise _unavailable(repo, exc) from exc

    def _discard(self, repo: Repo, digests: Sequence[str]) -> None:
        paths = [self._version_path(repo, digest) for digest in digests]
        if paths:
            self._trash.put("hooks", repo.name, {path.name: path for path in paths})


def _state_of(repo: Repo, document: dict[str, Any]) -> _State:
    versions = tuple(
        HookVersion(
            str(each["digest"]),
            float(each["at"]),
            str(each["by"]),
            tuple(name for name in each["hooks"] if name in HOOKS),
            int(each["files"]),
            int(each["size"]),
        )
        for each in document["versions"]
    )
    current = str(document["current"])
    if current and current not in {each.digest for each in versions}:
        raise ValueError("what runs is none of the versions")
    shown = HookSet(repo.name, current, frozenset(document["off"]), versions)
    return _State(shown, str(document["last"]))


def _before(repo: Repo, state: _State) -> str:
    """What `rollback` without a name goes back to."""
    shown = state.shown
    if not shown.current:
        if state.last in shown.by_digest:
            return state.last
        raise _nothing_pushed(repo)
    digests = [each.digest for each in shown.versions]
    at = digests.index(shown.current)
    if at == 0:
        raise AbsentError(
            f"no version of the hooks of {repo.name} came before {shown.current[:12]}",
            hint=f"`toolkit hook list {repo.name}` shows all of them",
        )
    return digests[at - 1]


def _by_beginning(shown: HookSet, beginning: str) -> HookVersion:
    hint = f"`toolkit hook list {shown.repo}` shows all of them"
    if _BEGINNING.fullmatch(beginning) is None:
        raise RefusedError(
            "a version is named by at least the first 4 digits of its digest", hint=hint
        )
    found = [each for each in shown.versions if each.digest.startswith(beginning)]
    if not found:
        raise AbsentError(
            f"{shown.repo} has no version of its hooks that begins with {beginning[:12]}",
            hint=hint,
        )
    if len(found) > 1:
        raise RefusedError(f"{len(found)} versions begin with {beginning}", hint=hint)
    return found[0]


def _none(repo: Repo) -> AbsentError:
    return AbsentError(f"{repo.name} has no hooks", hint=f"`toolkit hook push {repo.name} FOLDER`")


def _nothing_pushed(repo: Repo) -> AbsentError:
    return AbsentError(
        f"{repo.name} has no version of its hooks",
        hint=f"`toolkit hook push {repo.name} FOLDER`",
    )


def _no_such_hook(repo: Repo, hook: str, running: HookVersion | None) -> RefusedError:
    if hook not in HOOKS:
        return RefusedError(f"{hook[:40]!a} is no hook of git")
    if running is None:
        return AbsentError(f"no hooks of {repo.name} run")
    return AbsentError(
        f"the hooks of {repo.name} that run have no {hook}",
        hint=f"they have {', '.join(running.hooks)}",
    )


def _unavailable(repo: Repo, exc: OSError) -> UnavailableError:
    return UnavailableError(
        f"the hooks of {repo.name} cannot be kept or read: {exc.strerror or exc}",
        hint="look at the disk of the hook server",
    )
