"""docs/security.md names the tests that hold its promises: they are there."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT

PAGE = "docs/security.md"
NAMED = re.compile(r"`((?:tests/[\w/]+/)?test_\w+\.py)`")


def test_every_test_that_is_named_is_there() -> None:
    named = set(NAMED.findall((ROOT / PAGE).read_text()))
    patterns = {name: name if "/" in name else f"tests/**/{name}" for name in named}
    assert [name for name, pattern in patterns.items() if not list(ROOT.glob(pattern))] == []
    assert len(named) > 20


def test_every_promise_has_a_test() -> None:
    lines = (ROOT / PAGE).read_text().splitlines()
    rows = [line for line in lines if line.startswith("| ") and "| proven by |" not in line]
    assert rows
    assert [row for row in rows if not NAMED.search(row)] == []
