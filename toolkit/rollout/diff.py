"""Nomad's job diff as flat lines, with secrets redacted; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from toolkit.rollout.read import NANO
from toolkit.rollout.secrets import REDACTED, scrub
from toolkit.spec.plan import DiffLine

_SECRET_KEY = re.compile(
    r"(pass(word|wd|phrase)?|secret|token|api_?key|private_?key|credential|auth)", re.IGNORECASE
)

# What Nomad lists as changed on every registration: of no interest to a reader.
_NOISE = {"JobModifyIndex", "ModifyIndex", "Version", "Stable", "SubmitTime"}

_DURATIONS = {
    "Delay", "HealthyDeadline", "Interval", "KillTimeout", "MaxDelay", "MinHealthyTime",
    "ProgressDeadline", "ShutdownDelay", "Splay", "Stagger", "Timeout",
}  # fmt: skip

_KINDS: dict[str, Literal["Added", "Deleted", "Edited"]] = {
    "Added": "Added",
    "Deleted": "Deleted",
    "Edited": "Edited",
}


def lines(diff: Mapping[str, Any], secrets: Collection[str] = ()) -> tuple[DiffLine, ...]:
    """Changed fields of a plan's `Diff`, `secrets` being values that must not be shown."""
    known = [value for value in secrets if len(value) >= 4]
    found = list(_fields(diff, ""))
    for group in diff.get("TaskGroups") or []:
        if group.get("Type") == "None":
            continue
        path = f"group[{group.get('Name')}]"
        found += _fields(group, path)
        for task in group.get("Tasks") or []:
            if task.get("Type") != "None":
                found += _fields(task, f"{path}.task[{task.get('Name')}]")
    return tuple(_redact(line, known) for line in found)


def _fields(node: Mapping[str, Any], path: str) -> Iterator[DiffLine]:
    for field in node.get("Fields") or []:
        kind = _KINDS.get(field.get("Type") or "")
        name = field.get("Name") or ""
        if kind is None or name in _NOISE:
            continue
        old, new = (_readable(name, field.get(side) or "") for side in ("Old", "New"))
        yield DiffLine(_join(path, name), kind, old, new)
    for child in node.get("Objects") or []:
        if child.get("Type") != "None":
            yield from _fields(child, _join(path, child.get("Name") or ""))


def _readable(name: str, value: str) -> str:
    """Durations, which Nomad's diff has in nanoseconds, as seconds."""
    if name in _DURATIONS and value.isdigit() and int(value) >= 1_000_000:
        return f"{int(value) / NANO:g}s"
    return value


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _redact(line: DiffLine, known: list[str]) -> DiffLine:
    if is_secret_key(line.path.rsplit(".", 1)[-1]):
        return DiffLine(line.path, line.kind, _hide(line.old), _hide(line.new))
    return DiffLine(line.path, line.kind, scrub(line.old, known), scrub(line.new, known))


def _hide(text: str) -> str:
    return REDACTED if text else ""


def is_secret_key(name: str) -> bool:
    """True when a field's name says that its value is a secret."""
    return bool(_SECRET_KEY.search(name))
