"""The page of a large rollout: how large its file is, and how soon a browser has drawn it."""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from bench.row import Row
from tests.page import reports
from tests.page.chromium import Chromium, program
from toolkit.views.page import html

INSTANCES, REQUESTS = 100, 10_000
RUNS = 5
DRAWN = """
(() => {
  const [way] = performance.getEntriesByType("navigation");
  const paints = performance.getEntriesByType("paint").map((each) => each.startTime);
  return paints.length ? Math.max(way.loadEventEnd, ...paints) : -1;
})()
"""
"""Milliseconds from the start of navigation until all was there, and the browser had painted."""


def page() -> list[Row]:
    """100 instances and 10,000 requests, five times in an empty browser."""
    # Ten requests a second: the rollout takes as long as its probe.
    found = reports.report(INSTANCES, timeline=reports.timeline(INSTANCES, slow=120.0))
    began = time.perf_counter()
    text = html(reports.page(found, reports.probe(REQUESTS, 7)))
    made = time.perf_counter() - began
    size = len(text.encode()) / 1e6
    rows = [Row("page of 100 instances, 10,000 requests", "≤ 2 MB", f"{size:.2f} MB", size <= 2)]
    if program() is None:
        return [*rows, Row("and drawn", "≤ 1 s", "no chromium on this machine", False)]
    drawn = []
    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        path = Path(folder) / "page.html"
        path.write_text(text, encoding="utf-8")
        for _ in range(RUNS):
            browser.open(path)
            # Nothing is painted before somebody looks.
            browser.ask("Page.captureScreenshot", format="png")
            drawn.append(float(browser.run(DRAWN)) / 1000)
    middle = statistics.median(drawn)
    seen = f"{middle:.2f} s ({min(drawn):.2f} to {max(drawn):.2f}), made in {made:.2f} s"
    return [*rows, Row("and drawn", "≤ 1 s", seen, min(drawn) > 0 and max(drawn) <= 1)]
