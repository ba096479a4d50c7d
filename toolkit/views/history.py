"""The versions of a job that Nomad keeps, newest first."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import HistoryReport, VersionRow
from toolkit.views import provenance as origin
from toolkit.views.text import SCREEN, folded, hung, told
from toolkit.views.when import minute

HEAD = ["", "version", "release", "submitted", "commit", "state"]
INDENT = 11
"""Where what more there is to say of a version begins."""
DIGEST = 12
"""Characters of a digest that people compare."""


def lines(report: HistoryReport) -> list[str]:
    """A row a version, and below it what changed with it, and by whom."""
    if not report.versions:
        return [f"Nomad keeps no version of {report.job} in namespace {report.namespace}"]
    head, *rows = hung([HEAD, *(_row(row) for row in report.versions)])
    result = list(head)
    for row, version in zip(rows, report.versions, strict=True):
        result += row
        result += [" " * INDENT + line for line in folded(_more(version), SCREEN - INDENT)]
    for note in report.notes:
        result += told("note", note)
    return result


def _row(row: VersionRow) -> list[str]:
    said = (
        origin.verdict(row.provenance),
        "last verified" if row.last_verified else "",
        "stopped" if row.stopped else "",
        "stable" if row.stable and row.provenance is None else "",
    )
    return [
        "*" if row.live else "",
        str(row.version),
        row.release or "-",
        minute(row.submitted_at),
        origin.commit(row.provenance),
        ", ".join(word for word in said if word) or "-",
    ]


def _more(row: VersionRow) -> str:
    """What does not fit beside it."""
    found = row.provenance
    counts = ", ".join(f"{group} {count}" for group, count in sorted(row.counts.items()))
    own = {found.tag} if found else set()
    said = (
        f"by {found.actor}" if found and found.actor else "",
        row.summary,
        f"count {counts}" if counts else "",
        f"rollout {row.deployment}" if row.deployment else "",
        f"digest {found.digest[:DIGEST]}" if found and found.digest else "",
        *(f"tag {tag}" for tag in row.tags if tag not in own),
    )
    return " · ".join(part for part in said if part)


def document(report: HistoryReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.history/1",
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "job": report.job,
        "versions": [
            {
                "version": row.version,
                "release": row.release,
                "submitted_at": row.submitted_at,
                "stable": row.stable,
                "live": row.live,
                "stopped": row.stopped,
                "tags": list(row.tags),
                "deployment": row.deployment,
                "counts": dict(row.counts),
                "summary": row.summary,
                "changes": [
                    {"path": line.path, "kind": line.kind, "old": line.old, "new": line.new}
                    for line in row.changes
                ],
                "provenance": origin.document(row.provenance),
                "last_verified": row.last_verified,
            }
            for row in report.versions
        ],
        "last_verified": origin.last_document(report.last_verified),
        "notes": list(report.notes),
    }
