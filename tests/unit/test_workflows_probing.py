"""Why a probe's budget is spent, and whose doing that was."""

from __future__ import annotations

import pytest

from toolkit.spec.probe import ProbeFailure
from toolkit.workflows.probing import because

OLD = ProbeFailure(1.0, "GET", "/", "HTTP 500", "1.0.0")
NEW = ProbeFailure(2.0, "GET", "/", "HTTP 500", "1.1.0")
NOBODY = ProbeFailure(3.0, "GET", "/", "HTTP 502")


@pytest.mark.parametrize(
    ("failures", "old", "is_old"),
    [
        ((OLD,), "1.0.0", True), ((OLD, OLD), "1.0.0", True),
        # One that came with the new release, or from nobody who said who: no excuse.
        ((OLD, NEW), "1.0.0", False), ((OLD, NOBODY), "1.0.0", False), ((NEW,), "1.0.0", False),
        ((NOBODY,), None, False), ((), "1.0.0", False),
    ],
)  # fmt: skip
def test_what_served_before_is_named_where_it_alone_failed(
    failures: tuple[ProbeFailure, ...], old: str | None, is_old: bool
) -> None:
    cause = because("1 of 9 requests failed, 0 may", failures, old)
    assert bool(cause.advice) is is_old
    if is_old:
        assert cause.advice is not None
        assert "it was 1.0.0 that failed" in cause.advice
        assert "--no-probe" in cause.advice
