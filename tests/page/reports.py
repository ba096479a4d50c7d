"""Reports as a deploy makes them, of any size and with any text in them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toolkit.spec.cause import Cause
from toolkit.spec.chain import Extra, InstanceChain, Link, Verification
from toolkit.spec.events import Event
from toolkit.spec.kept import PageReport
from toolkit.spec.probe import ProbeFailure, ProbeReport, ProbeSecond, ProbeSettings
from toolkit.spec.report import DeployReport, Timings
from toolkit.spec.timeline import Bar, Mark, Role, Sighting, Span, Timeline
from toolkit.views import deploy
from toolkit.views import probe as probe_view

BEGAN = 1_795_414_800.0
OLD, NEW = "1.0.0", "1.1.0"


def name(number: int) -> str:
    """An allocation's full id."""
    return f"{number:08x}-0000-4000-8000-000000000000"


def bar(number: int, role: Role, *spans: tuple[Any, float, float | None], **more: Any) -> Bar:
    """An instance; times in seconds after the registration."""
    made = tuple(
        Span(phase, BEGAN + began, None if ended is None else BEGAN + ended)
        for phase, began, ended in spans
    )
    release = OLD if role == "old" else NEW
    version = 3 if role == "old" else 4
    return Bar(name(number), "web", "node-1", version, release, role, made, **more)


def timeline(instances: int = 2, slow: float = 1.0) -> Timeline:
    """A bump with canaries: old ones go when the new ones are promoted; `slow` times as slow."""
    found = _timeline(instances)
    if slow == 1.0:
        return found

    def later(at: float) -> float:
        return BEGAN + (at - BEGAN) * slow

    bars = [
        replace(
            each,
            spans=tuple(
                replace(s, began=later(s.began), ended=None if s.ended is None else later(s.ended))
                for s in each.spans
            ),
            sightings=tuple(replace(s, at=later(s.at)) for s in each.sightings),
        )
        for each in found.bars
    ]
    marks = tuple(replace(mark, at=later(mark.at)) for mark in found.marks)
    return replace(found, ended=later(found.ended), bars=tuple(bars), marks=marks)


def _timeline(instances: int) -> Timeline:
    bars = []
    for number in range(instances):
        gone = 6.0 + number * 0.01
        bars.append(bar(number, "old", ("healthy", 0, 3), ("draining", 3, gone), end="gone"))
    for number in range(instances, 2 * instances):
        at = 0.2 + number * 0.002
        seen = (
            Sighting(name(number), "Consul", "critical", BEGAN + at),
            Sighting(name(number), "Consul", "passing", BEGAN + 1.5),
            Sighting(name(number), "Traefik", "up", BEGAN + 2.5),
        )
        spans = (("placed", 0, at), ("running", at, 2), ("healthy", 2, 3), ("promoted", 3, None))
        bars.append(bar(number, "canary", *spans, sightings=seen))
    marks = (
        Mark(BEGAN, "submitted", "version 4 submitted"),
        Mark(BEGAN + 2.9, "healthy", "every new instance is healthy, says Nomad"),
        Mark(BEGAN + 3, "promoted", "canaries promoted"),
        Mark(BEGAN + 3.2, "verdict", "deployed"),
    )
    return Timeline(BEGAN, BEGAN + 8, tuple(bars), marks)


def probe(requests: int = 400, failed: int = 0) -> ProbeReport:
    """Ten requests a second from two seconds before, and which release answered."""
    seconds = []
    for number in range(requests // 10):
        at = int(BEGAN) - 2 + number
        lost = failed if number == 5 else 0
        releases = [OLD] if number < 4 else [OLD, NEW] if number < 6 else [NEW]
        for release in releases:
            share = 10 // len(releases)
            seconds.append(
                ProbeSecond(at, release, share, lost if release == NEW else 0, 0.03, 0.008)
            )
    failures = tuple(
        ProbeFailure(BEGAN + 3.4, "GET", "/", "HTTP 502", None) for _ in range(min(failed, 50))
    )
    return ProbeReport(
        ProbeSettings(), "http://127.0.0.1:8080", "web.localhost", BEGAN - 2,
        BEGAN - 2 + requests / 10, requests, failed, 0.2, 0.03, BEGAN + 2, BEGAN + 4,
        over=f"{failed} of {requests} requests failed, 0 may" if failed else None,
        seconds=tuple(seconds), failures=failures,
    )  # fmt: skip


def verification(instances: int = 2) -> Verification:
    """A chain that holds."""
    links = tuple(
        Link(link, "holds", f"{instances} of {instances}")
        for link in ("nomad", "consul", "traefik", "release", "edge")
    )
    rows = tuple(
        InstanceChain(
            name(number), "node-1", "web", "healthy", "passing", "up", NEW, f"10.0.0.1:{number}"
        )
        for number in range(instances, 2 * instances)
    )
    return Verification(links, rows, (), instances, NEW)


def report(instances: int = 2, **more: Any) -> DeployReport:
    """A deploy that got there."""
    values: dict[str, Any] = {
        "verdict": "deployed",
        "sentence": f"web {NEW}, {instances} of {instances} verified, in 3.2 s",
        "job": "web",
        "environment": "dev",
        "address": "http://127.0.0.1:4646",
        "namespace": "default",
        "release": NEW,
        "previous_release": OLD,
        "serving": NEW,
        "version": 4,
        "deployment": name(9),
        "evaluation": name(8),
        "timings": Timings(3.2, plan=0.1, gate=0.1),
        "verification": verification(instances),
        "events": (Event("submit", "version 4, check index 118", BEGAN),),
        "timeline": timeline(instances),
    }
    return DeployReport(**{**values, **more})


def failed(text: str = "FATAL no database") -> DeployReport:
    """A deploy that was taken back; `text` is in whatever comes from elsewhere."""
    crashed = bar(
        7, "canary", ("placed", 0, 0.5), ("running", 0.5, 0.9), ("restarting", 0.9, 2), end="failed"
    )
    kept = bar(1, "old", ("healthy", 0, None))
    crashed = replace(crashed, node=text, group=text, release=text)
    marks = (
        Mark(BEGAN, "submitted", text),
        Mark(BEGAN + 0.9, "failure", f"task {text} exited 1", name(7)),
        Mark(BEGAN + 2.1, "failed", text),
        Mark(BEGAN + 2.1, "revert", text),
    )
    cause = Cause(
        "crash", f"task exited 1: {text}", text, "app", name(7), text, (f"stderr: {text}",),
        f"mend {text}", BEGAN + 0.9, 2,
    )  # fmt: skip
    chain = Verification(
        (Link("nomad", "holds", text), Link("edge", "broken", text)),
        (InstanceChain(name(1), text, text, text, text, text, text, text),),
        (Extra("consul", "stale", text, text),),
        1,
        OLD,
    )
    return report(
        verdict="reverted",
        sentence=f"web did not take: {text}",
        causes=(cause,),
        next=f"toolkit explain {text}",
        verification=chain,
        timeline=Timeline(BEGAN, BEGAN + 3, (kept, crashed), marks, (text,)),
        events=(Event("fail", text, BEGAN + 2),),
    )


def page(found: DeployReport, seen: ProbeReport | None = None, **more: Any) -> PageReport:
    """As it is kept; `seen` is what a probe saw."""
    document = deploy.document(found)
    if seen is not None:
        document["probe"] = probe_view.document(seen)
    return PageReport("kept", "20261123-061040874-web-68eb", BEGAN + 4, document, **more)
