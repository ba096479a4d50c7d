"""The fills that tell phases and releases apart without colour; pure."""

from __future__ import annotations

from toolkit.views.page.markup import Markup, el

_TONES = ("old", "new", "bad")


def patterns() -> Markup:
    """One hidden drawing at the start of a page, which all others refer to."""
    found = []
    for tone in _TONES:
        found += [
            _pattern(f"slant-{tone}", tone, "M-2 2L2-2M0 8L8 0M6 10L10 6", 8),
            _pattern(f"stripe-{tone}", tone, "M0 0V6", 5),
            _pattern(f"dots-{tone}", tone, "M1 3H2", 4),
        ]
    return el("svg", el("defs", found), width=0, height=0, class_="patterns", aria_hidden="true")


def _pattern(name: str, tone: str, path: str, size: float) -> Markup:
    return el(
        "pattern",
        el("path", d=path, class_=f"ink-{tone}"),
        id=name,
        width=size,
        height=size,
        patternUnits="userSpaceOnUse",
    )
