"""Text as people read it: aligned columns, neutralised control characters, durations."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

WIDTH = 10
"""Where the text of a stage's line starts."""
SCREEN = 80
"""Columns of the narrowest terminal that this is read on."""


def _escapes() -> dict[int, str]:
    table = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))}
    # Line and paragraph separators and the marks that turn the direction of text.
    marks = (0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A), 0xFEFF)
    table.update({code: f"\\u{code:04x}" for code in marks})
    return table


_CONTROLS = _escapes()
_FOR_JSON = {
    code: f"\\u{code:04x}"
    for code in _CONTROLS
    if code >= 0x20  # json escapes the others itself
}
_FOR_BLOCKS = {code: text for code, text in _CONTROLS.items() if code not in {0x09, 0x0A}}


def neutral(line: str) -> str:
    """One line that cannot move the cursor, colour the terminal or forge another line."""
    return line.translate(_CONTROLS)


def neutral_block(block: str) -> str:
    """Like `neutral`, for text of several lines: keeps newlines and tabs."""
    return block.translate(_FOR_BLOCKS)


def neutral_json(text: str) -> str:
    """A JSON text with the controls that JSON lets through written as escapes; same value."""
    return text.translate(_FOR_JSON)


def staged(word: str, text: str) -> list[str]:
    """`word` padded to a column, then `text`; further lines of `text` start at the column."""
    first, *rest = text.splitlines() or [""]
    lead = f"{word:<{WIDTH}}" if len(word) < WIDTH - 1 else word + "  "
    return [f"{lead}{first}".rstrip(), *(" " * WIDTH + line for line in rest)]


def folded(text: str, width: int) -> list[str]:
    """The lines of `text`, each in pieces of at most `width` columns; no word is cut."""
    return [
        part
        for line in text.splitlines() or [""]
        for part in wrap(line, width, break_long_words=False, break_on_hyphens=False) or [""]
    ]


def told(word: str, text: str, *, indent: int = 0) -> list[str]:
    """Like `staged` for a narrow screen: what does not fit on its line goes on below the text.

    Not for events, which are one line each for whoever searches them. `indent` moves all of it.
    """
    before = " " * indent
    width = SCREEN - WIDTH - indent
    lead = len(word) + 2 - WIDTH
    if lead <= 0:
        return [before + line for line in staged(word, "\n".join(folded(text, width)))]
    # A word longer than its column takes from the first line only.
    parts = folded("." * lead + text, width)
    parts[0] = parts[0][lead:]
    return [before + line for line in staged(word, "\n".join(parts))]


def hung(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """A table's lines, row by row: what does not fit of a last cell goes on below it.

    So do its further lines, where it has several.
    """
    result = []
    lasts = [row[-1].split("\n") for row in rows]
    firsts = [[*row[:-1], last[0]] for row, last in zip(rows, lasts, strict=True)]
    for row, last, line in zip(firsts, lasts, table(firsts), strict=True):
        start = len(line) - len(neutral(row[-1]).rstrip()) if row[-1].strip() else len(line)
        width = max(SCREEN - start, WIDTH)
        parts = folded(line[start:], width)
        for more in last[1:]:
            own = " " * min(len(more) - len(more.lstrip(" ")), WIDTH)
            parts += [own + part for part in folded(neutral(more).strip(), width - len(own))]
        rest = [(" " * start + part).rstrip() for part in parts[1:]]
        result.append([(line[:start] + parts[0]).rstrip(), *rest])
    return result


def table(rows: Sequence[Sequence[str]], *, indent: int = 0, gap: int = 2) -> list[str]:
    """Rows as aligned columns; the last column is not padded. Cells are one line each."""
    clean = [[neutral(cell) for cell in row] for row in rows]
    widths = [
        max((len(row[column]) for row in clean if column < len(row)), default=0)
        for column in range(max((len(row) for row in clean), default=0))
    ]
    return [
        (
            " " * indent
            + (" " * gap).join(cell.ljust(width) for cell, width in zip(row, widths, strict=False))
        ).rstrip()
        for row in clean
    ]


def seconds(value: float) -> str:
    """A duration in seconds as people say it: `0.4 s`, `7.1 s`, `3 min 5 s`, `2 h 4 min`."""
    if value < 59.95:
        return f"{value:.1f} s"
    whole = round(value)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    hours, minutes = whole // 3600, whole % 3600 // 60
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def counted(number: int, noun: str) -> str:
    """`1 instance`, `2 instances`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
