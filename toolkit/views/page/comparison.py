"""The analysis of canaries beside stable instances, as far as a report has one; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from toolkit.views.page.markup import Markup, el
from toolkit.views.page.sections import rows, section
from toolkit.views.page.words import length, share

_TONES = {"passed": ("✓", "good"), "failed": ("✕", "bad")}


def section_of(analysis: Mapping[str, Any] | None) -> Markup | None:
    """What was compared, and what was found."""
    if not analysis:
        return None
    glyph, tone = _TONES.get(str(analysis.get("word")), ("?", "warn"))
    said = str(analysis.get("reason") or analysis.get("sentence") or "")
    lines = []
    for name in ("canary", "stable"):
        side = analysis.get(name)
        if isinstance(side, Mapping):
            latency = side.get("latency")
            lines.append(
                (
                    name,
                    str(side.get("instances", "–")),
                    f"{int(side.get('requests') or 0):,}",
                    f"{int(side.get('failed') or 0):,}",
                    share(int(side.get("failed") or 0), int(side.get("requests") or 0)),
                    "–" if latency is None else length(float(latency)),
                )
            )
    head = ["side", "instances", "requests", "failed", "share", "latency"]
    return section(
        "analysis",
        "Canaries beside stable instances",
        el("p", f"{glyph} {analysis.get('word')}", class_=tone),
        el("p", said) if said else None,
        rows("What each side answered", head, lines) if lines else None,
    )
