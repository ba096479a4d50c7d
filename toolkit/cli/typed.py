"""The next commands that reports and errors name, as they must be typed here.

They name a job by its id, which is enough in its project. Somebody who named it by the path of its
file may have no project, so the path stands where the id stood. Somebody who said on the command
line where to look (`--env`, `--namespace`, `--region`, an address) would look elsewhere without it,
so it is said again.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass, replace
from typing import Any

from toolkit.errors import ToolkitError
from toolkit.views.placed import TARGETED, WHERE, place

__all__ = [
    "SAID",
    "TARGETED",
    "WHERE",
    "names_file",
    "place",
    "retype",
    "retype_error",
    "retype_report",
]

SAID = frozenset({"next", "notes", "advice"})
"""Fields of reports that name commands."""


def names_file(job: object) -> bool:
    """True when a job was named by the path of its file."""
    if not isinstance(job, str):
        return False
    return "/" in job or job in {".", ".."} or job.endswith((".hcl", ".nomad"))


def retype(text: str, job_id: str, path: str) -> str:
    """`text` with the job of each `toolkit COMMAND JOB` in it named by its path."""
    pattern = rf"(\btoolkit(?: [a-z-]+){{1,2}}) {re.escape(job_id)}(?![\w./-])"
    typed = shlex.quote(path)
    return re.sub(pattern, lambda found: f"{found[1]} {typed}", text)


def retype_report(report: Any, path: str | None, flags: Mapping[str, Any]) -> Any:
    """A report with the commands in it retyped; `path` is that of the job file, if it was named."""
    job_id = getattr(getattr(report, "answer", report), "job", None)

    def retyped(text: str) -> str:
        if path is not None and isinstance(job_id, str):
            text = retype(text, job_id, path)
        return place(text, flags)

    return _walk(report, retyped)


def _walk(value: Any, retyped: Callable[[str], str]) -> Any:
    """A report or a part of it, with `retyped` applied to the fields that name commands."""
    if isinstance(value, tuple) and type(value) is tuple:
        parts = tuple(_walk(part, retyped) for part in value)
        same = all(new is old for new, old in zip(parts, value, strict=True))
        return value if same else parts
    if not is_dataclass(value) or isinstance(value, type):
        return value
    changed: dict[str, Any] = {}
    for each in fields(value):
        old = getattr(value, each.name)
        new = _said(old, retyped) if each.name in SAID else _walk(old, retyped)
        if new is not old:
            changed[each.name] = new
    return replace(value, **changed) if changed else value


def _said(value: Any, retyped: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        new = retyped(value)
        return value if new == value else new
    if isinstance(value, tuple) and all(isinstance(part, str) for part in value):
        return tuple(retyped(part) for part in value)
    return _walk(value, retyped)


def retype_error(
    error: ToolkitError, path: str | None, job_id: Callable[[], str], flags: Mapping[str, Any]
) -> None:
    """Retype an error's hint in place; `job_id` reads the job file, which may be the error."""
    if not error.hint or "toolkit " not in error.hint:
        return
    if path is not None:
        with suppress(ToolkitError):
            error.hint = retype(error.hint, job_id(), path)
    error.hint = place(error.hint, flags)
