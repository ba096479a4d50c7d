"""Every check a line, with what was seen and what to do below those that did not pass."""

from __future__ import annotations

from typing import Any

from toolkit.spec.doctor import Check, DoctorReport
from toolkit.views.text import hung, seconds, told


def lines(report: DoctorReport) -> list[str]:
    """Where, each check, the sum."""
    place = report.address.removeprefix("http://") or "nowhere yet"
    result = [f"{report.environment} · {place} · namespace {report.namespace}"]
    heads = hung([[check.word, check.name, check.summary] for check in report.checks])
    for check, head in zip(report.checks, heads, strict=True):
        result += head
        result += _below(check)
    word = "failed" if report.by_word["failed"] else "passed"
    if word == "passed" and report.by_word["could not tell"]:
        word = "unknown"
    result += told(word, f"{report.sentence}, in {seconds(report.seconds)}")
    return result


def _below(check: Check) -> list[str]:
    said = [("seen", text) for text in check.evidence]
    said += [("note", text) for text in check.notes]
    if check.advice:
        said.append(("advice", check.advice))
    return [line for word, text in said for line in told(word, text, indent=2)]


def document(report: DoctorReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.doctor/1",
        "code": int(report.code),
        "sentence": report.sentence,
        "environment": report.environment,
        "address": report.address,
        "consul_address": report.consul_address,
        "namespace": report.namespace,
        "checks": [
            {
                "name": check.name,
                "word": check.word,
                "summary": check.summary,
                "evidence": list(check.evidence),
                "notes": list(check.notes),
                "advice": check.advice,
            }
            for check in report.checks
        ],
        "rights": [
            {"command": right.command, "may": right.may, "lacks": list(right.lacks)}
            for right in report.rights
        ],
        "seconds": report.seconds,
    }
