"""What became of a lock that was to be broken."""

from __future__ import annotations

from typing import Any

from toolkit.spec.lock import UnlockReport
from toolkit.views.lock import holder_document
from toolkit.views.text import staged
from toolkit.views.when import stamp


def lines(report: UnlockReport) -> list[str]:
    """Whose lock it was; what they registered is not touched by it."""
    holder = report.holder
    if holder is None:
        return staged("unchanged", f"{report.job} is not locked")
    whose = f"{holder.who} ({holder.deed}) held it since {stamp(holder.since)}"
    return [
        *staged("unlocked", f"{report.job}: {whose}"),
        *staged("note", "they are told so and register nothing more; a rollout under way goes on"),
    ]


def document(report: UnlockReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.unlock/1",
        "code": int(report.code),
        "action": report.action,
        "job": report.job,
        "environment": report.environment,
        "address": report.address,
        "namespace": report.namespace,
        "path": report.path,
        "reason": report.reason,
        "holder": None if report.holder is None else holder_document(report.holder),
    }
