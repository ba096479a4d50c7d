"""One browser for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.page.chromium import Chromium, program


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A headless Chromium."""
    if program() is None:
        pytest.skip("no chromium on this machine")
    with Chromium() as browser:
        yield browser
