"""What the hook server tells of hooks, as values; what is missing in it is empty."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.spec.bundle import IDLE, HookEntry, HookSet, HookVersion


def read_set(raw: Mapping[str, Any]) -> HookSet:
    """The hooks of a repository."""
    return HookSet(
        repo=_text(raw, "repo"),
        current=_text(raw, "current"),
        off=frozenset(_texts(raw, "off")),
        versions=tuple(read_version(each) for each in _dicts(raw, "versions")),
    )


def read_version(raw: Mapping[str, Any]) -> HookVersion:
    """One version."""
    return HookVersion(
        digest=_text(raw, "digest"),
        at=float(_number(raw, "at")),
        by=_text(raw, "by"),
        hooks=_texts(raw, "hooks"),
        files=int(_number(raw, "files")),
        size=int(_number(raw, "size")),
    )


def read_entries(raw: Mapping[str, Any]) -> tuple[HookEntry, ...]:
    """The files of a version."""
    return tuple(
        HookEntry(
            _text(each, "path"),
            int(_number(each, "size")),
            each.get("executable") is True,
            _text(each, "sha256"),
        )
        for each in _dicts(raw, "entries")
    )


def notes_on(found: HookSet, raw: Mapping[str, Any]) -> tuple[str, ...]:
    """What a person should know of the version that runs."""
    notes = []
    running = found.by_digest.get(found.current)
    idle = [name for name in running.hooks if name in IDLE] if running else []
    if idle:
        verb = "runs" if len(idle) == 1 else "run"
        notes.append(f"{', '.join(idle)}: kept, but never {verb} on a server")
    why = _text(raw, "why_not")
    return (*notes, why) if why else tuple(notes)


def _text(raw: Mapping[str, Any], key: str) -> str:
    value = raw.get(key)
    return value if isinstance(value, str) else ""


def _texts(raw: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = raw.get(key)
    return tuple(str(each) for each in value) if isinstance(value, list) else ()


def _dicts(raw: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = raw.get(key)
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _number(raw: Mapping[str, Any], key: str) -> float:
    value = raw.get(key)
    return value if isinstance(value, int | float) else 0
