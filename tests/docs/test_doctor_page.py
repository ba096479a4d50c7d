"""The page about the doctor names every check, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from toolkit.rollout.health.versions import SUPPORT
from toolkit.workflows.doctor import NAMES

PAGE = Path(__file__).parents[2] / "docs" / "operations.md"


def section() -> str:
    """The doctor's part of the page."""
    _, _, rest = PAGE.read_text().partition("## Is the cluster well: doctor")
    return rest.partition("\n## ")[0]


def test_every_check_is_on_the_page() -> None:
    named = [
        name
        for row in re.findall(r"^\| (`[^|]+) \|", section(), re.MULTILINE)
        for name in re.findall(r"`([^`]+)`", row)
    ]
    assert sorted(named) == sorted(NAMES)


def test_the_supported_versions_are_on_the_page() -> None:
    for system, support in SUPPORT.items():
        assert f"{system} {support.floor.removesuffix('.0')}" in section()
