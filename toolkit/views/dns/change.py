"""One record that was set or deleted: before and after."""

from __future__ import annotations

from typing import Any

from toolkit.spec.dns_reports import DnsChangeReport
from toolkit.views.dns.records import content, described
from toolkit.views.text import staged


def lines(report: DnsChangeReport) -> list[str]:
    """What was there, what is there, and the end in one sentence."""
    result = []
    if report.verdict != "unchanged":
        result += staged("record", f"{content(report.before)} → {content(report.after)}")
    result += staged(report.verdict, report.sentence)
    record = report.after or report.before
    if record is not None and record.owner:
        result += staged("owner", record.owner)
    for note in report.notes:
        result += staged("note", note)
    if report.next is not None:
        result += staged("  next", report.next)
    return result


def document(report: DnsChangeReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.dns-change/1",
        "verdict": report.verdict,
        "code": int(report.code),
        "sentence": report.sentence,
        "environment": report.environment,
        "address": report.address,
        "name": report.name,
        "type": report.type,
        "before": described(report.before) if report.before else None,
        "after": described(report.after) if report.after else None,
        "notes": list(report.notes),
        "next": report.next,
        "seconds": round(report.seconds, 3),
    }
