"""What was asked of the edge while a release rolled: rate and latency by release, in SVG; pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from toolkit.views.page.axis import Axis
from toolkit.views.page.markup import Markup, el, inner, percent
from toolkit.views.page.words import counted, latency, length, moment, share

COLUMNS = 160
"""Drawn at most, however long the probe went on."""
_HIGH = 90
"""Pixels of one chart."""
_ROWS = 60
"""Lines of the table at most."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Bucket:
    """What one release answered in one stretch of time."""

    at: float
    """Its beginning, in seconds since the epoch."""
    release: str | None
    requests: int
    failed: int
    mean: float
    """Seconds."""
    slowest: float


def buckets(probe: Json, columns: int = COLUMNS) -> tuple[list[Bucket], float]:
    """The probe's seconds put together into so many stretches at most, and how long one is."""
    seconds: Sequence[Json] = probe["seconds"]
    if not seconds:
        return [], 1.0
    first = min(int(each["at"]) for each in seconds)
    last = max(int(each["at"]) for each in seconds)
    size = math.ceil((last - first + 1) / columns)
    found: dict[tuple[int, str | None], Bucket] = {}
    for each in seconds:
        at = first + (int(each["at"]) - first) // size * size
        key = (at, each["release"])
        old = found.get(key, Bucket(at, each["release"], 0, 0, 0.0, 0.0))
        requests = old.requests + int(each["requests"])
        total = old.mean * old.requests + float(each["mean"]) * int(each["requests"])
        found[key] = Bucket(
            at,
            each["release"],
            requests,
            old.failed + int(each["failed"]),
            total / requests if requests else 0.0,
            max(old.slowest, float(each["slowest"])),
        )
    return [found[key] for key in sorted(found, key=lambda k: (k[0], k[1] or ""))], float(size)


def tone(release: str | None, old: str | None, new: str | None) -> str:
    """How a release is drawn; of the same release on both sides the new one."""
    if release is None:
        return "nobody"
    return "new" if release == new else "old" if release == old else "other"


def rate_chart(probe: Json, axis: Axis, old: str | None, new: str | None) -> Markup:
    """Requests per second, by release, failures as crosses above."""
    found, size = buckets(probe)
    totals: dict[float, int] = {}
    for each in found:
        totals[each.at] = totals.get(each.at, 0) + each.requests
    most = max(totals.values(), default=0) / size or 1.0
    parts: list[Markup] = []
    heights: dict[float, float] = {}
    for each in sorted(found, key=lambda b: (b.at, tone(b.release, old, new) == "new")):
        high = each.requests / size / most * (_HIGH - 14)
        y = 14 + (_HIGH - 14) - heights.get(each.at, 0.0) - high
        heights[each.at] = heights.get(each.at, 0.0) + high
        said = f"{each.release or 'no release'}: {counted(each.requests, 'request')}"
        parts.append(
            _column(each, axis, size, y, high, f"bar {tone(each.release, old, new)}", said)
        )
    for at in sorted(totals):
        lost = sum(each.failed for each in found if each.at == at)
        if lost:
            parts.append(_cross(axis.at(at + size / 2), 7, f"{lost} failed"))
    top = f"{most:.0f}/s" if most >= 10 else f"{most:.1f}/s"
    return _chart("rate", "Requests per second by release", axis, parts, top)


def latency_chart(
    probe: Json, axis: Axis, old: str | None, new: str | None, *, name: str = "latency"
) -> Markup:
    """From the mean to the slowest answer, by release; the thick end is the mean.

    `name` tells it from other charts of the page.
    """
    found, size = buckets(probe)
    answered = [each for each in found if each.requests > each.failed or each.mean]
    most = max((each.slowest for each in answered), default=0.0) or 0.001
    parts: list[Markup] = []
    together: dict[float, list[Bucket]] = {}
    for each in answered:
        together.setdefault(each.at, []).append(each)
    for each in answered:
        # Releases that answered in the same stretch stand side by side.
        beside = together[each.at]
        place = (beside.index(each), len(beside))
        kind = tone(each.release, old, new)
        slow = 8 + (_HIGH - 8) * (1 - each.slowest / most)
        mean = 8 + (_HIGH - 8) * (1 - each.mean / most)
        said = (
            f"{each.release or 'no release'}: mean {latency(each.mean)}, "
            f"slowest {latency(each.slowest)}"
        )
        parts.append(
            _column(each, axis, size, slow, max(mean - slow, 0.5), f"range {kind}", said, place)
        )
        parts.append(_column(each, axis, size, mean - 2, 3, f"mean {kind}", said, place))
    title = f"Latency of {old or 'old'} and {new or 'new'}, mean to slowest"
    return _chart(name, title, axis, parts, latency(most))


