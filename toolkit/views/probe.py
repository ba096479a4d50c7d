"""What a probe saw while a release rolled."""

from __future__ import annotations

from typing import Any

from toolkit.spec.probe import ProbeFailure, ProbeReport, ProbeSecond, ProbeSettings
from toolkit.views.cause import labelled


def lines(report: ProbeReport) -> list[str]:
    """The block below the verdict: the figures, which release answered when, what was not asked."""
    found = labelled("probe", f"{report.count} · {_figures(report)}")
    if mixed := _mixed(report):
        found += labelled("", mixed)
    for note in report.notes:
        found += labelled("", note)
    return found


def _figures(report: ProbeReport) -> str:
    parts = [f"longest gap {_seconds(report.longest_gap)}"]
    if report.latency is not None:
        percentile = report.settings.budget.percentile
        parts.append(f"{percentile:g}% within {_seconds(report.latency)}")
    return " · ".join(parts)


def _mixed(report: ProbeReport) -> str:
    """When the releases answered, counted from the first request."""
    parts = []
    if report.first_new is not None:
        parts.append(f"new release from {report.first_new - report.began:.1f} s on")
    if report.last_old is not None:
        parts.append(f"old one until {report.last_old - report.began:.1f} s")
    if report.mixed is not None:
        parts.append(f"both for {_seconds(report.mixed)}")
    return ", ".join(parts)


def _seconds(value: float) -> str:
    return f"{value:.2g} s" if value >= 1 else f"{value * 1000:.0f} ms"


def document(report: ProbeReport) -> dict[str, Any]:
    """The probe for programs."""
    return {
        "settings": _settings(report.settings),
        "address": report.address,
        "host": report.host,
        "began": report.began,
        "ended": report.ended,
        "requests": report.requests,
        "failed": report.failed,
        "longest_gap": report.longest_gap,
        "latency": report.latency,
        "first_new": report.first_new,
        "last_old": report.last_old,
        "last_new": report.last_new,
        "mixed": report.mixed,
        "over": report.over,
        "seconds": [_second(second) for second in report.seconds],
        "failures": [_failure(failure) for failure in report.failures],
        "notes": list(report.notes),
    }


def _settings(settings: ProbeSettings) -> dict[str, Any]:
    budget = settings.budget
    return {
        "rate": settings.rate,
        "paths": list(settings.paths),
        "methods": list(settings.methods),
        "expect": list(settings.expect),
        "timeout": settings.timeout,
        "settle": settings.settle,
        "most_requests": settings.most_requests,
        "budget": {
            "failed": budget.failed,
            "gap": budget.gap,
            "latency": budget.latency,
            "percentile": budget.percentile,
        },
    }


def _second(second: ProbeSecond) -> dict[str, Any]:
    return {
        "at": second.at,
        "release": second.release,
        "requests": second.requests,
        "failed": second.failed,
        "slowest": second.slowest,
        "mean": second.mean,
    }


def _failure(failure: ProbeFailure) -> dict[str, Any]:
    return {
        "at": failure.at,
        "method": failure.method,
        "path": failure.path,
        "what": failure.what,
        "release": failure.release,
    }
