"""A cluster file that was written: what is known in it, and what is still to be said."""

from __future__ import annotations

from typing import Any

from toolkit.spec.cluster_reports import ClusterInitReport
from toolkit.views.text import staged


def lines(report: ClusterInitReport) -> list[str]:
    """The file, its zones, what it lacks, what to type next."""
    zones = ", ".join(report.zones)
    if report.zones_remark:
        zones += f"\nthe usual ones of a region, for {report.zones_remark}; plan asks AWS for them"
    result = [*staged("written", report.path), *staged("zones", zones)]
    if report.missing:
        said = "\n".join(report.missing)
        result += staged("missing", f"{said}\nbecause {report.missing_remark}")
    return [*result, *staged("next", "\n".join(report.next))]


def document(report: ClusterInitReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.cluster-init/1",
        "name": report.name,
        "path": report.path,
        "region": report.region,
        "zones": list(report.zones),
        "zones_remark": report.zones_remark or None,
        "missing": list(report.missing),
        "missing_remark": report.missing_remark or None,
        "next": list(report.next),
    }
