"""A turn of the reconciler: what changes or changed, what is kept from it, what is leaving."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from toolkit.spec.dns_reports import DnsHeld, DnsLeaving, DnsStep, DnsTurnReport
from toolkit.views.text import counted, seconds, staged


def lines(report: DnsTurnReport) -> list[str]:
    """A line for each change and each name that is kept or leaving, and the end in a sentence."""
    result = []
    for step in report.steps:
        result += staged("failed" if step.result == "failed" else step.action, _change(step))
        result += staged("", "; ".join(filter(None, (step.owner, step.why, step.detail))))
    for held in report.held:
        result += staged("refused" if held.refused else "kept", _held(held))
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
            {**asdict(step), "before": list(step.before), "after": list(step.after)}
            for step in report.steps
        ],
        "held": [asdict(held) for held in report.held],
        "leaving": [
            {**asdict(leaving), "types": list(leaving.types)} for leaving in report.leaving
        ],
        "unchanged": report.unchanged,
        "jobs": report.jobs,
        "seconds": report.seconds,
    }


def _change(step: DnsStep) -> str:
    before, after = (", ".join(values) or "nothing" for values in (step.before, step.after))
    return f"{step.name} {step.type} ({step.zone}): {before} → {after}"


def _held(held: DnsHeld) -> str:
    what = " ".join(filter(None, (held.name, held.type)))
    return f"{what} of {held.owner}: {held.detail}"


def _leaving(leaving: DnsLeaving) -> str:
    left = leaving.seconds
    when = "never: it does not delete" if left is None else f"in {seconds(left)}"
    what = f"{leaving.name} {', '.join(leaving.types)} ({leaving.zone})"
    return f"{what} of {leaving.owner}: {leaving.why}; it goes {when}"


def _sentence(report: DnsTurnReport) -> str:
    steps = counted(len(report.steps), "change")
    rest = f"{counted(report.unchanged, 'record')} as the jobs ask"
    if not report.steps:
        return f"nothing to do, {rest}"
    if report.failed:
        return f"{report.failed} of {steps} failed, {rest}"
    return f"{steps}{' done' if report.action == 'sync' else ''}, {rest}"
