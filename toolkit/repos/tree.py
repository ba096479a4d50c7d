"""The files of one commit, read from git's objects: no work tree, nothing is ever checked out."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from toolkit.errors import RefusedError
from toolkit.repos.git import Quarantine, run
from toolkit.repos.names import show
from toolkit.repos.objects import Objects
from toolkit.repos.paths import NO_NAMES, name_fault
from toolkit.repos.refs import is_id
from toolkit.spec.hook import PushLimits

_FAULTS = 10
"""Paths that one refusal names."""

_TIMES = 4
"""Bytes of a commit's files, together and unpacked, for each byte that a pack may have."""


class Entry(NamedTuple):
    """One line of a folder in git."""

    mode: int
    id: str

    @property
    def is_folder(self) -> bool:
        """True for a folder."""
        return stat.S_ISDIR(self.mode)

    @property
    def fault(self) -> str | None:
        """Why nothing may be read through it; None for plain files and folders."""
        if stat.S_ISLNK(self.mode):
            return "is a symbolic link, and links are not followed here"
        if self.mode == 0o160000:
            return "is a submodule, and what it names is not here"
        if not (stat.S_ISREG(self.mode) or self.is_folder):
            return f"has a mode that git does not know: {self.mode:o}"
        return None


class GitTree:
    """A `Tree` of one commit; safe for threads, and open between `with` and its end.

    Git runs from `with` on: what it may read is decided there, whoever this process is later.
    """

    def __init__(
        self,
        git_dir: Path,
        commit: str,
        *,
        quarantine: Quarantine | None = None,
        limits: PushLimits | None = None,
        seconds: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
    ):
        """`commit`: its full ID. `seconds`: that git may take for one answer."""
        if not is_id(commit):
            raise RefusedError(f"{show(commit)} is no full ID of a commit")
        self.commit = commit
        self._git_dir, self._quarantine = git_dir, quarantine
        self._limits = limits or PushLimits()
        self._objects = Objects(git_dir, quarantine=quarantine, seconds=seconds, clock=clock)
        self._folders: dict[str, dict[str, Entry]] = {}
        self._root = ""

    def __enter__(self) -> GitTree:
        self._objects.open()
        try:
            self._root = self._read_root()
        except BaseException:
            self._objects.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End git; further reads fail."""
        self._objects.close()

    @property
    def name(self) -> str:
        """The commit's full ID."""
        return self.commit

    def read(self, path: str) -> bytes:
        """See `Tree.read`; RefusedError for links, submodules and files above the limit."""
        entry = self._find(path)
        if entry is None or entry.is_folder:
            raise KeyError(path)
        if entry.fault:
            raise _refusal(path, entry.fault)
        most = self._limits.file_bytes
        kind, size = self._objects.info(entry.id)
        if kind != "blob":
            raise _refusal(path, "is no file, whatever its mode says")
        if size > most:
            raise RefusedError(
                f"{show(path)} has {size:,} bytes, and {most:,} are the most of a file to read",
                hint="keep large files out of what is deployed, or raise `file_bytes`",
            )
        return self._objects.contents(entry.id, most)

    def paths(self, prefix: str = "") -> Iterator[str]:
        """See `Tree.paths`; without hidden folders, as a folder on disk is listed.

        RefusedError for a link or a submodule below the prefix.
        """
        base = prefix.rpartition("/")[0]
        start = self._find(base) if base else Entry(stat.S_IFDIR, self._root)
        if start is None or not start.is_folder:
            return iter(())
        found = []
        for path, entry in self._walk(start, f"{base}/" if base else "", hidden=False):
            if not path.startswith(prefix):
                continue
            if entry.fault:
                raise _refusal(path, entry.fault)
            if not entry.is_folder:
                found.append(path)
        return iter(sorted(found))

    def check(self) -> None:
        """Walk the whole commit: RefusedError names the paths that may not be in what is deployed.

        Links, submodules, names that git or a system would take for something else, control
        characters; and the limits on files, depth, length of paths and unpacked bytes.
        """
        faults, blobs = [], []
        for path, entry in self._walk(Entry(stat.S_IFDIR, self._root), "", hidden=True):
            fault = entry.fault or name_fault(path, self._limits.path_bytes)
            if fault:
                faults.append(f"{show(path)} {fault}")
                if len(faults) == _FAULTS:
                    faults.append("and perhaps more")
                    break
            elif not entry.is_folder:
                blobs.append(entry.id)
        if faults:
            raise RefusedError(
                "\n".join(faults),
                hint="remove it from the commit: `git rm --cached`, or `git mv` to another name",
            )
        self._check_bytes(blobs)

    def _check_bytes(self, blobs: list[str]) -> None:
        most = _TIMES * self._limits.pack_bytes
        asked = "".join(f"{id_}\n" for id_ in blobs).encode()
        words = ["cat-file", "--batch-check=%(objecttype) %(objectsize)", "--buffer"]
        said = run(self._git_dir, words, stdin=asked, quarantine=self._quarantine) if blobs else b""
        total = 0
        for line in said.splitlines():
            kind, _, size = line.partition(b" ")
            if kind != b"blob":
                raise RefusedError("the commit has a file that is missing or is none")
            total += int(size)
        if total > most:
            raise RefusedError(
                f"the commit's files have {total:,} bytes, and {most:,} are the most",
                hint="keep large files out of what is deployed, or raise `pack_bytes`",
            )

    def _read_root(self) -> str:
        kind, _ = self._objects.info(self.commit)
        if kind != "commit":
            raise RefusedError(f"{self.commit[:7]} is a {kind}, not a commit")
        first = self._objects.contents(self.commit, self._limits.file_bytes).partition(b"\n")[0]
        root = first.removeprefix(b"tree ").decode(errors="backslashreplace")
        if len(root) != len(self.commit) or not is_id(root):
            raise RefusedError(f"{self.commit[:7]} names no tree")
        return root

    def _find(self, path: str) -> Entry | None:
        """What is at a path; RefusedError where a link or a submodule leads there."""
        entry = Entry(stat.S_IFDIR, self._root)
        parts = path.split("/")
        if len(parts) > self._limits.depth + 1:
            return None
        for index, part in enumerate(parts):
            if entry.fault:
                raise _refusal("/".join(parts[:index]), entry.fault)
            if not entry.is_folder:
                return None
            below = self._folder(entry.id, "/".join(parts[:index])).get(part)
            if below is None:
                return None
            entry = below
        return entry

    def _walk(self, start: Entry, base: str, *, hidden: bool) -> Iterator[tuple[str, Entry]]:
        """Everything below, folders before what is in them; RefusedError above the limits."""
        files = folders = 0
        most = self._limits.files
        left = [(start, base)]
        while left:
            folder, above = left.pop()
            if above.count("/") > self._limits.depth:
                raise RefusedError(
                    f"{show(above)} is more than {self._limits.depth} folders deep",
                    hint="flatten it, or raise `depth`",
                )
            for name, entry in self._folder(folder.id, above).items():
                path = above + name
                files += not entry.is_folder
                folders += entry.is_folder
                if max(files, folders) > most:
                    raise _too_many(most)
                yield path, entry
                if entry.is_folder and (hidden or not name.startswith(".")):
                    left.append((entry, f"{path}/"))

    def _folder(self, id_: str, path: str) -> dict[str, Entry]:
        """The lines of a folder, by name; each is read once."""
        known = self._folders.get(id_)
        if known is None:
            most = self._limits.files * (self._limits.path_bytes + 64)
            kind, size = self._objects.info(id_)
            if kind != "tree":
                raise _refusal(path, "is no folder, whatever its mode says")
            if size > most:
                raise _too_many(self._limits.files)
            data = self._objects.contents(id_, most)
            known = self._folders[id_] = _parse(data, len(id_) // 2, path, 2 * self._limits.files)
        return known


def _parse(data: bytes, digest: int, path: str, most: int) -> dict[str, Entry]:
    """The lines of a folder: `MODE NAME NUL` and an ID in `digest` bytes, one after another."""
    found: dict[str, Entry] = {}
    at = 0
    while at < len(data):
        space = data.find(b" ", at, at + 8)
        end = data.find(b"\0", space)
        after = end + 1 + digest
        if space < 0 or end < 0 or after > len(data) or not _is_octal(data[at:space]):
            raise _refusal(path, "is a folder that cannot be read")
        if data[space + 1 : end] in NO_NAMES or b"/" in data[space + 1 : end]:
            # Everything else may be told by `check`; this would be a path of another file.
            raise _refusal(path, f"holds '{show(data[space + 1 : end])}', which is no name")
        # What is no UTF-8 keeps its backslashes, which `check` refuses.
        name = data[space + 1 : end].decode(errors="backslashreplace")
        if name in found:
            raise _refusal(f"{path.rstrip('/')}/{name}".lstrip("/"), "is there twice")
        if len(found) == most:
            raise _too_many(most // 2)
        found[name] = Entry(int(data[at:space], 8), data[end + 1 : after].hex())
        at = after
    return found


def _is_octal(text: bytes) -> bool:
    return text.isdigit() and not set(text) & set(b"89")


def _too_many(most: int) -> RefusedError:
    return RefusedError(
        f"the commit has more than {most:,} files or folders",
        hint="keep what is not deployed out of the branch, or raise `files`",
    )


def _refusal(path: str, fault: str) -> RefusedError:
    return RefusedError(
        f"{show(path) or 'the commit'} {fault}", hint="commit plain files and folders"
    )
