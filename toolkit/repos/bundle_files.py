"""What a version of hooks may hold, what it is called, and how it is written down: pure."""

from __future__ import annotations

import base64
import binascii
import difflib
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from toolkit.errors import ConfigError, Mistake
from toolkit.spec.bundle import HOOKS, IDLE, RUN, HookEntry, HookFile

MOST_FILES = 500
MOST_BYTES = 4 << 20
"""Of all files together."""
LONGEST_PATH = 200
DEEPEST = 8
MOST_TEXT = 8 << 20
"""Bytes of a version as JSON, in a request and on disk."""

_SEGMENT = re.compile(r"[A-Za-z0-9_.@+ ][A-Za-z0-9_.@+ -]*")
_SHOWN = 20
"""Mistakes of one kind; more of them help nobody."""


def checked(files: Iterable[HookFile]) -> tuple[HookFile, ...]:
    """The files sorted by path, hooks with their executable bit; ConfigError has every mistake."""
    found = sorted(files, key=lambda each: each.path)
    mistakes = [*_of_all(found), *_of_paths(found), *_of_hooks(found)]
    if mistakes:
        raise ConfigError(mistakes)
    return tuple(replace(each, executable=True) if each.path in HOOKS else each for each in found)


def digest_of(files: Iterable[HookFile]) -> str:
    """The name of a version: SHA-256 over paths, modes and contents, of `checked` files."""
    whole = hashlib.sha256()
    for each in files:
        mode = "x" if each.executable else "-"
        # No path holds a line break, so no two sets of files have the same lines.
        whole.update(f"{mode} {hashlib.sha256(each.data).hexdigest()} {each.path}\n".encode())
    return whole.hexdigest()


def hooks_in(files: Iterable[HookFile]) -> tuple[str, ...]:
    """Names of the hooks, those that run on a server first."""
    names = {each.path for each in files}
    return tuple(name for name in (*RUN, *IDLE) if name in names)


def entries_of(files: Iterable[HookFile]) -> tuple[HookEntry, ...]:
    """What a listing says of the files."""
    return tuple(
        HookEntry(each.path, len(each.data), each.executable, hashlib.sha256(each.data).hexdigest())
        for each in files
    )


def to_json(files: Iterable[HookFile]) -> dict[str, Any]:
    """As a version travels and is kept."""
    return {
        "files": [
            {
                "path": each.path,
                "executable": each.executable,
                "data": base64.b64encode(each.data).decode(),
            }
            for each in files
        ]
    }


def from_json(document: Any) -> tuple[HookFile, ...]:
    """The files as they came, not yet `checked`; ConfigError where it is no such document."""
    files = document.get("files") if isinstance(document, dict) and len(document) == 1 else None
    if not isinstance(files, list):
        raise _garbled("it has to be an object with `files`, and nothing else")
    if len(files) > MOST_FILES:
        raise _garbled(f"{len(files)} files, {MOST_FILES} are the most")
    return tuple(_file(each) for each in files)


def _file(each: Any) -> HookFile:
    match each:
        case {"path": str(path), "executable": bool(executable), "data": str(data)}:
            if len(each) == 3:
                try:
                    return HookFile(path, base64.b64decode(data, validate=True), executable)
                except (binascii.Error, ValueError):
                    raise _garbled(f"the data of {path[:80]!r} is not base64") from None
    raise _garbled("each file has a path, executable (true or false), and data in base64")


def _garbled(message: str) -> ConfigError:
    return ConfigError([Mistake("files", None, None, message)])


def _of_all(files: Sequence[HookFile]) -> list[Mistake]:
    mistakes = []
    if len(files) > MOST_FILES:
        mistakes.append(_mistake("files", f"{len(files)} of them, {MOST_FILES} are the most"))
    size = sum(len(each.data) for each in files)
    if size > MOST_BYTES:
        mistakes.append(_mistake("files", f"{size} bytes together, {MOST_BYTES} are the most"))
    if not any(each.path in HOOKS for each in files):
        mistakes.append(
            _mistake(
                "files",
                "none of them is named like a hook of git",
                f"those that run on a push: {', '.join(RUN)}",
            )
        )
    return mistakes


def _of_paths(files: Sequence[HookFile]) -> list[Mistake]:
    mistakes: list[Mistake] = []
    paths = {each.path for each in files}
    if len(paths) != len(files):
        mistakes.append(_mistake("files", "two of them have the same path"))
    for path in sorted(paths):
        wrong = _wrong_with(path, paths)
        if wrong is not None:
            mistakes.append(_mistake(_shown(path), wrong))
    return mistakes[:_SHOWN]


def _wrong_with(path: str, paths: set[str]) -> str | None:
    segments = path.split("/")
    if not path or len(path) > LONGEST_PATH:
        return f"a path has 1 to {LONGEST_PATH} characters"
    if len(segments) > DEEPEST:
        return f"lies {len(segments)} folders deep, {DEEPEST} are the most"
    for segment in segments:
        if segment in ("", ".", "..", ".git"):
            return f"{segment!r} may not be in a path"
        if _SEGMENT.fullmatch(segment) is None or segment != segment.strip():
            return "names are letters, digits, dots, dashes, underscores, @, + and spaces inside"
    over = next(
        (p for p in ("/".join(segments[:n]) for n in range(1, len(segments))) if p in paths), None
    )
    return f"{over} is a file" if over is not None else None


def _of_hooks(files: Sequence[HookFile]) -> list[Mistake]:
    mistakes = []
    for each in files:
        if each.path in HOOKS:
            wrong = _wrong_with_hook(each)
            if wrong is not None:
                mistakes.append(wrong)
        elif "/" not in each.path:
            near = difflib.get_close_matches(each.path.partition(".")[0], HOOKS, n=1, cutoff=0.85)
            if near:
                mistakes.append(
                    _mistake(
                        _shown(each.path),
                        "is no hook of git",
                        f"is {near[0]} meant? What hooks need beside them goes into a folder",
                    )
                )
    return mistakes[:_SHOWN]


def _wrong_with_hook(each: HookFile) -> Mistake | None:
    if not each.data.strip():
        return _mistake(each.path, "is empty")
    first = each.data.partition(b"\n")[0]
    if first.startswith(b"#!") and first.endswith(b"\r"):
        return _mistake(
            each.path,
            "its lines end as on Windows, so that no interpreter is found",
            "convert them: `sed -i 's/\\r$//' FILE`",
        )
    if not each.executable and not first.startswith(b"#!"):
        return _mistake(
            each.path,
            "is neither executable nor does it begin with #!",
            "make its first line #!/bin/sh, or `chmod +x` it",
        )
    return None


def _mistake(where: str, message: str, hint: str | None = None) -> Mistake:
    return Mistake(where, None, None, message, hint)


def _shown(path: str) -> str:
    """A path that may hold anything, for a terminal."""
    cut = path if len(path) <= LONGEST_PATH else path[:LONGEST_PATH] + "…"
    return cut if cut.isprintable() and cut else repr(cut)
