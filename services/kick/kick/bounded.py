"""Text of others, cut and freed of what a terminal or a log would obey."""

from __future__ import annotations

LONGEST = 300
"""Characters of a name, a value or a reason that reach a log, a label or an answer."""


def bounded(text: str, longest: int = LONGEST) -> str:
    """`text` with at most `longest` characters, control characters written out."""
    cut = text if len(text) <= longest else text[: longest - 1] + "…"
    if cut.isprintable():
        return cut
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
