"""Markdown that says exactly what it was given: nothing in a value becomes markup.

For comments on code hosts, which allow about 65,000 characters: what does not fit is counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from toolkit.views.text import neutral

LONGEST = 300
"""Characters of one value; of a longer one the rest is counted."""

# Everything that could begin markup, a mention, a reference or a formula, as a character reference:
# those are never read as structure. (A backslash before a pipe would end a table's cell.)
_SPECIAL = {ord(each): f"&#{ord(each)};" for each in "&<>`*_[]|\\~#@$"}
_AT, _HASH = "&#64;", "&#35;"


def plain(text: str, longest: int = LONGEST) -> str:
    """One line of text, its whitespace put together, without controls, not too long."""
    line = neutral(" ".join(text.split()))
    return line if len(line) <= longest else f"{line[:longest]}… ({len(line) - longest} more)"


def prose(text: str, longest: int = LONGEST) -> str:
    """Text between other words, or in a cell of a table."""
    # Addresses are turned into links by themselves: not those of strangers.
    found = plain(text, longest).translate(_SPECIAL)
    # A character of no width keeps a name from being told, a number from being linked.
    found = found.replace(_AT, _AT + "&#8203;").replace(_HASH, _HASH + "&#8203;")
    found = re.sub(r"(?i)\b(https?|ftp|mailto|xmpp)(:)|\b(www)(\.)", _unlinked, found)
    # At the start of an item these would begin another list.
    return re.sub(r"^()([-+=])|^([0-9]{1,9})([.)])(?=\s|$)", _unlisted, found)


def _unlinked(match: re.Match[str]) -> str:
    word, sign = (match[1], match[2]) if match[1] else (match[3], match[4])
    return f"{word}&#{ord(sign)};"


def _unlisted(match: re.Match[str]) -> str:
    number, sign = match[1] or match[3] or "", match[2] or match[4]
    return f"{number}&#{ord(sign)};"


def code(text: str, longest: int = LONGEST) -> str:
    """A name or value as code; not inside a table."""
    line = plain(text, longest)
    if not line:
        return "(empty)"
    fence = "`" * (_longest_run(line) + 1)
    pad = " " if line[0] in "` " or line[-1] in "` " else ""
    return f"{fence}{pad}{line}{pad}{fence}"


def block(lines: Sequence[str], kind: str = "") -> list[str]:
    """Lines as they are, in a fence that none of them can end; none may hold a newline."""
    fence = "`" * max(3, max((_longest_run(line) for line in lines), default=0) + 1)
    return [f"{fence}{kind}", *lines, fence]


def _longest_run(line: str) -> int:
    return max((len(run) for run in re.findall(r"`+", line)), default=0)


def within(items: Iterable[Sequence[str]], budget: int) -> tuple[list[str], int]:
    """The lines of as many items as fit into so many characters, and how many items did not."""
    found: list[str] = []
    left = 0
    for item in items:
        size = sum(len(line) + 1 for line in item)
        # Nothing after the first that does not fit: a list with holes would mislead.
        if left or size > budget:
            left += 1
            continue
        budget -= size
        found += item
    return found, left
