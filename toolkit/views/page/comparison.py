"""The analysis of canaries beside stable instances, step by step; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from toolkit.views.page import requests
from toolkit.views.page.axis import Axis
from toolkit.views.page.markup import Child, Markup, el, inner
from toolkit.views.page.sections import rows, section
from toolkit.views.page.words import latency, length, moment, share

_TONES = {"passed": ("✓", "good"), "failed": ("✕", "bad")}
_SIDES = ("stable", "canary")
_HEAD = ("side", "instances", "requests", "failed", "share", "latency")

Json = Mapping[str, Any]


def section_of(analysis: Json | None, zero: float | None) -> Markup | None:
    """What was compared, and what was found; times are counted from `zero`."""
    if not analysis:
        return None
    glyph, tone = _TONES.get(str(analysis["word"]), ("?", "warn"))
    steps: Sequence[Json] = analysis["steps"]
    percentile = float(analysis["settings"]["percentile"])
    return section(
        "analysis",
        "Canaries beside stable instances",
        el("p", f"{glyph} {analysis['word']}", class_=tone),
        [
            _step(step, number if len(steps) > 1 else 0, percentile, zero)
            for number, step in enumerate(steps, start=1)
        ],
    )


def _step(step: Json, number: int, percentile: float, zero: float | None) -> Markup:
    began, ended = float(step["began"]), max(float(step["ended"]), float(step["began"]) + 0.5)
    axis = Axis(began, ended, began if zero is None else zero)
    probe = {"seconds": list(_seconds(step["seconds"]))}
    word = f"Step {number}: {step['word']}" if number else str(step["word"])
    parts: list[Child] = [
        el("h3", word) if number else None,
        el("p", step["reason"]) if step["reason"] else None,
        rows(
            f"What each side answered in {length(ended - began)}; latency: {percentile:g} % are "
            "faster",
            _HEAD,
            [_side(name, step[name]) for name in _SIDES],
        ),
    ]
    if probe["seconds"]:
        drawn = requests.latency_chart(probe, axis, "stable", "canary", name=f"step-{number}")
        parts.append(requests.key("stable", "canary"))
        parts.append(el("div", drawn))
    parts += [el("p", note, class_="muted") for note in (*_edge(step["edge"]), *step["notes"])]
    failures: Sequence[Json] = step["failures"]
    if failures:
        lines = [
            (
                moment(float(f["at"]) - axis.zero),
                f["side"],
                f["allocation"][:8],
                f["path"],
                f["what"],
            )
            for f in failures
        ]
        head = ("when", "side", "instance", "path", "what")
        parts.append(rows("Requests to instances that failed", head, lines, (2, 3)))
    return inner(parts)


def _seconds(seconds: Sequence[Json]) -> Iterator[Json]:
    """The two sides' seconds as those of two releases."""
    for each in seconds:
        for side in _SIDES:
            if each[f"{side}_requests"]:
                yield {
                    "at": each["at"],
                    "release": side,
                    "requests": each[f"{side}_requests"],
                    "failed": each[f"{side}_failed"],
                    "mean": each[f"{side}_mean"],
                    "slowest": each[f"{side}_slowest"],
                }


def _side(name: str, side: Json) -> tuple[str, ...]:
    requests_, failed, took = int(side["requests"]), int(side["failed"]), side["latency"]
    return (
        name,
        str(side["instances"]),
        f"{requests_:,}",
        f"{failed:,}",
        share(failed, requests_),
        "–" if took is None else latency(float(took)),
    )


def _edge(edge: Json) -> list[str]:
    """What Traefik counted, where it could be compared."""
    if edge.get("unseen"):
        return [f"judged without Traefik's own counts: {edge['unseen']}"]
    before, since = edge.get("before"), edge.get("since")
    if not before or not since:
        return []
    return [
        f"Traefik counted {since['failed']} of {since['requests']} requests failed since canaries "
        f"took part, {before['failed']} of {before['requests']} before"
    ]
