"""Records of deployments: a file each, on disk before anything of them is registered.

`deployments/NAME/ID.json` is written whole, made durable with its folder, and swapped in: at any
moment there is the old record or the new one. What a push intends lies in `pending/` before its ref
moves, as the very record that it becomes: beginning is one rename, which needs no room on the disk
and cannot be half done. Numbers count from 1 in each repository, and none is given twice.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, get_args

from toolkit.errors import AbsentError
from toolkit.repos.files import PREFIX, make_folder, move, sync_folder, write_whole
from toolkit.spec.deployment import Deployment, Kind, Waiting
from toolkit.spec.report import Verdict

_INTENT = re.compile(r"[0-9a-f]{32}")
_STATES = {*get_args(Waiting), *get_args(Verdict)}
_KINDS = set(get_args(Kind))
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
NOBODY_KNOWS = "0" * 40
"""The commit of a record that was damaged."""


@dataclass(frozen=True, slots=True)
class Intent:
    """What a push was about to do when its ref was about to move."""

    name: str
    record: Deployment
    """As it will be; its id is 0."""


class Records:
    """All records below one data folder; the only writer of them, for several threads."""

    def __init__(self, root: Path):
        """`root`: the data folder."""
        self._records = root / "deployments"
        self._pending = root / "pending"
        self._lock = threading.RLock()
        self._known: dict[str, dict[int, Deployment]] = {}

    # Reading.

    def all(self, repo: str) -> tuple[Deployment, ...]:
        """The records of a repository, the oldest first."""
        with self._lock:
            return tuple(self._of(repo).values())

    def get(self, repo: str, number: int) -> Deployment:
        """One record; AbsentError."""
        with self._lock:
            found = self._of(repo).get(number)
        if found is None:
            raise AbsentError(
                f"repository {repo} has no deployment {number}",
                hint=f"toolkit repo show {repo} lists its deployments",
            )
        return found

    def log(self, repo: str, number: int) -> Path:
        """Where the log of a deployment is."""
        return self._records / repo / f"{number}.log"

    # Writing.

    def add(self, record: Deployment) -> Deployment:
        """The record under the next number, durable."""
        with self._lock:
            record = replace(record, id=self._next(record.repo))
            self.write(record)
            return record

    def write(self, record: Deployment) -> None:
        """The record in place of what there was, durable; OSError leaves what there was."""
        with self._lock:
            known = self._of(record.repo)
            folder = self._folder(record.repo)
            self._put(folder / f"{record.id}.json", encode(record))
            known[record.id] = record

    def settle(self, record: Deployment) -> bool:
        """`write`, but a disk that takes nothing loses only the file: False, and it is known here.

        For what happened already and cannot be refused any more.
        """
        try:
            self.write(record)
        except OSError:
            with self._lock:
                self._of(record.repo)[record.id] = record
            return False
        return True

    def remove(self, repo: str, number: int) -> None:
        """Remove a record with its log, for good; OSError leaves what there was."""
        with self._lock:
            # The log first: one without a record would lie there for ever.
            self.log(repo, number).unlink(missing_ok=True)
            (self._records / repo / f"{number}.json").unlink(missing_ok=True)
            self._of(repo).pop(number, None)

    def forget(self, repo: str) -> None:
        """Know nothing more of a repository: its folder was taken away."""
        with self._lock:
            self._known.pop(repo, None)

    # Intents.

    def intend(self, record: Deployment) -> str:
        """Keep what a push is about to do, durable; the name to `adopt` or `drop` it by."""
        name = secrets.token_hex(16)
        with self._lock:
            # Its folder too: nothing that needs room may be left to do once the ref has moved.
            self._folder(record.repo)
            _make(self._pending)
            self._put(self._pending / f"{name}.json", encode(replace(record, id=0)))
        return name

    def adopt(self, intent: str) -> Deployment:
        """The intent as a record under the next number; AbsentError when there is none."""
        with self._lock:
            path = self._intent(intent)
            try:
                record = decode(path.read_bytes())
            except FileNotFoundError:
                raise AbsentError(f"there is no intent {intent}") from None
            record = replace(record, id=self._next(record.repo))
            self._move(path, self._folder(record.repo) / f"{record.id}.json")
            self._known[record.repo][record.id] = record
            return record

    def drop(self, intent: str) -> None:
        """Forget an intent whose ref did not move."""
        with self._lock, contextlib.suppress(FileNotFoundError):
            self._intent(intent).unlink()
            sync_folder(self._pending)

    def intents(self) -> tuple[Intent, ...]:
        """What is in `pending/`, the oldest first; what is half written there goes."""
        found = []
        with self._lock:
            for path in self._pending.glob(f"{PREFIX}*"):
                # Its ref cannot have moved: it was not durable yet.
                path.unlink()
            for path in _files(self._pending):
                try:
                    found.append(Intent(path.stem, decode(path.read_bytes())))
                except ValueError:
                    _set_aside(path)
        return tuple(sorted(found, key=lambda each: (each.record.created, each.name)))

    # Files.

    def _intent(self, name: str) -> Path:
        if not _INTENT.fullmatch(name):
            raise AbsentError("that is no name of an intent")
        return self._pending / f"{name}.json"

    def _next(self, repo: str) -> int:
        return max(self._of(repo), default=0) + 1

    def _folder(self, repo: str) -> Path:
        folder = self._records / repo
        _make(self._records)
        _make(folder)
        return folder

    def _of(self, repo: str) -> dict[int, Deployment]:
        known = self._known.get(repo)
        if known is None:
            known = self._known[repo] = self._load(repo)
        return known

    def _load(self, repo: str) -> dict[int, Deployment]:
        folder = self._records / repo
        found = {}
        for path in _files(folder):
            if not path.stem.isdecimal():
                continue
            number = int(path.stem)
            try:
                found[number] = replace(decode(path.read_bytes()), id=number, repo=repo)
            except ValueError:
                found[number] = self._damaged(path, repo, number)
        return dict(sorted(found.items()))

    def _damaged(self, path: Path, repo: str, number: int) -> Deployment:
        """What stands in for a record that cannot be read, so that numbers have no gap."""
        aside = _set_aside(path)
        record = Deployment(
            id=number, repo=repo, commit=NOBODY_KNOWS, before=None, pusher="", accessor="",
            kind="repair", state="unknown",
            sentence=f"its record was damaged, and is kept as {aside.name}",
        )  # fmt: skip
        self._put(path, encode(record))
        return record

    def _put(self, path: Path, data: bytes) -> None:
        write_whole(path, data)

    def _move(self, path: Path, to: Path) -> None:
        move(path, to)


def encode(record: Deployment) -> bytes:
    """A record as its file."""
    return json.dumps(asdict(record), indent=1).encode() + b"\n"


def decode(data: bytes) -> Deployment:
    """The record of a file; ValueError where it is not one."""
    said = json.loads(data)
    if not isinstance(said, dict):
        raise ValueError("not a record")
    known = {each.name for each in fields(Deployment)}
    try:
        record = Deployment(**{key: value for key, value in said.items() if key in known})
    except TypeError as exc:
        raise ValueError("not a whole record") from exc
    _check(record, said)
    return record


def _check(record: Deployment, said: Mapping[str, Any]) -> None:
    texts = ("repo", "commit", "pusher", "accessor", "hooks", "digest", "sentence", "resumed_by")
    if not all(isinstance(said.get(key, ""), str) for key in texts):
        raise ValueError("a text of it is none")
    if record.state not in _STATES or record.kind not in _KINDS:
        raise ValueError("no such state or kind")
    numbers = (record.created, record.changed)
    if not all(isinstance(each, int | float) for each in numbers):
        raise ValueError("a time of it is none")
    if not _COMMIT.fullmatch(record.commit) or not isinstance(record.id, int):
        raise ValueError("no commit")


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(each for each in folder.glob("*.json") if not each.name.startswith("."))


def _set_aside(path: Path) -> Path:
    """Keep a damaged file under a name that nobody reads."""
    aside = path.with_name(f"{path.name}.broken")
    move(path, aside)
    return aside


def _make(folder: Path) -> None:
    if not folder.is_dir():
        make_folder(folder)
        sync_folder(folder.parent)
