"""Near names for typos; difflib is imported only once there is a typo."""

from __future__ import annotations

from collections.abc import Iterable

MANY = 12
"""More names than this are not listed."""


def near_names(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Names like `name` among `known`, the nearest first, at most three."""
    from difflib import get_close_matches

    names = {candidate.lower(): candidate for candidate in known}
    return tuple(names[match] for match in get_close_matches(name.lower(), names))


def suggest(name: str, known: Iterable[str]) -> str | None:
    """`did you mean "count"?`, or the known names when none is near and they are few."""
    names = sorted(known)
    near = near_names(name, names)
    if near:
        return "did you mean " + " or ".join(f'"{candidate}"' for candidate in near) + "?"
    if names and len(names) <= MANY:
        return "known: " + ", ".join(names)
    return None
