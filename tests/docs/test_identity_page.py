"""The page about the kick server names every reason for which a caller is not believed."""

from __future__ import annotations

import re
from pathlib import Path

from toolkit.identity.limits import Limits
from toolkit.identity.reasons import REASONS

PAGE = Path(__file__).parents[2] / "docs" / "kick.md"


def section() -> str:
    """What the page says of callers."""
    _, _, rest = PAGE.read_text().partition("## Who is asking")
    return rest.partition("\n## ")[0]


def test_every_reason_is_on_the_page_in_its_own_words() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section(), re.MULTILINE)
    assert rows == [(slug, said.format(audience="kick")) for slug, (said, _) in REASONS.items()]


def test_the_times_on_the_page_are_the_ones_that_hold() -> None:
    limits = Limits()
    assert (limits.keys_fresh, limits.keys_pause, limits.alive, limits.person) == (300, 5, 5, 10)
    assert (limits.failures, limits.failures_in_all) == (10, 50)
    text = " ".join(section().split())
    assert "its keys every five minutes" in text
    assert "an allocation every five seconds, a person every ten" in text
    assert "looked up ten at once from one address and fifty from all" in text
