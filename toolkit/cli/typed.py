"""The next commands that reports and errors name, as they must be typed here.

They name a job by its id, which is enough in its project. Somebody who named it by the path of its
file may have no project, so the path stands where the id stood.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from toolkit.errors import ToolkitError


def names_file(job: object) -> bool:
    """True when a job was named by the path of its file."""
    if not isinstance(job, str):
        return False
    return "/" in job or job in {".", ".."} or job.endswith((".hcl", ".nomad"))


def retype(text: str, job_id: str, path: str) -> str:
    """`text` with the job of each `toolkit COMMAND JOB` in it named by its path."""
    pattern = rf"(\btoolkit(?: [a-z]+){{1,2}}) {re.escape(job_id)}(?![\w./-])"
    typed = shlex.quote(path)
    return re.sub(pattern, lambda found: f"{found[1]} {typed}", text)


def retype_report(report: Any, path: str) -> Any:
    """A report of one job with its next command and its notes retyped; others as they are."""
    job_id = getattr(report, "job", None)
    changed: dict[str, Any] = {}
    if isinstance(job_id, str) and isinstance(step := getattr(report, "next", None), str):
        changed["next"] = retype(step, job_id, path)
    if isinstance(job_id, str) and isinstance(notes := getattr(report, "notes", None), tuple):
        changed["notes"] = tuple(retype(note, job_id, path) for note in notes)
    return replace(report, **changed) if changed else report


def retype_error(error: ToolkitError, path: str, job_id: Callable[[], str]) -> None:
    """Retype an error's hint in place; `job_id` reads the job file, which may be the error."""
    if not error.hint or "toolkit " not in error.hint:
        return
    try:
        error.hint = retype(error.hint, job_id(), path)
    except ToolkitError:
        return
