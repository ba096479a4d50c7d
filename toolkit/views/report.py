"""A rollout's page, in a few lines and for programs."""

from __future__ import annotations

from typing import Any

from toolkit.spec.kept import KeptReport, KeptReports, PageReport
from toolkit.views.text import staged, table, told
from toolkit.views.when import stamp

HEAD = ["report", "job", "release", "verdict", "environment"]


def lines(page: PageReport) -> list[str]:
    """What it is of, what is missing, and where it was written."""
    report = page.report
    made = f"kept {stamp(page.at)}" if page.source == "kept" else f"Nomad, {stamp(page.at)}"
    result = [
        *told("report", f"{page.id} · {made}" if page.id else f"{page.job} · {made}"),
        *told(str(report["verdict"]), str(report["sentence"])),
    ]
    for note in page.notes:
        result += told("note", note)
    if page.file:
        result += staged("opened" if page.opened else "written", page.file)
    return result


def document(page: PageReport) -> dict[str, Any]:
    """The same data as the page, for programs."""
    return {
        "schema": "toolkit.report/1",
        "source": page.source,
        "id": page.id,
        "at": page.at,
        "file": page.file,
        "notes": list(page.notes),
        "changes": [
            {"path": line.path, "kind": line.kind, "old": line.old, "new": line.new}
            for line in page.changes
        ],
        "report": dict(page.report),
    }


def list_lines(found: KeptReports) -> list[str]:
    """A row a report, newest first."""
    result = table([HEAD, *(_row(each) for each in found.reports)])
    if not found.reports:
        result = [f"no report is kept in {found.folder}" if found.folder else "no report is kept"]
    for note in found.notes:
        result += told("note", note)
    return result


def _row(row: KeptReport) -> list[str]:
    return [row.id, row.job, row.release or "-", row.verdict, row.environment]


def list_document(found: KeptReports) -> dict[str, Any]:
    """The list for programs."""
    return {
        "schema": "toolkit.reports/1",
        "folder": found.folder,
        "reports": [
            {
                "id": row.id,
                "at": row.at,
                "job": row.job,
                "environment": row.environment,
                "namespace": row.namespace,
                "verdict": row.verdict,
                "sentence": row.sentence,
                "release": row.release,
                "version": row.version,
            }
            for row in found.reports
        ],
        "notes": list(found.notes),
    }
