"""Points in time, in UTC and without the locale."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(at: float) -> str:
    """`2026-05-04 12:30:00Z` for seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
