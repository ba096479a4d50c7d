"""A cluster that was taken down: what went, what is left of it and why, what was kept."""

from __future__ import annotations

from typing import Any

from toolkit.spec.cluster_down import ClusterDownReport, Remains
from toolkit.views.text import seconds, staged


def lines(report: ClusterDownReport) -> list[str]:
    """What is left or was kept, then the end in one sentence; what went was said as it went."""
    result = []
    for each in report.left:
        result += staged("left", f"{each.kind} {each.name}{f': {each.why}' if each.why else ''}")
        if each.advice:
            result += staged("", each.advice)
    for each in report.kept:
        result += staged("kept", f"{each.kind} {each.name}")
    if report.key_ends:
        result += staged("key", f"AWS deletes the key of its secrets on {report.key_ends}")
    took = "" if report.seconds is None else f", in {seconds(report.seconds)}"
    result += staged(report.word, report.sentence + took)
    if report.next:
        result += staged("next", "\n".join(report.next))
    return result


def document(report: ClusterDownReport) -> dict[str, Any]:
    """The report for programs."""
    return {
        "schema": "toolkit.cluster-down/1",
        "cluster": report.cluster,
        "region": report.region,
        "account": report.account,
        "word": report.word,
        "code": int(report.code),
        "sentence": report.sentence,
        "done": [{"part": each.part, "text": each.text} for each in report.done],
        "left": [_remains(each) for each in report.left],
        "kept": [_remains(each) for each in report.kept],
        "key_ends": report.key_ends or None,
        "seconds": report.seconds,
        "next": list(report.next),
    }


def _remains(each: Remains) -> dict[str, Any]:
    return {
        "kind": each.kind,
        "name": each.name,
        "why": each.why or None,
        "advice": each.advice or None,
    }
