"""A project that was written, and what to type next."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import InitReport
from toolkit.views.text import counted, staged


def lines(report: InitReport) -> list[str]:
    """The files, then the commands."""
    result = staged("written", f"{counted(len(report.files), 'file')} in {report.folder}")
    for path in report.files:
        result += staged("", path)
    return [*result, *staged("next", "\n".join(report.next))]


def document(report: InitReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.init/1",
        "folder": report.folder,
        "files": list(report.files),
        "next": list(report.next),
    }
