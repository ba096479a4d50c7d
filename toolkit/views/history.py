"""The versions of a job that Nomad keeps, newest first."""

from __future__ import annotations

from typing import Any

from toolkit.spec.listing import HistoryReport, VersionRow
from toolkit.views.text import table
from toolkit.views.when import stamp

HEAD = ["version", "release", "submitted", "count", "rollout", "state", "changes"]


def lines(report: HistoryReport) -> list[str]:
    """One row a version."""
    if not report.versions:
        return [f"Nomad keeps no version of {report.job} in namespace {report.namespace}"]
    return table([HEAD, *(_row(row) for row in report.versions)])


def _row(row: VersionRow) -> list[str]:
    marks = (("live", row.live), ("stopped", row.stopped), ("stable", row.stable))
    return [
        str(row.version),
        row.release or "-",
        stamp(row.submitted_at),
        ", ".join(f"{group} {count}" for group, count in sorted(row.counts.items())),
        row.deployment or "-",
        ", ".join([*(word for word, on in marks if on), *row.tags]) or "-",
        row.summary,
    ]


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
            }
            for row in report.versions
        ],
    }
