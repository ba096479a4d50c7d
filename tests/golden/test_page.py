"""The page of a rollout in outline: what is on it, in which order, and that no value is markup."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.page import reports
from toolkit.spec.kept import PageReport
from toolkit.spec.plan import DiffLine
from toolkit.spec.work import WorkInstance, WorkReport
from toolkit.views import work
from toolkit.views.page import html

GOLDEN = Path(__file__).parent
VOID = {"meta"}
QUIET = {"style", "script", "defs"}
"""What is in these is the same on every page."""
OPEN = "<!--</title></style></script></textarea></table></svg><b a=\"'`>&amp;&#60;"


class Outline(HTMLParser):
    """The elements and texts of a page, and whether each element ends where it should."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[str] = []
        self.stack: list[str] = []
        self.shape: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append(tag)
        if not QUIET & set(self.stack):
            told = " ".join(f"{k}={v}" for k, v in attrs if k in {"class", "id", "role", "scope"})
            self.lines.append("  " * len(self.stack) + f"<{tag}> {told}".rstrip())
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.stack.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.stack, f"</{tag}> ends nothing"
        assert self.stack.pop() == tag
        self.shape.append("/" + tag)

    def handle_data(self, data: str) -> None:
        if data.strip() and not QUIET & set(self.stack):
            text = "\n".join(line.rstrip() for line in data.splitlines())
            self.lines.append("  " * len(self.stack) + repr(text))

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def unknown_decl(self, data: str) -> None:
        raise AssertionError(f"a declaration: {data}")


def outline(page: PageReport) -> Outline:
    found = Outline()
    found.feed(html(page))
    found.close()
    assert not found.stack
    return found


def run() -> PageReport:
    instances = (
        WorkInstance(
            reports.name(1), "g", "app", "node-1", "complete", 0,
            started=reports.BEGAN + 1, finished=reports.BEGAN + 3,
        ),
        WorkInstance(
            reports.name(2), "g", "app", "node-1", "failed", 7, restarts=1,
            started=reports.BEGAN + 1, finished=reports.BEGAN + 2,
        ),
    )  # fmt: skip
    events = reports.report().events
    found = WorkReport(
        "failed", "migrate failed, 1 of 2 instances complete, in 3.0 s", "migrate", "dev",
        "http://127.0.0.1:4646", "default", "1.0.0", version=3, instances=instances, events=events,
        notes=("some of the output was not kept",),
    )  # fmt: skip
    return PageReport("kept", "20261123-061040874-migrate-68eb", 0.0, work.document(found))


PAGES = {
    "deployed": lambda: reports.page(reports.report(), reports.probe(200, 3)),
    "reverted": lambda: reports.page(reports.failed()),
    "elsewhere": lambda: PageReport(
        "nomad", None, reports.BEGAN + 60,
        reports.page(reports.report(verdict="unchanged", events=())).report,
        (DiffLine("Meta[release]", "Edited", "1.0.0", "1.1.0"),), ("nobody watched",),
    ),
    "run": run,
}  # fmt: skip


@pytest.mark.parametrize("name", PAGES)
def test_a_page_in_outline(name: str, regenerate: bool) -> None:
    text = "\n".join(outline(PAGES[name]()).lines) + "\n"
    path = GOLDEN / f"page.{name}.txt"
    if regenerate:
        path.write_text(text)
    assert text == path.read_text()


def test_many_instances_have_a_line_less_each_and_all_are_in_the_table() -> None:
    text = html(reports.page(reports.report(100)))
    assert 'class="caption"' not in text
    assert text.count('scope="row"') >= 200
    assert len(text) < 400_000


def test_an_hour_of_requests_is_drawn_in_a_bounded_number_of_columns() -> None:
    few, many = (
        html(reports.page(reports.report(), reports.probe(n))).count('class="bar new"')
        for n in (1000, 36_000)
    )
    assert few < many < 400


def test_a_report_that_knows_next_to_nothing_has_a_page() -> None:
    """As an older toolkit kept it, or of something that never began."""
    bare = reports.page(
        reports.report(
            verdict="unplaced", timeline=None, verification=None, events=(), release=None,
            previous_release=None, version=None, deployment=None,
        )
    )  # fmt: skip
    optional = ("timeline", "probe", "analysis", "provenance", "lock")
    document = {key: value for key, value in bare.report.items() if key not in optional}
    found = outline(PageReport("kept", "x", reports.BEGAN, document))
    assert "<h1>" in "".join(found.lines) and "svg" in found.shape


def changed(value: Any, text: str) -> Any:
    """The document with `text` in place of whatever somebody else wrote."""
    if isinstance(value, dict):
        return {key: item if key in OURS else changed(item, text) for key, item in value.items()}
    if isinstance(value, list):
        return [changed(item, text) for item in value]
    return text if isinstance(value, str) else value


OURS = {"schema", "verdict", "phase", "role", "kind", "state", "system", "end", "word"}
"""Keys whose values are words of our own."""


@settings(deadline=None, max_examples=25)
@given(st.text(st.characters(codec=None), max_size=40) | st.just(OPEN))
def test_no_value_becomes_markup(text: str) -> None:
    for make in (PAGES["reverted"], PAGES["deployed"]):
        page = make()
        plain = outline(PageReport("kept", "x", 0.0, changed(page.report, "x"), notes=("x",)))
        # An empty text may leave an element out: one letter keeps it.
        hostile = changed(page.report, text + "x")
        nasty = outline(PageReport("kept", "x", 0.0, hostile, notes=(text + "x",)))
        assert nasty.shape == plain.shape
