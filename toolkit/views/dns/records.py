"""Records that the kick server keeps, as a table."""

from __future__ import annotations

from typing import Any

from toolkit.spec.dns_reports import DnsListReport, DnsRecord
from toolkit.views.text import table

HEAD = ["name", "type", "zone", "value", "ttl", "owner", ""]


def lines(report: DnsListReport) -> list[str]:
    """A line for each value, the record's own columns on its first."""
    if not report.records:
        return [f"no records that this token may see, at {report.address}"]
    return table([HEAD, *(row for record in report.records for row in _rows(record))])


def document(report: DnsListReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.dns-list/1",
        "environment": report.environment,
        "address": report.address,
        "records": [described(record) for record in report.records],
    }


def described(record: DnsRecord) -> dict[str, Any]:
    """One record."""
    return {
        "name": record.name,
        "type": record.type,
        "zone": record.zone,
        "values": list(record.values),
        "ttl": record.ttl,
        "alias": record.alias,
        "owner": record.owner,
        "state": record.state,
    }


def content(record: DnsRecord | None) -> str:
    """What a record says, on one line: `203.0.113.7, 203.0.113.8 (60 s)`."""
    if record is None:
        return "nothing"
    said = f"alias {record.alias}" if record.alias is not None else ", ".join(record.values)
    return said if record.ttl is None else f"{said} ({record.ttl} s)"


def _rows(record: DnsRecord) -> list[list[str]]:
    values = [f"alias {record.alias}"] if record.alias is not None else list(record.values)
    ttl = "-" if record.ttl is None else str(record.ttl)
    pending = "pending" if record.state == "PENDING" else ""
    first, *rest = values or [""]
    return [
        [record.name, record.type, record.zone, first, ttl, record.owner, pending],
        *(["", "", "", value, "", "", ""] for value in rest),
    ]
