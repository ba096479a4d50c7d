"""Points in time, in UTC and without the locale."""

from __future__ import annotations

from datetime import UTC, datetime


def stamp(at: float) -> str:
    """`2026-05-04 12:30:00Z` for seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def minute(at: float) -> str:
    """`2026-05-04 12:30Z` for seconds since the epoch."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%MZ")


def ago(at: float, now: float) -> str:
    """`40 s ago`, `5 min ago`, `3 h ago`, `2 d ago`; what is to come is `just now`."""
    past = now - at
    for unit, word in ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s")):
        if past >= unit:
            return f"{int(past // unit)} {word} ago"
    return "just now"