def key(old: str | None, new: str | None, *, nobody: bool = False) -> Markup:
    """Which fill is which release; `nobody`: some answers named none."""
    items = [
        el("li", swatch(f"bar {tone}", 12), f" {release}")
        for release, tone in ((old, "old"), (new, "new"))
        if release and (tone == "new" or release != new)
    ]
    if nobody:
        items.append(el("li", swatch("bar nobody", 12), " no release in the answer"))
    return el("ul", items, class_="legend", aria_label="What the fills mean")


def swatch(kind: str, high: float) -> Markup:
    """A fill, for a legend."""
    shape = el("rect", class_=kind, width=26, height=high, rx=2)
    return el("svg", shape, width=26, height=high, aria_hidden="true")


def _column(
    bucket: Bucket,
    axis: Axis,
    size: float,
    y: float,
    high: float,
    kind: str,
    said: str,
    place: tuple[int, int] = (0, 1),
) -> Markup:
    """`place`: which of how many that share the width."""
    wide = size / place[1]
    began = bucket.at + place[0] * wide
    left, right = axis.at(began), axis.at(began + wide)
    gap = (right - left) * 0.08
    return el(
        "rect",
        el("title", f"{said}, {moment(bucket.at - axis.zero)}"),
        class_=kind,
        x=percent(left + gap),
        width=percent(max(right - left - 2 * gap, 0.0008)),
        y=y,
        height=max(high, 0.5),
    )


def _cross(x: float, y: float, said: str) -> Markup:
    return el(
        "svg",
        el("title", said),
        el("path", d="M-4-4L4 4M-4 4L4-4", class_="cross halo"),
        el("path", d="M-4-4L4 4M-4 4L4-4", class_="cross"),
        x=percent(x),
        y=y,
        width=1,
        height=1,
        class_="failure",
    )


def _chart(name: str, title: str, axis: Axis, parts: Sequence[Markup], top: str) -> Markup:
    return el(
        "svg",
        el("title", title, id=f"{name}-title"),
        axis.drawn(0, _HIGH),
        el("line", class_="base", x1=0, x2="100%", y1=_HIGH, y2=_HIGH),
        inner(parts),
        el("text", top, class_="tick halo", x=2, y=11),
        class_=f"chart {name}",
        role="img",
        aria_labelledby=f"{name}-title",
        width="100%",
        height=_HIGH + 22,
    )


def table(probe: Json, axis: Axis) -> Markup:
    """The charts in numbers."""
    found, size = buckets(probe, _ROWS // 2)
    caption = f"What was answered in each {length(size)}"
    head = ["from", "release", "requests", "failed", "mean", "slowest"]
    return el(
        "table",
        el("caption", caption),
        el(
            "thead",
            el(
                "tr",
                [
                    el("th", name, scope="col", class_="number" if place > 1 else None)
                    for place, name in enumerate(head)
                ],
            ),
        ),
        el(
            "tbody",
            [
                el(
                    "tr",
                    el("th", moment(each.at - axis.zero), scope="row"),
                    el("td", each.release or "none named"),
                    el("td", f"{each.requests:,}", class_="number"),
                    el("td", f"{each.failed:,}", class_="number"),
                    el("td", latency(each.mean), class_="number"),
                    el("td", latency(each.slowest), class_="number"),
                )
                for each in found
            ],
        ),
    )


def figures(probe: Json, axis: Axis) -> list[tuple[str, str]]:
    """What the probe came to, as names and values."""
    requests, failed = int(probe["requests"]), int(probe["failed"])
    found = [
        ("requests", f"{requests:,}"),
        ("failed", f"{failed:,} ({share(failed, requests)})"),
        ("longest time without a good answer", latency(float(probe["longest_gap"]))),
    ]
    if probe.get("latency") is not None:
        percentile = (probe.get("settings") or {}).get("budget", {}).get("percentile")
        name = "latency" if percentile is None else f"latency, {percentile:g} % are faster"
        found.append((name, latency(float(probe["latency"]))))
    first, last = probe.get("first_new"), probe.get("last_old")
    if first is not None:
        found.append(("first answer of the new release", moment(float(first) - axis.zero)))
    if last is not None:
        found.append(("last answer of the old release", moment(float(last) - axis.zero)))
    if probe.get("mixed") is not None:
        found.append(("both releases answered for", length(float(probe["mixed"]))))
    return found


def failures(probe: Json, axis: Axis) -> Markup | None:
    """The first requests that failed."""
    lost: Sequence[Json] = probe.get("failures") or ()
    if not lost:
        return None
    more = int(probe["failed"]) - len(lost)
    head = ["when", "request", "what", "release"]
    return inner(
        el(
            "table",
            el("caption", "Requests that failed" + (f"; {more:,} more" if more > 0 else "")),
            el("thead", el("tr", [el("th", name, scope="col") for name in head])),
            el(
                "tbody",
                [
                    el(
                        "tr",
                        el("th", moment(float(each["at"]) - axis.zero), scope="row"),
                        el("td", f"{each['method']} {each['path']}", class_="code"),
                        el("td", each["what"]),
                        el("td", each.get("release") or "–"),
                    )
                    for each in lost
                ],
            ),
        )
    )
