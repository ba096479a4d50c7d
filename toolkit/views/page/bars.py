"""The instances of a rollout as bars over time, in SVG that keeps its text's size; pure.

Times are percentages of the width and heights are pixels, so that the same drawing serves a phone
and a wall; nothing in it needs a script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from toolkit.views.page.axis import Axis
from toolkit.views.page.markup import Markup, el, inner, percent
from toolkit.views.page.words import MARKS, ROLES, counted, moment, short

DENSE = 24
"""With more instances a bar has no line of text of its own; the table has it all."""
_NAMED = 0.16
"""Share of the width from which a phase is named inside its bar."""
_LINES = {"submitted", "healthy", "promoted", "failed", "revert", "verdict"}
_RAILS = (("Consul", "passing"), ("Traefik", "up"))
_ROW = 15
"""Pixels of a line of text."""

Json = Mapping[str, Any]


def drawing(timeline: Json, axis: Axis) -> Markup:
    """All of it, with a title and a description for those who do not see it."""
    bars: Sequence[Json] = timeline["bars"]
    marks: Sequence[Json] = timeline["marks"]
    seen = float(timeline["ended"])
    labels, top = _labels([m for m in marks if m["kind"] in _LINES], axis)
    failures: dict[str, list[Json]] = {}
    for mark in marks:
        if mark["kind"] == "failure":
            failures.setdefault(str(mark.get("allocation")), []).append(mark)
    rows, bottom = _rows(bars, axis, failures, top, seen)
    return el(
        "svg",
        el("title", "The instances over the time of the rollout", id="bars-title"),
        el("desc", _described(bars), id="bars-desc"),
        axis.drawn(top - 4, bottom),
        _over(marks, axis, top - 4, bottom),
        rows,
        labels,
        class_="chart bars",
        role="img",
        aria_labelledby="bars-title bars-desc",
        width="100%",
        height=bottom + 22,
    )


def _described(bars: Sequence[Json]) -> str:
    counts: dict[str, int] = {}
    for bar in bars:
        counts[ROLES[bar["role"]]] = counts.get(ROLES[bar["role"]], 0) + 1
    said = ", ".join(counted(number, f"{role} instance") for role, number in counts.items())
    return f"{said or 'no instances'}; the table below says the same in numbers"


def _labels(marks: Sequence[Json], axis: Axis) -> tuple[Markup, float]:
    """The names of the vertical lines, each on the first row where it has room."""
    rows: list[list[tuple[float, float]]] = []
    parts = []
    for mark in sorted(marks, key=lambda each: float(each["at"])):
        x = axis.at(float(mark["at"]))
        word = mark["text"] if mark["kind"] == "verdict" else mark["kind"]
        text = f"{MARKS[mark['kind']]} {word} {moment(float(mark['at']) - axis.zero)}"
        # A phone shows about 52 letters side by side.
        wide = len(text) / 50
        left = x if x < 0.5 else x - wide
        row = 0
        while row < len(rows) and any(left < r and left + wide > at for at, r in rows[row]):
            row += 1
        if row == len(rows):
            rows.append([])
        rows[row].append((left, left + wide))
        parts.append(
            el(
                "text",
                text,
                el("title", str(mark["text"])),
                class_=f"mark {mark['kind']}",
                x=percent(x),
                y=12 + row * _ROW,
                text_anchor="start" if x < 0.5 else "end",
            )
        )
    return inner(parts), len(rows) * _ROW + 8


def _over(marks: Sequence[Json], axis: Axis, top: float, bottom: float) -> Markup:
    """The vertical lines through all bars."""
    return inner(
        el(
            "line",
            class_=f"over {mark['kind']}",
            x1=percent(axis.at(float(mark["at"]))),
            x2=percent(axis.at(float(mark["at"]))),
            y1=top,
            y2=bottom,
        )
        for mark in marks
        if mark["kind"] in _LINES
    )


def _rows(
    bars: Sequence[Json],
    axis: Axis,
    failures: Mapping[str, Sequence[Json]],
    top: float,
    seen: float,
) -> tuple[Markup, float]:
    """Every bar below the one before, under the name of what they have in common."""
    dense = len(bars) > DENSE
    heads = Counter((b["role"], b["release"], b["version"], b["group"]) for b in bars)
    parts: list[Markup] = []
    y, before = top, None
    for bar in bars:
        head = (bar["role"], bar["release"], bar["version"], bar["group"])
        if head != before:
            alike = heads[head]
            y += 4 if before is None else 14
            parts.append(_head(bar, alike, y + 12))
            y, before = y + (19 if dense else 22), head
        lost = failures.get(bar["allocation"], ())
        parts.append(_bar(_Drawn(bar, axis, seen, dense), lost, y))
        y += 11 if dense else 38
    return inner(parts), y + 4


def _head(bar: Json, alike: int, y: float) -> Markup:
    """`canary · 1.1.0 · 2 instances`, and the group where there is room."""
    release = short(bar["release"] or f"version {bar['version']}", 16)
    return el(
        "text",
        f"{ROLES[bar['role']]} · {release} · {counted(alike, 'instance')}",
        el("tspan", f" · {short(bar['group'], 24)}", class_="wide"),
        class_="head",
        x=0,
        y=y,
    )


class _Drawn(NamedTuple):
    """One bar and how it is drawn."""

    bar: Json
    axis: Axis
    seen: float
    """When it was last looked at: what still lasted then ends there."""
    dense: bool


def _bar(drawn: _Drawn, failures: Sequence[Json], y: float) -> Markup:
    bar, axis, _, dense = drawn
    high = 8 if dense else 14
    inside = y if dense else y + 14
    name = f"{bar['allocation'][:8]}"
    parts: list[Markup | None] = [
        el("title", f"{name} on {bar['node']}: {story(bar, axis)}"),
        None if dense else _caption(bar, name, y + 10),
        inner(_spans(drawn, inside, high)),
        None if dense else _rails(drawn, inside + high + 2),
        inner(_failure(mark, axis, inside + high / 2) for mark in failures),
    ]
    return el("g", *parts, class_=f"bar {bar['role']}")


def _caption(bar: Json, name: str, y: float) -> Markup:
    return inner(
        el(
            "text",
            el("tspan", name, class_="code"),
            el("tspan", "  " + short(bar["node"], 40), class_="wide"),
            class_="caption",
            x=0,
            y=y,
        ),
        el("text", _now(bar), class_="caption", x="100%", y=y, text_anchor="end"),
    )


def _now(bar: Json) -> str:
    """What it is at the end: `promoted · Consul passing · Traefik up`."""
    if bar["end"]:
        return str(bar["end"])
    last = {seen["system"]: seen["word"] for seen in bar["sightings"]}
    phase = bar["spans"][-1]["phase"]
    if phase == "draining":
        return "still draining at the end"
    words = [phase]
    words += [f"{system} {last[system]}" for system, _ in _RAILS if system in last]
    return " · ".join(words)


def _spans(drawn: _Drawn, y: float, high: float) -> Iterator[Markup]:
    bar, axis, seen, dense = drawn
    for span in bar["spans"]:
        left = axis.at(float(span["began"]))
        until = seen if span["ended"] is None else float(span["ended"])
        wide = max(axis.at(until) - left, 0.001)
        named = wide >= _NAMED and not dense
        shape = el("rect", class_=span["phase"], width="100%", height=high, rx=2)
        # An inner drawing cuts off what does not fit.
        yield el(
            "svg",
            shape,
            el("text", span["phase"], class_="phase", x=4, y=high - 3.5) if named else None,
            x=percent(left),
            y=y,
            width=percent(wide),
            height=high,
        )
    if bar["end"]:
        # The end itself, for those to whom a bar that stops looks like one that is cut off.
        x = percent(axis.at(float(bar["spans"][-1]["ended"])))
        yield el("line", class_="end", x1=x, x2=x, y1=y - 1, y2=y + high + 1)
    elif not dense:
        # And one that goes on has a point.
        tip = el("path", d=f"M0 0L5 {high / 2}L0 {high}", class_="on")
        yield el("svg", tip, x=percent(axis.at(seen)), y=y, width=7, height=high, class_="tip")


def _rails(drawn: _Drawn, y: float) -> Markup:
    """Two thin lines below a bar: what Consul and Traefik said of it, from when on."""
    bar, axis, last, _ = drawn
    parts = []
    for row, (system, good) in enumerate(_RAILS):
        seen = [each for each in bar["sightings"] if each["system"] == system]
        for place, each in enumerate(seen):
            if each["word"] in {"gone", "missing"}:
                continue
            until = seen[place + 1]["at"] if place + 1 < len(seen) else _left(bar, last)
            left = axis.at(float(each["at"]))
            state = "well" if each["word"] == good else "ill"
            parts.append(
                el(
                    "line",
                    el("title", f"{system} {each['word']}"),
                    class_=f"rail {system.lower()} {state}",
                    x1=percent(left),
                    x2=percent(max(axis.at(float(until)), left)),
                    y1=y + 1 + row * 3.5,
                    y2=y + 1 + row * 3.5,
                )
            )
    return inner(parts)


def _left(bar: Json, seen: float) -> float:
    """Until when it was in Consul and Traefik: to go begins with leaving them."""
    last = bar["spans"][-1]
    if last["phase"] == "draining":
        return float(last["began"])
    return float(last["ended"] or seen)


def _failure(mark: Json, axis: Axis, y: float) -> Markup:
    return el(
        "svg",
        el("title", f"{mark['text']} {moment(float(mark['at']) - axis.zero)}"),
        el("path", d="M-4-4L4 4M-4 4L4-4", class_="cross halo"),
        el("path", d="M-4-4L4 4M-4 4L4-4", class_="cross"),
        x=percent(axis.at(float(mark["at"]))),
        y=y,
        width=1,
        height=1,
        class_="failure",
    )


def story(bar: Json, axis: Axis) -> str:
    """A bar in words: `placed +0 s, running +0.2 s, gone +7.7 s`."""
    parts = [f"{s['phase']} {moment(float(s['began']) - axis.zero)}" for s in bar["spans"]]
    if bar["end"]:
        parts.append(f"{bar['end']} {moment(float(bar['spans'][-1]['ended']) - axis.zero)}")
    return ", ".join(parts)


def table(timeline: Json, axis: Axis) -> Markup:
    """The same in numbers."""
    columns = [
        phase
        for phase in (
            "placed", "running", "restarting", "healthy", "unhealthy", "promoted", "draining",
        )
        if any(span["phase"] == phase for bar in timeline["bars"] for span in bar["spans"])
    ]  # fmt: skip
    head = ["instance", "role", "release", "group", "node", *columns, "end"]
    return el(
        "table",
        el("caption", "When each instance became what; the first time counts"),
        el("thead", el("tr", [el("th", name, scope="col") for name in head])),
        el("tbody", [_line(bar, columns, axis) for bar in timeline["bars"]]),
    )


def _line(bar: Json, columns: Sequence[str], axis: Axis) -> Markup:
    first: dict[str, str] = {}
    for span in bar["spans"]:
        first.setdefault(span["phase"], moment(float(span["began"]) - axis.zero))
    end = "still there"
    if bar["end"]:
        end = f"{bar['end']} {moment(float(bar['spans'][-1]['ended']) - axis.zero)}"
    cells = [
        ROLES[bar["role"]], bar["release"] or f"version {bar['version']}", bar["group"],
        bar["node"], *(first.get(phase, "–") for phase in columns), end,
    ]  # fmt: skip
    return el(
        "tr",
        el("th", bar["allocation"][:8], scope="row", class_="code"),
        [el("td", cell) for cell in cells],
    )
