"""The page in a real browser: what is where, what can be read, and that it asks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.page import reports
from tests.page.chromium import Chromium
from toolkit.spec.probe import ProbeReport
from toolkit.spec.report import DeployReport
from toolkit.views.page import html

pytestmark = pytest.mark.browser

WIDTHS = (375, 1280)

BOXES = """
(() => {
  const box = (node) => {
    const r = node.getBoundingClientRect();
    return {left: r.left, top: r.top, right: r.right, bottom: r.bottom, text: node.textContent};
  };
  const all = (selector) => [...document.querySelectorAll(selector)].map(box);
  return {
    width: document.documentElement.clientWidth,
    wide: document.documentElement.scrollWidth,
    parts: all("main > *"), captions: all("text.caption"), marks: all("text.mark"),
    ticks: all(".bars text.tick"), bars: all(".bars g.bar > svg"), heads: all("text.head"),
    charts: all("svg.chart"),
  };
})()
"""

CONTRASTS = """
(() => {
  const parse = (text) => (text.match(/[0-9.]+/g) || []).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map(
      (v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const found = [];
  for (const node of document.querySelectorAll("main *, footer *")) {
    const own = [...node.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own || ["TITLE", "DESC", "STYLE"].includes(node.tagName.toUpperCase())) continue;
    const style = getComputedStyle(node);
    const ink = node.closest("svg") ? parse(style.fill) : parse(style.color);
    if (ink.length < 3) continue;
    const [a, b] = [light(ink.slice(0, 3)), light(behind(node))].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), node.tagName + "." + node.getAttribute("class")]);
  }
  return found;
})()
"""


def write(folder: Path, found: DeployReport, seen: ProbeReport | None = None) -> Path:
    path = folder / "page.html"
    path.write_text(html(reports.page(found, seen)), encoding="utf-8")
    return path


@pytest.fixture(params=["deployed", "reverted"])
def shown(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    if request.param == "deployed":
        yield write(tmp_path, reports.report(), reports.probe(400, 3))
    else:
        yield write(tmp_path, reports.failed("x" * 300))


def overlap(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(
        one["left"] < other["right"] - 1
        and other["left"] < one["right"] - 1
        and one["top"] < other["bottom"] - 1
        and other["top"] < one["bottom"] - 1
    )


def pairs(boxes: list[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    for place, one in enumerate(boxes):
        for other in boxes[place + 1 :]:
            yield one, other


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_is_cut_off_or_drawn_over(chromium: Chromium, shown: Path, width: int) -> None:
    chromium.open(shown, width=width)
    seen = chromium.run(BOXES)
    assert seen["wide"] <= seen["width"] == width, "the page scrolls sideways"
    for name in ("parts", "captions", "marks", "ticks", "heads", "charts"):
        assert seen[name], name
        for one, other in pairs(seen[name]):
            assert not overlap(one, other), (name, one, other)
    for caption in (*seen["captions"], *seen["marks"], *seen["heads"]):
        assert caption["left"] >= -1 and caption["right"] <= width + 1, caption
        assert not any(overlap(caption, bar) for bar in seen["bars"]), caption


def test_bars_begin_and_end_where_the_axis_says(chromium: Chromium, tmp_path: Path) -> None:
    chromium.open(write(tmp_path, reports.report(1)))
    seen = chromium.run(BOXES)
    [chart] = [box for box in seen["charts"] if "submitted" in box["text"]]
    wide = chart["right"] - chart["left"]
    # From the registration to the last look, and two hundredths of room.
    second = wide / (8 * 1.02)
    healthy, draining = [box for box in seen["bars"] if box["text"] in {"healthy", "draining"}][:2]
    assert healthy["left"] == pytest.approx(chart["left"], abs=1)
    assert healthy["right"] == pytest.approx(chart["left"] + 3 * second, abs=1)
    assert draining["left"] == pytest.approx(healthy["right"], abs=1)
    assert draining["right"] == pytest.approx(chart["left"] + 6 * second, abs=1)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("media", ["", "print"])
def test_every_text_can_be_read(chromium: Chromium, shown: Path, dark: bool, media: str) -> None:
    chromium.open(shown, dark=dark, media=media)
    back = chromium.run("getComputedStyle(document.body).backgroundColor")
    is_dark = dark and not media
    assert (sum(map(int, back[4:-1].split(","))) < 200) == is_dark, back
    found = chromium.run(CONTRASTS)
    assert len(found) > 30
    weak = sorted({(round(ratio, 2), where) for ratio, where in found if ratio < 4.5})
    assert not weak


def test_it_asks_nobody_and_breaks_no_rule_of_its_own(chromium: Chromium, shown: Path) -> None:
    chromium.open(shown)
    asked = [
        event["params"]["request"]["url"] for event in chromium.told("Network.requestWillBeSent")
    ]
    assert asked == [shown.as_uri()]
    assert not chromium.told(
        "Log.entryAdded", "Runtime.exceptionThrown", "Runtime.consoleAPICalled"
    )


def test_the_pointer_tells_the_time_through_all_charts(chromium: Chromium, tmp_path: Path) -> None:
    chromium.open(write(tmp_path, reports.report(), reports.probe()))
    seen = chromium.run(
        """(() => {
          const plots = [...document.querySelectorAll(".plot")];
          const box = plots[0].getBoundingClientRect();
          plots[0].dispatchEvent(new PointerEvent("pointermove", {clientX: box.left}));
          return plots.map((plot) => plot.lastChild.textContent);
        })()"""
    )
    assert seen == ["−2.0 s"] * 3


def test_paper_gets_what_is_folded_away(chromium: Chromium, tmp_path: Path) -> None:
    chromium.open(write(tmp_path, reports.report()))
    count = "document.querySelectorAll('details[open]').length"
    assert chromium.run(count) == 0
    chromium.run("dispatchEvent(new Event('beforeprint'))")
    assert chromium.run(count) == chromium.run("document.querySelectorAll('details').length") > 0
    chromium.run("dispatchEvent(new Event('afterprint'))")
    assert chromium.run(count) == 0


def test_without_a_script_nothing_is_missing(chromium: Chromium, shown: Path) -> None:
    text = "document.querySelector('main').textContent"
    chromium.open(shown)
    with_script = chromium.run(text)
    chromium.ask("Emulation.setScriptExecutionDisabled", value=True)
    try:
        chromium.open(shown)
    finally:
        chromium.ask("Emulation.setScriptExecutionDisabled", value=False)
    assert chromium.run(text) == with_script


HOSTILE = (
    "</script></style></title><script>window.hit=1</script><img src=x onerror=window.hit=1>"
    "\"'><svg onload=window.hit=1>&lt;\x1b[31m\x00\u202e\ud800]]>--><!--"
)


def test_what_programs_write_stays_text(chromium: Chromium, tmp_path: Path) -> None:
    chromium.open(write(tmp_path, reports.failed(HOSTILE)))
    assert chromium.run("window.hit") is None
    assert chromium.run("document.querySelectorAll('img, script').length") == 1
    assert chromium.run("document.querySelectorAll('style').length") == 1
    assert "<script>window.hit=1</script>" in chromium.run(
        "document.querySelector('pre').textContent"
    )
    # Nothing turns the direction of the text, and nothing was left out either.
    whole = chromium.run("document.documentElement.textContent")
    assert "\u202e" not in whole and "\\u202e" in whole and "\\x1b[31m" in whole
    assert not chromium.told("Log.entryAdded", "Runtime.exceptionThrown")


def test_names_for_those_who_do_not_see_it(chromium: Chromium, shown: Path) -> None:
    chromium.open(shown)
    nodes = chromium.ask("Accessibility.getFullAXTree")["nodes"]
    named: dict[str, list[str]] = {}
    for node in nodes:
        role = str(node.get("role", {}).get("value"))
        named.setdefault(role, []).append(str(node.get("name", {}).get("value") or ""))
    assert all(named["heading"]) and len(named["heading"]) >= 5
    # Chromium calls the role img so.
    assert all(named["image"]) and len(named["image"]) >= 1
    assert all(named["region"]) and len(named["region"]) >= 3
    assert chromium.run("document.documentElement.lang") == "en"
    levels = chromium.run("[...document.querySelectorAll('h1,h2,h3')].map((h) => h.tagName)")
    assert levels[0] == "H1" and levels.count("H1") == 1
