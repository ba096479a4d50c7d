"""A turn of the reconciler: what changes or changed, what is kept from it, what is leaving."""

from __future__ import annotations

from typing import Any

from toolkit.spec.dns_reports import DnsLeaving, DnsRecord, DnsStep, DnsTurnReport
from toolkit.views.dns.records import content, described
from toolkit.views.text import counted, staged
from toolkit.views.when import stamp


def lines(report: DnsTurnReport) -> list[str]:
    """A line for each change and each name that is kept or leaving, and the end in a sentence."""
    result = []
    for step in report.steps:
        change = f"{content(step.before)} → {content(step.after)}"
        result += staged(_word(step), f"{step.name} {step.type} ({step.zone}): {change}")
        reason = f"{step.owner}: {step.why}" if step.why else step.owner
        result += staged("", reason if step.failed is None else f"{reason}; {step.failed}")
    for kept in report.kept:
        result += staged("refused" if kept.refused else "kept", f"{kept.name}: {kept.message}")
    for leaving in report.leaving:
        result += staged("leaving", _leaving(leaving))
    return result + staged(report.action, _sentence(report))


def document(report: DnsTurnReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.dns-turn/1",
        "action": report.action,
        "code": int(report.code),
        "environment": report.environment,
        "address": report.address,
        "steps": [
            {
                "name": step.name,
                "type": step.type,
                "zone": step.zone,
                "owner": step.owner,
                "before": _maybe(step.before),
                "after": _maybe(step.after),
                "why": step.why,
                "failed": step.failed,
            }
            for step in report.steps
        ],
        "kept": [
            {
                "name": kept.name,
                "owner": kept.owner,
                "reason": kept.reason,
                "message": kept.message,
                "refused": kept.refused,
            }
            for kept in report.kept
        ],
        "leaving": [
            {
                "name": leaving.name,
                "zone": leaving.zone,
                "owner": leaving.owner,
                "why": leaving.why,
                "due": leaving.due,
            }
            for leaving in report.leaving
        ],
        "unchanged": report.unchanged,
    }


def _word(step: DnsStep) -> str:
    if step.failed is not None:
        return "failed"
    if step.after is None:
        return "delete"
    return "create" if step.before is None else "change"


def _leaving(leaving: DnsLeaving) -> str:
    when = "never: it does not delete" if leaving.due is None else f"at {stamp(leaving.due)}"
    return f"{leaving.name} ({leaving.zone}) of {leaving.owner}: {leaving.why}; it goes {when}"


def _sentence(report: DnsTurnReport) -> str:
    steps = counted(len(report.steps), "change")
    rest = f"{counted(report.unchanged, 'record')} as the jobs ask"
    if report.action == "plan":
        return f"{steps}, {rest}" if report.steps else f"nothing to do, {rest}"
    if report.failed:
        return f"{report.failed} of {steps} failed, {rest}"
    return f"{steps} done, {rest}" if report.steps else f"nothing to do, {rest}"


def _maybe(record: DnsRecord | None) -> dict[str, Any] | None:
    return None if record is None else described(record)
