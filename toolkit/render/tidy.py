"""Lines of HCL indented by their brackets, without the blank lines that templates leave.

So templates and macros need not care for either. The inside of heredocs is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from toolkit.spec.rendered import SourceLine


@dataclass(slots=True)
class Line:
    """One line of HCL as it grows."""

    movable: bool
    """It begins in code outside of any string, so its indentation means nothing."""
    text: str = ""
    source: SourceLine | None = None
    brackets: int = 0
    """Opened minus closed."""
    from_value: bool = False


def tidy(lines: list[Line]) -> list[Line]:
    """The lines as they are shown and sent."""
    kept = _thin(lines)
    _indent(kept)
    return kept


def _thin(lines: list[Line]) -> list[Line]:
    """Without blank lines at the ends, after an opening, before a closing, or twice in a row."""
    kept: list[Line] = []
    for line in lines:
        if line.movable:
            line.text = line.text.strip()
            if kept and kept[-1].movable and not kept[-1].text and line.text[:1] in {"", *"}])"}:
                kept.pop()
            if not line.text and (not kept or kept[-1].text.endswith(("{", "[", "("))):
                continue
        kept.append(line)
    while kept and not kept[-1].text:
        kept.pop()
    return kept


def _indent(lines: list[Line]) -> None:
    """Two spaces a level, a level for each line that opens more than it closes."""
    levels: list[int] = []
    for line in lines:
        closing = -line.brackets
        while closing > 0 and levels:
            taken = min(closing, levels[-1])
            levels[-1] -= taken
            closing -= taken
            if levels[-1] == 0:
                levels.pop()
        if line.movable and line.text:
            line.text = "  " * len(levels) + line.text
        if line.brackets > 0:
            levels.append(line.brackets)
