"""The whole page."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from toolkit.spec.kept import PageReport
from toolkit.views.page import bars, comparison, requests, sections
from toolkit.views.page.axis import Axis, axis_of
from toolkit.views.page.markup import Child, Markup, el, inner, raw
from toolkit.views.page.patterns import patterns
from toolkit.views.page.words import GLYPHS, PHASES, length, share
from toolkit.views.page.work_bars import timeline_of
from toolkit.views.when import stamp

Json = Mapping[str, Any]


def html(page: PageReport) -> str:
    """The page of one rollout, as text of an HTML file."""
    report = page.report
    timeline = report.get("timeline") or timeline_of(report)
    probe = report.get("probe")
    axis = axis_of(timeline, probe)
    style, script = _file("page.css"), _file("page.js")
    parts: list[Child] = [
        _header(page, axis),
        _remarks(page, timeline),
        sections.causes(report),
        _rollout(timeline, probe, axis, report) if axis else None,
        sections.work(report),
        comparison.section_of(report.get("analysis"), axis.zero if axis else None),
        sections.chain(report),
        sections.changes(report, [_change(line) for line in page.changes]),
        sections.origin(report),
        sections.steps(report, axis.zero if axis else None),
    ]
    head = el(
        "head",
        el("meta", charset="utf-8"),
        el("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        el("meta", name="viewport", content="width=device-width, initial-scale=1"),
        el("meta", name="color-scheme", content="light dark"),
        el("meta", name="referrer", content="no-referrer"),
        el("title", f"{_heading(report)}: {report['verdict']}"),
        el("style", raw(style)),
    )
    times = {"zero": axis.zero, "began": axis.began, "ended": axis.ended} if axis else {}
    body = el(
        "body",
        patterns(),
        el("main", parts),
        _footer(page),
        el("script", raw(script)),
        **{f"data-{name}": value for name, value in times.items()},
    )
    return "<!doctype html>\n" + el("html", head, body, lang="en") + "\n"


@cache
def _file(name: str) -> str:
    return (files("toolkit.views.page") / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Nothing from anywhere, and of what is in the file only our own two parts."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _heading(report: Json) -> str:
    new, old = report.get("release"), report.get("previous_release")
    job = str(report.get("child") or report["job"])
    if new and old and new != old:
        return f"{job} {old} → {new}"
    return f"{job} {new or ''}".rstrip()


def _header(page: PageReport, axis: Axis | None) -> Markup:
    report = page.report
    verdict = str(report["verdict"])
    glyph, tone = GLYPHS.get(verdict, ("?", "warn"))
    if page.source == "nomad" and verdict == "unchanged":
        # Nobody changed anything just now: it was looked at.
        verdict = "serves"
    began = axis.zero if axis else page.at
    where = f"{report['environment']} · {report['address']} · namespace {report['namespace']}"
    return el(
        "header",
        el("p", el("span", glyph, aria_hidden="true"), f" {verdict}", class_=f"verdict {tone}"),
        el("h1", _heading(report)),
        el("p", report["sentence"], class_="sentence"),
        el("p", where, " · ", el("time", stamp(began), datetime=_iso(began)), class_="muted"),
        _cards(page),
        el("p", el("span", "next ", class_="label"), el("code", report["next"]))
        if report.get("next")
        else None,
    )


def _iso(at: float) -> str:
    return stamp(at).replace(" ", "T")


def _cards(page: PageReport) -> Markup:
    """The few numbers that people ask for first."""
    report = page.report
    found: list[tuple[str, str]] = []
    verification, timings = report.get("verification"), report.get("timings") or {}
    if timings.get("total") is not None and page.source == "kept":
        found.append(("took", length(float(timings["total"]))))
    if verification:
        found.append(("verified", f"{verification['verified']} of {verification['expected']}"))
    if report.get("exit_code") is not None:
        found.append(("exit code", str(report["exit_code"])))
    if probe := report.get("probe"):
        requests_, failed = int(probe["requests"]), int(probe["failed"])
        found.append(("requests lost", f"{failed:,} of {requests_:,}"))
        found.append(("lost", share(failed, requests_)))
    if report.get("version") is not None:
        found.append(("job version", str(report["version"])))
    if report.get("deployment"):
        found.append(("deployment", str(report["deployment"])[:8]))
    return el(
        "dl",
        [el("div", el("dt", name), el("dd", value)) for name, value in found],
        class_="cards",
    )


def _remarks(page: PageReport, timeline: Json | None) -> Markup | None:
    """What is missing, said before anything is shown."""
    found = [*page.notes, *((timeline or {}).get("notes") or ())]
    found += [str(note) for note in page.report.get("notes") or ()]
    found += [str(note) for note in (page.report.get("probe") or {}).get("notes") or ()]
    if not found:
        return None
    return el("aside", el("ul", [el("li", each) for each in found]), aria_label="Remarks")


def _rollout(timeline: Json | None, probe: Json | None, axis: Axis, report: Json) -> Markup:
    """The charts over one axis, each with its table."""
    old, new = report.get("previous_release"), report.get("release")
    parts: list[Child] = []
    if timeline and timeline["bars"]:
        parts += [
            _legend(timeline),
            el("div", bars.drawing(timeline, axis), class_="plot"),
            sections.folded(
                "The instances as a table",
                _scrolled("The instances in time", bars.table(timeline, axis)),
            ),
        ]
    if probe:
        parts += [
            el("h3", "Requests per second"),
            requests.key(old, new, nobody=any(s["release"] is None for s in probe["seconds"])),
            el("div", requests.rate_chart(probe, axis, old, new), class_="plot"),
            el("h3", "Latency, from the mean (the thick line) to the slowest"),
            el("div", requests.latency_chart(probe, axis, old, new), class_="plot"),
            sections.facts(requests.figures(probe, axis)),
            el("p", "✕ ", probe["over"], class_="bad") if probe.get("over") else None,
            requests.failures(probe, axis),
            sections.folded(
                "The requests as a table",
                _scrolled("The requests in time", requests.table(probe, axis)),
            ),
        ]
    return sections.section("rollout", "The rollout in time", *parts)


def _scrolled(name: str, table: Markup) -> Markup:
    return el("div", table, class_="scroll", tabindex=0, role="region", aria_label=name)


def _legend(timeline: Json) -> Markup:
    """The phases that are drawn, each with its fill and its meaning."""
    there = {span["phase"] for bar in timeline["bars"] for span in bar["spans"]}
    work = any(bar["role"] == "work" for bar in timeline["bars"])
    tone = "new" if any(bar["role"] != "old" for bar in timeline["bars"]) else "old"
    items = [
        el("li", _swatch(f"bar {tone}", phase), f" {phase}: {'a task runs' if work else meaning}")
        for phase, meaning in PHASES.items()
        if phase in there
    ]
    systems = {seen["system"] for bar in timeline["bars"] for seen in bar["sightings"]}
    items += [
        el("li", _rail(system), f" {system} passes it" if system == "Consul" else f" {system} up")
        for system in ("Consul", "Traefik")
        if system in systems
    ]
    if any(mark["kind"] == "failure" for mark in timeline["marks"]):
        items.append(el("li", el("span", "✕", class_="bad"), " a task failed"))
    return el("ul", items, class_="legend", aria_label="What the fills mean")


def _swatch(kind: str, phase: str) -> Markup:
    shape = el("rect", class_=phase, width=26, height=12, rx=2)
    return el("svg", el("g", shape, class_=kind), width=26, height=12, aria_hidden="true")


def _rail(system: str) -> Markup:
    line = el("line", class_=f"rail {system.lower()} well", x1=0, x2=26, y1=6, y2=6)
    return el("svg", line, width=26, height=12, aria_hidden="true")


def _change(line: Any) -> dict[str, str]:
    return {"path": line.path, "kind": line.kind, "old": line.old, "new": line.new}


def _footer(page: PageReport) -> Markup:
    source = (
        f"report {page.id}"
        if page.source == "kept"
        else f"put together from what Nomad knew at {stamp(page.at)}"
    )
    return el("footer", el("p", inner("toolkit report · ", source)))
