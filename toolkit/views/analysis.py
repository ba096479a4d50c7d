"""Canaries compared with stable instances: what was asked, counted and found."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from toolkit.spec.analysis import (
    AnalysedStep,
    AnalysisReport,
    EdgeComparison,
    SideCount,
)
from toolkit.views.cause import labelled


def lines(report: AnalysisReport) -> list[str]:
    """The block below the verdict: each step in a line, and what has to be known beside it."""
    found: list[str] = []
    for number, step in enumerate(report.steps, start=1):
        where = f"step {number} · " if len(report.steps) > 1 else ""
        said = f"{where}{step.word} · {_sides(report, step)}"
        found += labelled("canary" if number == 1 else "", said)
        for note in (*step.notes, *_edge(step.edge)):
            found += labelled("", note)
    return found


def _sides(report: AnalysisReport, step: AnalysedStep) -> str:
    percentile = f"p{report.settings.percentile:g}"
    return (
        f"{_side('canary', step.canary, percentile)} · {_side('stable', step.stable, percentile)}"
        f" · {step.ended - step.began:.0f} s"
    )


def _side(name: str, count: SideCount, percentile: str) -> str:
    latency = "-" if count.latency is None else f"{count.latency * 1000:.3g} ms"
    return f"{name} {count.failed}/{count.requests} failed, {percentile} {latency}"


def _edge(edge: EdgeComparison) -> list[str]:
    if edge.unseen:
        return [f"judged without Traefik's own counts: {edge.unseen}"]
    if edge.before is None or edge.since is None:
        return []
    return [
        f"Traefik counted {edge.since.failed} of {edge.since.requests} requests failed, "
        f"{edge.before.failed} of {edge.before.requests} before the canaries took part"
        f"{', since it started' if edge.whole else ''}"
    ]


def document(report: AnalysisReport) -> dict[str, Any]:
    """The analysis for programs."""
    settings = asdict(report.settings)
    return {
        "word": report.word,
        "settings": {**settings, "paths": list(report.settings.paths)},
        "steps": [_step(step) for step in report.steps],
    }


def _step(step: AnalysedStep) -> dict[str, Any]:
    return {
        "canaries": step.canaries,
        "word": step.word,
        "reason": step.reason,
        "began": step.began,
        "ended": step.ended,
        "canary": asdict(step.canary),
        "stable": asdict(step.stable),
        "edge": asdict(step.edge),
        "looks": step.looks,
        "seconds": [asdict(second) for second in step.seconds],
        "failures": [asdict(failure) for failure in step.failures],
        "notes": list(step.notes),
    }
